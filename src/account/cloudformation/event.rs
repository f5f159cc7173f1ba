//! Events: what happened to a stack and its resources, told in order.

use super::model::{Stack, StackResource};
use crate::account::clock::Timestamp;
use crate::account::shared::Shared;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// When it was.
    pub time: Timestamp,
    /// The resource's name, or the stack's.
    pub logical_id: String,
    /// The resource's id, or the stack's ARN.
    pub physical_id: String,
    /// The resource's type.
    pub resource_type: String,
    /// Its status.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
    /// The properties of the resource, in the event that begins with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    properties: Option<Shared<Value>>,
    /// The same in the events that follow; not worth its space on the disk.
    #[serde(skip)]
    repeated: Option<Shared<Value>>,
    /// The client's name for the operation.
    pub token: Option<String>,
    /// More than the status says, such as `CONFIGURATION_COMPLETE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detailed: Option<String>,
    /// The operation that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
}

// === impl Event ===

impl Event {
    /// The properties of the resource.
    pub fn properties(&self) -> Option<&Value> {
        self.properties
            .as_ref()
            .or(self.repeated.as_ref())
            .map(|properties| &**properties)
    }
}

// === impl Stack ===

impl Stack {
    /// Sets the status and tells it.
    pub(super) fn tell(&mut self, id: String, status: &str, reason: Option<String>) {
        status.clone_into(&mut self.status);
        self.reason.clone_from(&reason);
        let event = Event {
            id,
            time: Timestamp::now(),
            logical_id: self.name.clone(),
            physical_id: self.id.clone(),
            resource_type: "AWS::CloudFormation::Stack".to_owned(),
            status: status.to_owned(),
            reason,
            properties: None,
            repeated: None,
            token: self.token(),
            detailed: None,
            operation: self.open_operation(),
        };
        self.events.push(Shared::new(event));
    }

    fn token(&self) -> Option<String> {
        self.operation
            .as_ref()
            .and_then(|operation| operation.token.clone())
    }

    /// Tells the status of a resource.
    pub(super) fn tell_of(&mut self, logical_id: &str, resource: &StackResource) {
        self.tell_details(logical_id, resource, None);
    }

    /// Tells that a resource is complete but for its consistency check.
    pub(super) fn tell_configured(&mut self, logical_id: &str, resource: &StackResource) {
        let detailed = Some("CONFIGURATION_COMPLETE".to_owned());
        self.tell_details(logical_id, resource, detailed);
    }

    /// The id of an event: made of its time, and not that of another one of
    /// the same moment.
    fn event_id(&self, logical_id: &str, status: &str, mut time: Timestamp) -> String {
        loop {
            let id = format!("{logical_id}-{status}-{time}");
            let mut recent = self.events.iter().rev().take(64);
            if !recent.any(|event| event.id == id) {
                return id;
            }
            time.0 += 1;
        }
    }

    fn tell_details(
        &mut self,
        logical_id: &str,
        resource: &StackResource,
        detailed: Option<String>,
    ) {
        let time = Timestamp::now();
        let first = resource.reason.is_none() && resource.status.ends_with("_IN_PROGRESS");
        let event = Event {
            id: self.event_id(logical_id, &resource.status, time),
            time,
            logical_id: logical_id.to_owned(),
            physical_id: resource.physical_id.clone().unwrap_or_default(),
            resource_type: resource.resource_type.clone(),
            status: resource.status.clone(),
            reason: resource.reason.clone(),
            properties: Some(resource.properties.clone()).filter(|_| first),
            repeated: Some(resource.properties.clone()).filter(|_| !first),
            token: self.token(),
            detailed,
            operation: self.open_operation(),
        };
        self.events.push(Shared::new(event));
    }
}
