//! What is kept of ECS.

use super::service::Service;
use crate::account::clock::Timestamp;
use crate::account::desired::{DesiredTask, TaskStatus};
use crate::account::shared::Shared;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many stopped tasks of a service are remembered.
const REMEMBERED: usize = 20;
/// For how long, in milliseconds; ECS forgets them after an hour too.
const MEMORY: u64 = 3_600_000;

/// ECS.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EcsState {
    /// Services by ARN.
    pub services: BTreeMap<String, Service>,
    /// Tasks by ARN, until the runtime has stopped them.
    pub tasks: BTreeMap<String, Task>,
    /// Tasks that stopped not long ago, the newest last.
    pub stopped: Vec<Shared<Task>>,
    /// The newest revision of each family.
    pub revisions: BTreeMap<String, u32>,
    /// Counts the addresses that were given out, so that one that was just
    /// freed is not the next one taken.
    pub addresses: u64,
}

/// One task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// What should run.
    pub spec: Shared<DesiredTask>,
    /// The deployment that wants it.
    pub deployment: String,
    /// When it was made.
    pub created: Timestamp,
    /// When the runtime first said that it runs.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub stopped: Option<Timestamp>,
    /// How far it is.
    pub status: TaskStatus,
    /// Whether it runs, is healthy, and so are its targets.
    pub ready: bool,
    /// Since when `status` and `ready` are what they are.
    pub since: Timestamp,
    /// Why it is being stopped, or why it stopped.
    pub stopping: Option<String>,
    /// What its containers ended with.
    pub exit_codes: BTreeMap<String, i32>,
}

// === impl EcsState ===

impl EcsState {
    /// After a start nothing runs, and waiting begins anew.
    pub(super) fn resume(&mut self, now: Timestamp) {
        for task in self.tasks.values_mut() {
            (task.status, task.ready, task.since) = (TaskStatus::Pending, false, now);
        }
    }

    /// Remembers a task that stopped.
    pub(super) fn remember(&mut self, task: Task, now: Timestamp) {
        let service = task.spec.service_arn.clone();
        self.stopped.retain(|old| {
            old.stopped
                .is_some_and(|stopped| stopped.0 + MEMORY > now.0)
        });
        self.stopped.push(Shared::new(task));
        let of_service = |task: &Shared<Task>| task.spec.service_arn == service;
        if self.stopped.iter().filter(|task| of_service(task)).count() > REMEMBERED
            && let Some(oldest) = self.stopped.iter().position(of_service)
        {
            self.stopped.remove(oldest);
        }
    }
}

// === impl Task ===

impl Task {
    /// A task that nobody has seen yet.
    pub(super) fn new(spec: DesiredTask, deployment: &str, now: Timestamp) -> Self {
        Self {
            spec: Shared::new(spec),
            deployment: deployment.to_owned(),
            created: now,
            started: None,
            stopped: None,
            status: TaskStatus::Pending,
            ready: false,
            since: now,
            stopping: None,
            exit_codes: BTreeMap::new(),
        }
    }

    /// Whether it should run.
    pub fn wanted(&self) -> bool {
        self.stopping.is_none()
    }
}
