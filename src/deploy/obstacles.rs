//! What stands in the way of removing an environment, found before anything
//! is removed.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use tokio::task::JoinSet;

use super::image::repository_name;
use super::left_behind;
use super::pace::Pace;
use crate::aws::{Cloud, CloudError};
use crate::plan::{Action, Plan, StepId};
use crate::stack::Role;

/// Why a stack cannot go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Obstacle {
    /// It is protected from deletion.
    Protected {
        /// The stack.
        stack: String,
    },
    /// Stacks that are none of the environment's import a value from it.
    Imported {
        /// The stack.
        stack: String,
        /// The name of the value.
        export: String,
        /// Who imports it.
        by: Vec<String>,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protected { stack } => write!(f, "`{stack}` is protected from deletion"),
            Self::Imported { stack, export, by } => {
                write!(
                    f,
                    "`{stack}` exports `{export}`, which {} imports",
                    names(by)
                )
            }
        }
    }
}

fn names(stacks: &[String]) -> String {
    let names: Vec<String> = stacks.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

// === impl Obstacle ===

impl Obstacle {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Protected { stack } => format!(
                "if it may go: `stacks: {{ termination_protection: false }}` and `colormesh up`, or `aws \
                 cloudformation update-termination-protection --no-enable-termination-protection --stack-name \
                 {stack}`"
            ),
            Self::Imported { by, .. } => {
                format!(
                    "delete or change {} first, then run `colormesh down` again",
                    names(by)
                )
            }
        }
    }
}

/// Everything that stands in the way of a plan to remove. What cannot be read
/// is left to CloudFormation, which refuses by itself, only later.
///
/// Where the account holds other stacks, this is one call for each export.
pub async fn obstacles(cloud: &Cloud, plan: &Plan) -> Vec<Obstacle> {
    let going: Vec<_> = plan
        .deployed
        .values()
        .filter(|there| plan.steps.iter().any(|step| goes(step, &there.stack.name)))
        .collect();
    let protected = going.iter().filter(|there| there.stack.is_protected);
    let mut found: Vec<Obstacle> = protected
        .map(|there| Obstacle::Protected {
            stack: there.stack.name.clone(),
        })
        .collect();
    found.sort();
    if plan.is_alone {
        return found;
    }
    let ours: BTreeSet<String> = plan.deployed.keys().map(ToString::to_string).collect();
    let (cloud, pace) = (cloud.without_retries(), Arc::new(Pace::of(cloud)));
    let exports = going.iter().flat_map(|there| {
        let name = &there.stack.name;
        there.stack.exports.iter().map(move |export| (name, export))
    });
    let mut looks = JoinSet::new();
    for (stack, export) in exports {
        let (cloud, pace, ours) = (cloud.clone(), Arc::clone(&pace), ours.clone());
        let (stack, export) = (stack.clone(), export.clone());
        looks.spawn(async move {
            let by = pace.patiently(|| cloud.importers(&export)).await;
            let mut by = by.unwrap_or_default();
            by.retain(|importer| !ours.contains(importer));
            (!by.is_empty()).then_some(Obstacle::Imported { stack, export, by })
        });
    }
    found.extend(looks.join_all().await.into_iter().flatten());
    found.sort();
    found
}

fn goes(step: &crate::plan::Step, name: &str) -> bool {
    let is_it = matches!(&step.id, StepId::Stack(stack) if stack.as_str() == name);
    is_it && step.action != Action::Absent
}

/// The repositories whose images go with a plan to remove, and how many each
/// holds: the stack's own, and those that replacements left behind. What may
/// not be read is left out; another failure is one, since the removal may well
/// find what is not named here.
pub async fn images(
    cloud: &Cloud,
    plan: &Plan,
    environment: &str,
) -> Result<Vec<(String, usize)>, CloudError> {
    let mut stacks = plan.rendered.values();
    let stack = stacks.find(|stack| stack.role == Role::EcrRepositories);
    let Some(there) = stack.and_then(|stack| plan.deployed.get(&stack.name)) else {
        return Ok(Vec::new());
    };
    let id = &there.stack.id;
    let pace = Pace::of(cloud);
    let held = repository_name(cloud, &pace, id, Some(&there.stack.outputs)).await;
    let held = readable(held)?.flatten();
    let left = left_behind::repositories(cloud, &pace, id, held.as_deref(), environment).await?;
    let left = left.into_iter();
    let mut found = Vec::new();
    for name in held
        .into_iter()
        .chain(left.map(|repository| repository.name))
    {
        if let Some(images) = readable(cloud.images(&name).await)? {
            found.push((name, images));
        }
    }
    Ok(found)
}

/// An answer; nothing where there is nothing, or it may not be read.
fn readable<T>(answer: Result<T, CloudError>) -> Result<Option<T>, CloudError> {
    match answer {
        Err(CloudError::AccessDenied { .. }) => Ok(None),
        Err(error) if error.is_absent() => Ok(None),
        answer => answer.map(Some),
    }
}
