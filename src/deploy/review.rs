//! What the service says to the stacks that are new or change, before the
//! first of them is carried out.
//!
//! All are asked about at the same time: by a change set where the inputs are
//! known and nothing has to come first, else by the template alone. The engine
//! carries the change sets out if it still wants the same by then.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::break_off::CLEARING;
use super::change::is_conflict;
use super::holds_data::losses;
use super::ledger::Begun;
use super::question::{Intent, Question, known_image, questions};
use super::run::Run;
use super::sweep::remove_empty;
use super::work::PREFIX;
use super::{RunId, StepError, StepFailure, Work};
use crate::aws::{ChangeSet, ChangeSetKind, ChangeSetState, Cloud, CloudError};
use crate::plan::{Plan, StepId};
use crate::stack::StackName;

/// How often a template is sent again that nobody had time to read.
const ATTEMPTS: usize = 5;

/// A change set that was worked out and waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// What it would do.
    pub change_set: ChangeSet,
    /// What it would lose, in words.
    pub losses: Vec<String>,
    /// What the service's checks say of it that does not stop it.
    pub warnings: Vec<String>,
    /// Whether it makes its stack.
    pub(super) kind: ChangeSetKind,
    /// The parameters that it was made with.
    pub(super) parameters: BTreeMap<String, String>,
    /// For the request that removes the empty stack around it.
    token: String,
}

/// What the service said.
#[derive(Debug, Clone, Default)]
pub struct Review {
    /// The change sets that may be carried out.
    pub ready: BTreeMap<StackName, Ready>,
    /// What it refuses, and why.
    pub refused: Vec<StepFailure>,
}

// === impl Ready ===

impl Ready {
    /// Whether it makes its stack: all that is in it is new then.
    pub fn makes_stack(&self) -> bool {
        self.kind == ChangeSetKind::Create
    }
}

// === impl Review ===

impl Review {
    /// Everything that would be lost, with its stack.
    pub fn losses(&self) -> Vec<String> {
        self.all(|ready| &ready.losses)
    }

    /// Everything that the service's checks say and that stops nothing, with
    /// its stack.
    pub fn warnings(&self) -> Vec<String> {
        self.all(|ready| &ready.warnings)
    }

    fn all(&self, of: impl Fn(&Ready) -> &[String]) -> Vec<String> {
        let of_stack = |(name, ready): (&StackName, &Ready)| {
            let told = of(ready).iter().map(|each| format!("{name}: {each}"));
            told.collect::<Vec<_>>()
        };
        self.ready.iter().flat_map(of_stack).collect()
    }
}

/// Asks about each stack of a plan that is new or changes. Those that stay as
/// they are cost no call.
pub async fn review(plan: &Plan, cloud: &Cloud, work: &Work, intent: Intent) -> Review {
    let image = known_image(plan, work);
    let questions = questions(plan, intent, image.is_some());
    if questions.is_empty() {
        return Review::default();
    }
    let work = Work {
        run: RunId::new(format!("{}-r", work.run)),
        ..work.clone()
    };
    let (events, _nobody_listens) = unbounded_channel();
    let (run, _watching) = Run::new(plan, cloud, work, events);
    let run = Arc::new(run);
    if let Some(image) = image {
        let _ = run.app_image.set(image);
    }
    let mut asked = JoinSet::new();
    for (name, question) in questions {
        let run = Arc::clone(&run);
        asked.spawn(async move {
            let answer = match question {
                Question::ChangeSet(kind) => run.look_ahead(&name, kind).await,
                Question::Template => run.check_template(&name).await.map(|()| None),
            };
            (name, answer)
        });
    }
    let mut review = Review::default();
    for (name, answer) in asked.join_all().await {
        match answer {
            Ok(Some(ready)) => _ = review.ready.insert(name, ready),
            Ok(None) => {}
            Err(error) => review.refused.push(StepFailure {
                step: StepId::Stack(name),
                error,
            }),
        }
    }
    review
        .refused
        .sort_by(|one, other| one.step.cmp(&other.step));
    review
}

/// Removes the change sets of a review that is not carried out, and the empty
/// stacks around them.
pub async fn forget(cloud: &Cloud, review: &Review) {
    remove(cloud, review.ready.values()).await;
}

