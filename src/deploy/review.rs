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

use super::change::is_conflict;
use super::holds_data::{Loss, losses};
use super::made::Waiting;
use super::question::{Intent, Question, known_image, questions};
use super::run::Run;
use super::{Agreed, Interrupt, RunId, StepError, StepFailure, Work};
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
    /// What it would lose.
    pub(super) losses: Vec<Loss>,
    /// What the service's checks say of it that does not stop it.
    pub warnings: Vec<String>,
    /// Where it waits.
    pub(super) waiting: Waiting,
    /// The parameters that it was made with.
    pub(super) parameters: BTreeMap<String, String>,
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
        self.waiting.kind == ChangeSetKind::Create
    }
}

// === impl Review ===

impl Review {
    /// Everything that would be lost, with its stack.
    pub fn losses(&self) -> Vec<String> {
        self.all(|ready| ready.losses.as_slice())
    }

    /// What somebody agrees to who agrees to lose all of that.
    pub fn agreement(&self) -> Agreed {
        let mut agreed = Agreed::default();
        for (name, ready) in &self.ready {
            let losses = ready.losses.iter();
            losses.for_each(|loss| agreed.add(name, loss));
        }
        agreed
    }

    /// Everything that the service's checks say and that stops nothing, with
    /// its stack.
    pub fn warnings(&self) -> Vec<String> {
        self.all(|ready| ready.warnings.as_slice())
    }

    fn all<T: ToString + 'static>(&self, of: impl Fn(&Ready) -> &[T]) -> Vec<String> {
        let of_stack = |(name, ready): (&StackName, &Ready)| {
            let told = of(ready).iter().map(ToString::to_string);
            let told = told.map(|each| format!("{name}: {each}"));
            told.collect::<Vec<_>>()
        };
        self.ready.iter().flat_map(of_stack).collect()
    }
}

/// Asks about each stack of a plan that is new or changes. Those that stay as
/// they are cost no call. None when it is broken off; what is left of it then
/// is in [`Work::made`].
pub async fn review(
    plan: &Plan,
    cloud: &Cloud,
    work: &Work,
    intent: Intent,
    mut interrupt: Interrupt,
) -> Option<Review> {
    let image = known_image(plan, work);
    let questions = questions(plan, intent, image.is_some());
    if questions.is_empty() {
        return Some(Review::default());
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
    loop {
        let (name, answer) = tokio::select! {
            biased;
            () = interrupt.interrupted() => {
                run.leave(&mut asked).await;
                return None;
            }
            answered = asked.join_next() => match answered {
                Some(answered) => answered.expect("a question does not panic"),
                None => break,
            },
        };
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
    Some(review)
}

impl Run {
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
        let set = match self.create_change_set(stack, kind, &parameters).await {
            Ok(made) => made,
            Err(error) if is_conflict(&error) => return Ok(None),
            Err(error) => return Err(self.refusal(stack, error)),
        };
        let mut change_set = self.settled_change_set(&set).await?;
        if change_set.state == ChangeSetState::Failed {
            return self.refused(stack, &set, &change_set).await.map(|_| None);
        }
        let (losses, warnings, ()) = match kind {
            ChangeSetKind::Create => (Vec::new(), Vec::new(), ()),
            ChangeSetKind::Update => {
                let changes = change_set.changes.clone();
                tokio::join!(
                    losses(&self.cloud, &changes),
                    self.read_warnings(&set.id),
                    self.read_values(&mut change_set)
                )
            }
        };
        Ok(Some(Ready {
            losses,
            warnings,
            change_set,
            waiting: set,
            parameters,
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
