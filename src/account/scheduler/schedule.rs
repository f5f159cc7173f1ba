//! One step of the scheduler.

use super::rollout;
use super::service::{Deployment, Rollout};
use super::state::Task;
use crate::account::clock::Timestamp;
use crate::account::desired::{Observed, ObservedTask, TaskStatus};
use crate::account::handle::Options;
use crate::account::store::State;
use std::collections::BTreeMap;

/// Failed tasks until a deployment is given up.
const ATTEMPTS: u32 = 3;
/// A task that ends sooner than this, in milliseconds, is not replaced at once.
const SHORT_LIFE: u64 = 60_000;
/// How long a task may take to run, in milliseconds: images can be large.
const START_LIMIT: u64 = 600_000;

/// What a step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the state changed.
    pub changed: bool,
    /// When the next step is due though nothing happens.
    pub wake: Option<Timestamp>,
}

/// What the parts of a step share.
pub(super) struct Step<'a> {
    pub(super) options: &'a Options,
    pub(super) now: Timestamp,
    pub(super) outcome: Outcome,
}

/// Takes in what was observed and moves every service on.
pub fn schedule(
    state: &mut State,
    observed: &Observed,
    options: &Options,
    now: Timestamp,
) -> Outcome {
    let mut step = Step {
        options,
        now,
        outcome: Outcome::default(),
    };
    step.observe(state, observed);
    let arns: Vec<String> = state.ecs.services.keys().cloned().collect();
    for arn in arns {
        rollout::advance(&mut step, state, &arn);
    }
    step.outcome
}

// === impl Step ===