/// Removes the change sets of a review that was broken off in the middle, as
/// far as that is possible within a moment.
pub async fn clear(cloud: &Cloud, plan: &Plan, work: &Work) {
    let ours = format!("{PREFIX}-{}-", work.run);
    let mut clearing = JoinSet::new();
    for name in plan.rendered.keys() {
        let (cloud, ours) = (cloud.clone(), ours.clone());
        let is_new = !plan.deployed.contains_key(name);
        let name = name.clone();
        clearing.spawn(async move {
            let left = cloud.change_sets(name.as_str()).await.unwrap_or_default();
            let left: Vec<_> = left
                .into_iter()
                .filter(|set| set.name.starts_with(&ours))
                .collect();
            for set in &left {
                let _ = cloud.delete_change_set(&set.id).await;
            }
            if let Some(set) = left.first().filter(|_| is_new) {
                let token = format!("{}-d", set.name);
                let _ = remove_empty(&cloud, name.as_str(), &token, None).await;
            }
        });
    }
    let _ = timeout(CLEARING, clearing.join_all()).await;
}

/// The next run removes what is left.
async fn remove(cloud: &Cloud, ready: impl Iterator<Item = &Ready>) {
    let mut removals = JoinSet::new();
    for ready in ready {
        let (cloud, ready) = (cloud.clone(), ready.clone());
        removals.spawn(async move {
            let set = &ready.change_set;
            cloud.delete_change_set(&set.id).await?;
            match ready.kind {
                ChangeSetKind::Create => {
                    remove_empty(&cloud, &set.stack_id, &ready.token, None).await
                }
                ChangeSetKind::Update => Ok(()),
            }
        });
    }
    removals.join_all().await;
}

impl Run {
    /// Removes the change sets of the review that no step came to.
    pub(super) async fn forget_unused(&self) {
        let used = self
            .used
            .lock()
            .map(|used| used.clone())
            .unwrap_or_default();
        let ready = self.work.review.ready.iter();
        let unused = ready.filter(|(name, _)| !used.contains(name));
        remove(&self.cloud, unused.map(|(_, ready)| ready)).await;
    }

    /// Has one change set made; none when it finds nothing to change, or when
    /// somebody else is at the stack, which the engine waits for.
    async fn look_ahead(
        &self,
        name: &StackName,
        kind: ChangeSetKind,
    ) -> Result<Option<Ready>, StepError> {
        let stack = self.rendered(name);
        if self.deployed(name).is_some() {
            self.sweep(name.as_str()).await;
        }
        let parameters = self.parameters(stack);
        let (id, stack_id) = match self.create_change_set(stack, kind, &parameters).await {
            Ok(made) => made,
            Err(error) if is_conflict(&error) => return Ok(None),
            Err(error) => return Err(self.refusal(stack, error)),
        };
        let begun = Begun {
            stack_id,
            change_set: id,
            kind,
            is_executing: false,
        };
        let mut change_set = self.settled_change_set(&begun).await?;
        let id = begun.change_set;
        change_set.stack_id = begun.stack_id;
        if change_set.state == ChangeSetState::Failed {
            return self.refused(stack, &change_set).await.map(|_| None);
        }
        let (losses, warnings, ()) = match kind {
            ChangeSetKind::Create => (Vec::new(), Vec::new(), ()),
            ChangeSetKind::Update => {
                let changes = change_set.changes.clone();
                tokio::join!(
                    losses(&self.cloud, &changes),
                    self.read_warnings(&id),
                    self.read_values(&mut change_set)
                )
            }
        };
        Ok(Some(Ready {
            losses,
            warnings,
            change_set,
            kind,
            parameters,
            token: self.token(),
        }))
    }

    /// What the checks say of a change set that passed; an endpoint, or a
    /// caller, without this call has nothing of it.
    async fn read_warnings(&self, id: &str) -> Vec<String> {
        self.pace.urgent_turn().await;
        let answer = self.reader.change_set_warnings(id).await;
        self.pace.learn(&answer);
        answer.unwrap_or_default()
    }

    /// Adds the values of properties before and after, where they are told.
    async fn read_values(&self, change_set: &mut ChangeSet) {
        self.pace.urgent_turn().await;
        let answer = self.reader.change_set_values(&change_set.id).await;
        self.pace.learn(&answer);
        let Ok(told) = answer else { return };
        for change in &mut change_set.changes {
            let mut told = told.iter();
            if let Some(with) = told.find(|with| with.logical_id == change.logical_id) {
                change.attributes.clone_from(&with.attributes);
            }
        }
    }

    /// Has the template alone checked. What cannot be asked now shows where
    /// the stack is made.
    async fn check_template(&self, name: &StackName) -> Result<(), StepError> {
        let stack = self.rendered(name);
        // A bucket that does not take it would not later, either.
        let template = self.template(stack).await?;
        for _ in 0..ATTEMPTS {
            self.pace.urgent_turn().await;
            let answer = self.reader.validate_template(&template).await;
            self.pace.learn(&answer);
            match answer {
                Err(CloudError::Throttled { .. }) => {}
                Err(error) if error.code() == Some("ValidationError") => {
                    return Err(self.refusal(stack, error));
                }
                Ok(()) | Err(_) => break,
            }
        }
        Ok(())
    }
}
