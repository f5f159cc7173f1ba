//! Why the tasks of a service stop.
//!
//! CloudFormation says only that a service did not become stable, minutes
//! later. ECS knows more at once, and forgets it within the hour; so while the
//! service is changed its stopped tasks are looked at, and told as they stop.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::sleep;

use super::run::Run;
use super::watched::{Settled, Watch};
use super::{Outcome, Progress, StepError};
use crate::aws::{CloudError, Container, Task};
use crate::plan::StepId;
use crate::stack::Role;

/// How many reasons are told.
const MOST: usize = 5;
/// How often stopped tasks are looked for while the service is changed.
const AWS_LOOK: Duration = Duration::from_secs(10);
const LOCAL_LOOK: Duration = Duration::from_millis(300);

/// Where the service's tasks are, and where they log.
#[derive(Debug, Clone, Default)]
pub(super) struct Cluster {
    name: Option<String>,
    log_group: Option<String>,
}

/// A task that stopped.
#[derive(Debug, Clone)]
pub(super) struct Stopped {
    reason: String,
    lines: Vec<String>,
}

impl Run {
    /// Follows an operation; that of the service with an eye on its tasks.
    pub(super) async fn followed(&self, role: Role, watch: Watch) -> Result<Settled, CloudError> {
        let step = watch.step.clone();
        let watching = self.watcher.watch(watch);
        if role != Role::EcsService {
            return watching.await;
        }
        tokio::select! {
            settled = watching => settled,
            () = self.watch_tasks(&step) => unreachable!("tasks are looked at until the end"),
        }
    }

    async fn watch_tasks(&self, step: &StepId) {
        let pause = if self.cloud.is_local() {
            LOCAL_LOOK
        } else {
            AWS_LOOK
        };
        loop {
            sleep(pause).await;
            // What cannot be read now may be read in the end.
            let _ = self.tell_stopped(step).await;
        }
    }

    /// Tells of the tasks that have stopped since the last look.
    async fn tell_stopped(&self, step: &StepId) -> Result<(), CloudError> {
        for (task, stopped) in self.newly_stopped().await? {
            let lines: String = stopped
                .lines
                .iter()
                .map(|line| format!("\n  {line}"))
                .collect();
            self.tell(
                step,
                Progress::TaskStopped {
                    task,
                    reason: format!("{}{lines}", stopped.reason),
                },
            );
        }
        Ok(())
    }

    /// Remembers the tasks that were not seen as stopped before.
    async fn newly_stopped(&self) -> Result<Vec<(String, Stopped)>, CloudError> {
        let before = self.stopped_before.get();
        let mut new = Vec::new();
        for task in self.stopped_tasks().await? {
            let is_old = before.is_some_and(|before| before.contains(&task.arn));
            let Some(reason) = reason(&task).filter(|_| !is_old) else {
                continue;
            };
            let mut known = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
            if known.contains_key(&task.arn) {
                continue;
            }
            let lines = self.work.last_lines.of(&task.arn);
            let stopped = Stopped { reason, lines };
            known.insert(task.arn.clone(), stopped.clone());
            new.push((task.arn, stopped));
        }
        Ok(new)
    }

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
                let _ = self.newly_stopped().await;
                cause.details = self.reasons();
                Err(StepError::Failed { status, cause })
            }
            ended => ended,
        }
    }

    /// Remembers which tasks have stopped before a service is changed: what
    /// they stopped for is no cause of what comes.
    pub(super) async fn remember_stopped(&self, role: Role) {
        if role == Role::EcsService && self.stopped_before.get().is_none() {
            // A cluster that this run made has no earlier tasks.
            let cluster = self.of_role(Role::EcsCluster);
            let is_new = cluster.is_some_and(|stack| self.deployed(&stack.name).is_none());
            let tasks = match is_new {
                true => Vec::new(),
                false => self.stopped_tasks().await.unwrap_or_default(),
            };
            let arns = tasks.into_iter().map(|task| task.arn).collect();
            let _ = self.stopped_before.set(arns);
        }
    }

    /// Each reason once, then the last lines of one task, or how to get them.
    fn reasons(&self) -> Vec<String> {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let reasons: BTreeSet<&String> = stopped.values().map(|task| &task.reason).collect();
        let mut told: Vec<String> = reasons.into_iter().take(MOST).cloned().collect();
        if told.is_empty() {
            return told;
        }
        let wrote = stopped.values().find(|task| !task.lines.is_empty());
        let group = self.cluster.get().and_then(|found| found.log_group.clone());
        told.extend(match (wrote, group) {
            (Some(task), _) => Some(format!("it wrote last: {}", task.lines.join(" | "))),
            (None, Some(group)) if !self.cloud.is_local() => Some(format!(
                "what it wrote last: `aws logs tail {group} --since 30m`"
            )),
            (None, _) => None,
        });
        told
    }

    async fn stopped_tasks(&self) -> Result<Vec<Task>, CloudError> {
        let cluster = self.cluster.get_or_try_init(|| self.find_cluster()).await?;
        match &cluster.name {
            Some(name) => self.cloud.stopped_tasks(name).await,
            None => Ok(Vec::new()),
        }
    }

    async fn find_cluster(&self) -> Result<Cluster, CloudError> {
        let Some(stack) = self.of_role(Role::EcsCluster) else {
            return Ok(Cluster::default());
        };
        let resources = self.cloud.stack_resources(stack.name.as_str()).await?;
        let of_type = |wanted: &str| {
            let found = resources
                .iter()
                .find(|resource| resource.resource_type == wanted);
            found.and_then(|resource| resource.physical_id.clone())
        };
        Ok(Cluster {
            name: of_type("AWS::ECS::Cluster"),
            log_group: of_type("AWS::Logs::LogGroup"),
        })
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
