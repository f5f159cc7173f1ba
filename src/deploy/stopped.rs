//! Why the tasks of a failed service stopped.
//!
//! CloudFormation says only that a service did not become stable. ECS knows
//! more, and forgets it within the hour.

use std::collections::BTreeSet;

use super::run::Run;
use super::{Outcome, StepError};
use crate::aws::{CloudError, Container, Task};
use crate::stack::Role;

/// How many reasons are told.
const MOST: usize = 5;

impl Run {
    /// Adds to the failure of a service what its tasks stopped for.
    pub(super) async fn explained(
        &self,
        ended: Result<Outcome, StepError>,
    ) -> Result<Outcome, StepError> {
        match ended {
            Err(StepError::Failed { status, mut cause })
                if cause.resource_type == "AWS::ECS::Service" =>
            {
                // The failure is told without them when they cannot be read.
                cause.details = self.reasons().await.unwrap_or_default();
                Err(StepError::Failed { status, cause })
            }
            ended => ended,
        }
    }

    /// Remembers which tasks have stopped before a service is changed: what
    /// they stopped for is no cause of what comes.
    pub(super) async fn remember_stopped(&self, role: Role) {
        if role == Role::EcsService && self.stopped_before.get().is_none() {
            let tasks = self.stopped().await.unwrap_or_default();
            let arns = tasks.into_iter().map(|task| task.arn).collect();
            let _ = self.stopped_before.set(arns);
        }
    }

    async fn reasons(&self) -> Result<Vec<String>, CloudError> {
        let tasks = self.stopped().await?;
        let before = self.stopped_before.get();
        let is_new = |task: &&Task| before.is_none_or(|before| !before.contains(&task.arn));
        let reasons: BTreeSet<String> = tasks.iter().filter(is_new).filter_map(reason).collect();
        Ok(reasons.into_iter().take(MOST).collect())
    }

    async fn stopped(&self) -> Result<Vec<Task>, CloudError> {
        let Some(stack) = self.of_role(Role::EcsCluster) else {
            return Ok(Vec::new());
        };
        let resources = self.cloud.stack_resources(stack.name.as_str()).await?;
        let cluster = resources
            .into_iter()
            .find(|resource| resource.resource_type == "AWS::ECS::Cluster")
            .and_then(|resource| resource.physical_id);
        let Some(cluster) = cluster else {
            return Ok(Vec::new());
        };
        self.cloud.stopped_tasks(&cluster).await
    }
}

/// Why a task stopped, unless it was told to.
fn reason(task: &Task) -> Option<String> {
    let stopped = task.stopped_reason.as_deref()?;
    if stopped.starts_with("Scaling activity") {
        return None;
    }
    let containers: Vec<String> = task.containers.iter().filter_map(exit).collect();
    Some(match containers.as_slice() {
        [] => format!("a task stopped: {stopped}"),
        some => format!("a task stopped: {stopped} ({})", some.join(", ")),
    })
}

fn exit(container: &Container) -> Option<String> {
    let name = &container.name;
    match (container.exit_code, &container.reason) {
        (None | Some(0), None) => None,
        (Some(code), None) => Some(format!("`{name}` exited with {code}")),
        (None, Some(reason)) => Some(format!("`{name}`: {reason}")),
        (Some(code), Some(reason)) => Some(format!("`{name}` exited with {code}: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(stopped: &str, containers: Vec<Container>) -> Task {
        Task {
            arn: "t".into(),
            group: None,
            status: "STOPPED".into(),
            health: None,
            stopped_reason: Some(stopped.into()),
            containers,
        }
    }

    #[test]
    fn a_stopped_task_names_the_container_that_ended() {
        let app = Container {
            name: "app".into(),
            image: None,
            status: None,
            health: None,
            exit_code: Some(1),
            reason: None,
        };
        assert_eq!(
            reason(&task("Essential container in task exited", vec![app])).as_deref(),
            Some("a task stopped: Essential container in task exited (`app` exited with 1)")
        );
        assert_eq!(
            reason(&task(
                "Scaling activity initiated by (deployment x)",
                vec![]
            )),
            None
        );
    }
}
