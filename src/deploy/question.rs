//! What the service can be asked of each stack before anything is carried out.

use std::collections::BTreeSet;

use super::ImageSource;
use super::Work;
use crate::aws::ChangeSetKind;
use crate::plan::{Action, Change, DeployedStack, Plan, Step, StepId};
use crate::stack::{ParameterValue, RenderedStack, StackName};

/// Why the service is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// To know: nothing is made of a stack that is not there.
    Look,
    /// To carry out what it agrees to.
    CarryOut,
}

/// What it is asked of one stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// Everything, by a change set: names, quotas, values.
    ChangeSet(ChangeSetKind),
    /// The template, where values are known only later.
    Template,
}

/// A question for each stack that is new or changes.
pub(super) fn questions(
    plan: &Plan,
    intent: Intent,
    knows_image: bool,
) -> Vec<(StackName, Question)> {
    let of = |step: &Step| {
        let StepId::Stack(name) = &step.id else {
            return None;
        };
        let stack = plan.rendered.get(name)?;
        let is_known = can_be_known(stack, plan, knows_image);
        let question = match &step.action {
            Action::Update { changes } if is_done_by_other_calls(changes) => {
                return None;
            }
            Action::Update { .. } if is_known => Question::ChangeSet(ChangeSetKind::Update),
            Action::Create if is_known && intent == Intent::CarryOut && can_begin(step, plan) => {
                Question::ChangeSet(ChangeSetKind::Create)
            }
            Action::Create
            | Action::Update { .. }
            | Action::MayUpdate { .. }
            | Action::Replace { .. }
            | Action::Wait { .. }
            | Action::Continue { .. } => Question::Template,
            Action::Unchanged
            | Action::Blocked { .. }
            | Action::Run
            | Action::Delete
            | Action::Absent => return None,
        };
        Some((name.clone(), question))
    };
    plan.steps.iter().filter_map(of).collect()
}

/// Whether no change set is needed for it.
fn is_done_by_other_calls(changes: &[Change]) -> bool {
    !changes.is_empty() && !changes.iter().any(Change::is_of_change_set)
}

/// Whether all that a step needs is there: a change set that makes a stack
/// leaves an empty one behind, which is not to wait for long.
fn can_begin(step: &Step, plan: &Plan) -> bool {
    step.needs.iter().all(|need| {
        let needed = plan.step(need);
        needed.is_some_and(|needed| needed.action == Action::Unchanged)
    })
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
pub(super) fn known_image(plan: &Plan, work: &Work) -> Option<String> {
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