impl Step<'_> {
    /// Wants another step at this time.
    pub(super) fn wake_at(&mut self, time: Timestamp) {
        self.outcome.wake = Some(self.outcome.wake.map_or(time, |wake| wake.min(time)));
    }

    /// Marks a task for stopping.
    pub(super) fn stop(&mut self, task: &mut Task, reason: impl Into<String>) {
        if task.wanted() {
            task.stopping = Some(reason.into());
            self.outcome.changed = true;
        }
    }

    fn observe(&mut self, state: &mut State, observed: &Observed) {
        let groups = target_groups(state);
        let mut ended = Vec::new();
        for (arn, task) in &mut state.ecs.tasks {
            let seen = observed.tasks.get(arn);
            self.take_in(task, seen, |task| {
                groups
                    .get(&task.deployment)
                    .into_iter()
                    .flatten()
                    .all(|group| {
                        observed
                            .targets
                            .get(&(group.clone(), arn.clone()))
                            .copied()
                            .unwrap_or(false)
                    })
            });
            let gone = seen.is_none_or(|seen| seen.status == TaskStatus::Stopped);
            let ended_alone = seen.is_some_and(|seen| seen.status == TaskStatus::Stopped);
            if ended_alone || (gone && !task.wanted()) {
                ended.push(arn.clone());
            }
        }
        for arn in ended {
            self.end(state, &arn, observed.tasks.get(&arn));
        }
        self.lose_patience(state);
    }

    fn take_in(
        &mut self,
        task: &mut Task,
        seen: Option<&ObservedTask>,
        targets_healthy: impl Fn(&Task) -> bool,
    ) {
        let status = seen.map_or(TaskStatus::Pending, |seen| seen.status);
        let ready = status == TaskStatus::Running
            && seen.is_some_and(|seen| seen.healthy)
            && targets_healthy(task);
        if (status, ready) != (task.status, task.ready) {
            (task.status, task.ready, task.since) = (status, ready, self.now);
            self.outcome.changed = true;
        }
        if status == TaskStatus::Running && task.started.is_none() {
            task.started = Some(self.now);
            self.outcome.changed = true;
        }
    }

    /// Puts a task among the stopped ones, and counts it when it ended by
    /// itself.
    fn end(&mut self, state: &mut State, arn: &str, seen: Option<&ObservedTask>) {
        let Some(mut task) = state.ecs.tasks.remove(arn) else {
            return;
        };
        self.outcome.changed = true;
        let (reason, alone) = match task.stopping.take() {
            Some(reason) => (reason, false),
            None => (
                seen.and_then(|seen| seen.reason.clone())
                    .unwrap_or_else(|| "Task stopped".to_owned()),
                true,
            ),
        };
        if alone && let Some(deployment) = deployment_of(state, &task) {
            self.count_failure(deployment, &task, &reason);
        }
        task.stopping = Some(reason);
        task.stopped = Some(self.now);
        (task.status, task.ready) = (TaskStatus::Stopped, false);
        let containers = seen.into_iter().flat_map(|seen| &seen.containers);
        task.exit_codes = containers
            .filter_map(|(name, container)| Some((name.clone(), container.exit_code?)))
            .collect();
        state.ecs.remember(task, self.now);
    }

    fn count_failure(&mut self, deployment: &mut Deployment, task: &Task, reason: &str) {
        let lived = task
            .started
            .map_or(0, |started| self.now.0.saturating_sub(started.0));
        match deployment.rollout {
            Rollout::InProgress => {
                deployment.failed_tasks += 1;
                if deployment.failed_tasks >= ATTEMPTS {
                    self.give_up(deployment, reason.to_owned());
                }
            }
            Rollout::Completed if lived >= SHORT_LIFE => deployment.failed_tasks = 1,
            Rollout::Completed => {
                deployment.failed_tasks += 1;
                let wait = 500_u64.saturating_mul(1 << (deployment.failed_tasks - 1).min(7));
                deployment.not_before = Timestamp(self.now.0 + wait.min(SHORT_LIFE));
            }
            Rollout::Failed(_) => {}
        }
    }

    /// Gives a deployment up.
    pub(super) fn give_up(&mut self, deployment: &mut Deployment, reason: String) {
        deployment.rollout = Rollout::Failed(reason);
        deployment.updated = self.now;
        self.outcome.changed = true;
    }

    /// Stops tasks that do not become ready.
    fn lose_patience(&mut self, state: &mut State) {
        let mut late = Vec::new();
        for (arn, task) in &state.ecs.tasks {
            let service = state.ecs.services.get(&task.spec.service_arn);
            let deployments = service.into_iter().flat_map(|service| &service.deployments);
            let deployment = deployments
                .into_iter()
                .find(|deployment| deployment.id == task.deployment);
            let (Some(deployment), true, false) = (deployment, task.wanted(), task.ready) else {
                continue;
            };
            let (limit, reason) = match task.status {
                TaskStatus::Running => (deployment.patience(), "Task failed its health checks"),
                TaskStatus::Pending | TaskStatus::Stopped => {
                    (START_LIMIT, "Task did not start in time")
                }
            };
            let end = Timestamp(task.since.0.saturating_add(limit));
            if end <= self.now {
                late.push((arn.clone(), reason));
            } else {
                self.wake_at(end);
            }
        }
        for (arn, reason) in late {
            let Some(mut task) = state.ecs.tasks.remove(&arn) else {
                continue;
            };
            if let Some(deployment) = deployment_of(state, &task) {
                self.count_failure(deployment, &task, reason);
            }
            self.stop(&mut task, reason);
            state.ecs.tasks.insert(arn, task);
        }
    }
}

/// The target groups of each deployment.
fn target_groups(state: &State) -> BTreeMap<String, Vec<String>> {
    let deployments = state
        .ecs
        .services
        .values()
        .flat_map(|service| &service.deployments);
    deployments
        .map(|deployment| {
            let groups = deployment
                .target_groups()
                .map(|(group, _)| group.to_owned());
            (deployment.id.clone(), groups.collect())
        })
        .collect()
}

fn deployment_of<'a>(state: &'a mut State, task: &Task) -> Option<&'a mut Deployment> {
    let service = state.ecs.services.get_mut(&task.spec.service_arn)?;
    service
        .deployments
        .iter_mut()
        .find(|deployment| deployment.id == task.deployment)
}
