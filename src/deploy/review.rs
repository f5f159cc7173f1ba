//! What the service says to the changes of stacks that stand, before the first
//! of them is carried out.
//!
//! All change sets are made at the same time, as far as their inputs are
//! known. The engine carries them out if it still wants the same by then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::break_off::CLEARING;
use super::holds_data::losses;
use super::run::Run;
use super::work::PREFIX;
use super::{ImageSource, RunId, StepError, StepFailure, Work};
use crate::aws::{ChangeSet, ChangeSetKind, ChangeSetState, Cloud};
use crate::plan::{Action, DeployedStack, Plan, StepId};
use crate::stack::{ParameterValue, RenderedStack, StackName};

/// A change set that was worked out and waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// What it would do.
    pub change_set: ChangeSet,
    /// What it would lose, in words.
    pub losses: Vec<String>,
    /// The parameters that it was made with.
    pub(super) parameters: BTreeMap<String, String>,
}

/// What the service said.
#[derive(Debug, Clone, Default)]
pub struct Review {
    /// The change sets that may be carried out.
    pub ready: BTreeMap<StackName, Ready>,
    /// The changes that it refuses, and why.
    pub refused: Vec<StepFailure>,
}

// === impl Review ===

impl Review {
    /// Everything that would be lost, with its stack.
    pub fn losses(&self) -> Vec<String> {
        let of_stack = |(name, ready): (&StackName, &Ready)| {
            let of = |loss: &String| format!("{name}: {loss}");
            ready.losses.iter().map(of).collect::<Vec<_>>()
        };
        self.ready.iter().flat_map(of_stack).collect()
    }
}

/// Has the change sets of a plan made, and looks at them.
pub async fn review(plan: &Plan, cloud: &Cloud, work: &Work) -> Review {
    let known = with_known_image(plan, work);
    let changed: Vec<&RenderedStack> = plan
        .steps
        .iter()
        .filter(|step| matches!(step.action, Action::Update { .. }))
        .filter_map(|step| match &step.id {
            StepId::Stack(name) => plan.rendered.get(name),
            _ => None,
        })
        .filter(|stack| can_be_known(stack, plan, known.is_some()))
        .collect();
    if changed.is_empty() {
        return Review::default();
    }
    let work = Work {
        run: RunId::new(format!("{}-r", work.run)),
        ..work.clone()
    };
    let (events, _nobody_listens) = unbounded_channel();
    let (run, _watching) = Run::new(plan, cloud, work, events);
    let run = Arc::new(run);
    if let Some(image) = known {
        let _ = run.app_image.set(image);
    }
    let mut looks = JoinSet::new();
    for stack in changed {
        let (run, name) = (Arc::clone(&run), stack.name.clone());
        looks.spawn(async move {
            let looked = run.look_ahead(&name).await;
            (name, looked)
        });
    }
    let mut review = Review::default();
    for (name, looked) in looks.join_all().await {
        match looked {
            Ok(Some(ready)) => _ = review.ready.insert(name, ready),
            Ok(None) => {}
            Err(error) => review.refused.push(StepFailure {
                step: StepId::Stack(name),
                error,
            }),
        }
    }
    review
}

/// Removes the change sets of a review that is not carried out.
pub async fn forget(cloud: &Cloud, review: &Review) {
    let ids = review
        .ready
        .values()
        .map(|ready| ready.change_set.id.clone());
    remove(cloud, ids.collect()).await;
}

/// Removes the change sets of a review that was broken off in the middle, as
/// far as that is possible within a moment.
pub async fn clear(cloud: &Cloud, plan: &Plan, work: &Work) {
    let ours = format!("{PREFIX}-{}-", work.run);
    let clearing = async {
        for name in plan.deployed.keys() {
            let left = cloud.change_sets(name.as_str()).await.unwrap_or_default();
            let left = left.into_iter().filter(|set| set.name.starts_with(&ours));
            remove(cloud, left.map(|set| set.id).collect()).await;
        }
    };
    let _ = timeout(CLEARING, clearing).await;
}

/// The next run removes what is left.
async fn remove(cloud: &Cloud, change_sets: Vec<String>) {
    let mut removals = JoinSet::new();
    for id in change_sets {
        let cloud = cloud.clone();
        removals.spawn(async move { cloud.delete_change_set(&id).await.is_ok() });
    }
    removals.join_all().await;
}

/// Whether all that a stack is told is known before anything runs: values
/// that it imports are there, and so is the image's name.
fn can_be_known(stack: &RenderedStack, plan: &Plan, knows_image: bool) -> bool {
    let exports: BTreeSet<&String> = plan
        .deployed
        .values()
        .flat_map(|there| &there.stack.exports)
        .collect();
    let is_known = |value: &ParameterValue| match value {
        ParameterValue::Known(_) => true,
        ParameterValue::AppImage => knows_image,
        ParameterValue::PushedImage(_) => false,
    };
    stack.imports.iter().all(|import| exports.contains(import))
        && stack.parameters.values().all(is_known)
}

/// The image's name, when the repository is known from what is deployed.
fn with_known_image(plan: &Plan, work: &Work) -> Option<String> {
    let digest = match work.image.as_ref()? {
        ImageSource::Given(reference) => return Some(reference.clone()),
        ImageSource::Built(image) => image.digest.to_string(),
    };
    let named = plan.rendered.values().find_map(|stack| {
        let parameters = &mut stack.parameters.iter();
        let (name, _) = parameters.find(|(_, value)| **value == ParameterValue::AppImage)?;
        let there: &DeployedStack = plan.deployed.get(&stack.name)?;
        there.stack.parameters.get(name)
    })?;
    let (repository, _) = named.split_once('@')?;
    Some(format!("{repository}@{digest}"))
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
        remove(
            &self.cloud,
            unused
                .map(|(_, ready)| ready.change_set.id.clone())
                .collect(),
        )
        .await;
    }

    /// Has one change set made; none when it finds nothing to change.
    async fn look_ahead(&self, name: &StackName) -> Result<Option<Ready>, StepError> {
        let stack = self.rendered(name);
        self.sweep(name.as_str()).await;
        let parameters = self.parameters(stack);
        let made = self
            .create_change_set(stack, ChangeSetKind::Update, &parameters)
            .await?;
        let mut change_set = self.settled_change_set(&made.0).await?;
        change_set.stack_id = made.1;
        if change_set.state == ChangeSetState::Failed {
            return self.refused(stack, &change_set).await.map(|_| None);
        }
        let losses = losses(&self.cloud, &change_set.changes).await;
        Ok(Some(Ready {
            change_set,
            losses,
            parameters,
        }))
    }
}
