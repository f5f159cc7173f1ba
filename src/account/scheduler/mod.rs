//! A place for the scheduler.

use super::clock::Timestamp;
use super::desired::DesiredTask;
use super::ids::Ids;
use super::resources::Settled;
use super::shared::Shared;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Task definitions.
pub mod definition {
    /// Nothing is wrong.
    pub fn check(_: &serde_json::Value) -> Result<(), String> {
        Ok(())
    }
}

/// ECS.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EcsState {
    /// Services by ARN.
    pub services: BTreeMap<String, Service>,
    /// Newest revision by family.
    pub revisions: BTreeMap<String, u32>,
    /// Tasks by ARN.
    pub tasks: BTreeMap<String, Task>,
}

/// A task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Task {
    /// What it is.
    pub spec: DesiredTask,
}

/// A service.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Service {
    /// Its cluster.
    pub cluster: String,
    /// Going.
    pub deleted: bool,
}

impl Service {
    pub(in crate::account) fn new(_: &str, _: &str, cluster: &str, _: Timestamp) -> Self {
        Self { cluster: cluster.to_owned(), deleted: false }
    }
    pub(in crate::account) fn take(&mut self, _: Shared<serde_json::Value>, _: &Ids, _: Timestamp) {}
    pub(in crate::account) fn settled(&self) -> Settled {
        Settled::Yes
    }
}
