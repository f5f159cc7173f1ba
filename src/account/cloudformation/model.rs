//! What is known of stacks.

use super::changes::Change;
use crate::account::clock::Timestamp;
use crate::account::shared::Shared;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// All stacks, also the deleted ones, which stay readable by their ARN.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CloudFormationState {
    /// Stacks by ARN.
    pub stacks: BTreeMap<String, Shared<Stack>>,
    /// The ARN of the stack that has a name now.
    pub names: BTreeMap<String, String>,
    /// Exports by name.
    pub exports: BTreeMap<String, Export>,
}

/// A value that other stacks may import.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// The value.
    pub value: String,
    /// The ARN of the stack that exports it.
    pub stack_id: String,
}

/// What a stack is made from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    /// The template's text.
    pub template: Shared<String>,
    /// Values of parameters, with the defaults.
    pub parameters: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Capabilities that were acknowledged.
    pub capabilities: BTreeSet<String>,
}

/// One stack.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stack {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Such as `CREATE_COMPLETE`.
    pub status: String,
    /// Why it has that status.
    pub reason: Option<String>,
    /// What its template says of it.
    pub description: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Option<Timestamp>,
    /// When it was deleted.
    pub deleted: Option<Timestamp>,
    /// What it is made from.
    pub spec: Spec,
    /// Its outputs.
    pub outputs: Vec<StackOutput>,
    /// The exports it needs, also while an operation runs.
    pub imports: BTreeSet<String>,
    /// Its resources by logical id.
    pub resources: BTreeMap<String, Shared<StackResource>>,
    /// What an update left over, to be deleted at its end.
    pub leftovers: BTreeMap<String, Shared<StackResource>>,
    /// Its events, oldest first.
    pub events: Vec<Shared<Event>>,
    /// Its change sets by ARN.
    pub change_sets: BTreeMap<String, Shared<ChangeSet>>,
    /// What is being done to it.
    pub operation: Option<Operation>,
    /// Whether it must not be deleted.
    pub protected: bool,
    /// What became of failures when it was last changed.
    pub on_failure: OnFailure,
    /// Names that clients gave to operations, so that a repeated request is
    /// known for one.
    pub tokens: BTreeMap<String, String>,
}

/// One output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StackOutput {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
    /// What it says of itself.
    pub description: Option<String>,
    /// The name under which it is exported.
    pub export: Option<String>,
}

/// One resource of a stack.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StackResource {
    /// Its type.
    pub resource_type: String,
    /// What `Ref` gives; nothing until it is made.
    pub physical_id: Option<String>,
    /// Such as `CREATE_COMPLETE`.
    pub status: String,
    /// Why it has that status.
    pub reason: Option<String>,
    /// When its status changed.
    pub updated: Timestamp,
    /// Its properties after evaluation.
    pub properties: Shared<Value>,
    /// The resources that it needs.
    pub needs: BTreeSet<String>,
    /// Whether it outlives the stack.
    pub retention: Retention,
    /// Whether what it replaces is kept.
    pub replaced_is_retained: bool,
    /// What it was before the operation that runs.
    pub before: Option<Shared<StackResource>>,
    /// Whether the operation that runs has made or changed it.
    pub touched: bool,
}

/// What is being done to a stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Tells operations apart.
    pub id: String,
    /// How far it is.
    pub phase: Phase,
    /// The client's name for it.
    pub token: Option<String>,
    /// What the stack becomes.
    pub target: Spec,
    /// The status to go back to when nothing may be done.
    pub previous_status: String,
    /// Resources that this phase has done with.
    pub done: BTreeSet<String>,
    /// What becomes of a failure.
    pub on_failure: OnFailure,
    /// Resources that are left behind, although they could not be deleted.
    pub retain: BTreeSet<String>,
    /// Whether all that cannot be deleted is left behind.
    pub force: bool,
}

/// What becomes of a stack when an operation fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnFailure {
    /// What was done is taken back.
    #[default]
    RollBack,
    /// Everything stays as it is.
    Keep,
    /// A stack that was to be made is deleted.
    Delete,
}

/// Whether a resource outlives its stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Retention {
    /// It does not.
    #[default]
    No,
    /// It does.
    Yes,
    /// It does, unless the operation that made it is taken back.
    ExceptOnCreate,
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// A new stack is made.
    Create,
    /// A new stack is taken back.
    RollBackCreate,
    /// A stack is changed.
    Update,
    /// What the change left over is deleted.
    CleanUp,
    /// A change is taken back.
    RollBackUpdate,
    /// What the change had made is deleted.
    CleanUpRollBack,
    /// A stack is deleted.
    Delete,
}

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
}

/// A change set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeSet {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// What the stack would become.
    pub spec: Spec,
    /// What it says of itself.
    pub description: Option<String>,
    /// Whether it makes the stack.
    pub creates: bool,
    /// What becomes of a failure when it is executed.
    pub on_failure: OnFailure,
    /// How far it is.
    pub status: ChangeSetStatus,
    /// Why it has that status.
    pub reason: Option<String>,
    /// What it would change.
    pub changes: Vec<Change>,
}

/// How far a change set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeSetStatus {
    /// Not begun with.
    Pending,
    /// Being computed.
    InProgress,
    /// Ready.
    Complete,
    /// Not to be used.
    Failed,
    /// Used.
    Executed,
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

// === impl CloudFormationState ===

impl CloudFormationState {
    /// The stack with this ARN, for changing.
    pub(super) fn stack_mut(&mut self, id: &str) -> Option<&mut Stack> {
        self.stacks.get_mut(id).map(Shared::make_mut)
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
        };
        self.events.push(Shared::new(event));
    }

    /// Whether it is there, as far as names go.
    pub fn is_live(&self) -> bool {
        self.deleted.is_none()
    }

    /// Whether something is being done to it.
    pub fn is_busy(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS") && self.status != "REVIEW_IN_PROGRESS"
    }
}

// === impl StackResource ===

impl StackResource {
    /// What the operation that runs does with it.
    pub(super) fn verb(&self) -> &'static str {
        if self.before.is_some() {
            "UPDATE"
        } else {
            "CREATE"
        }
    }

    /// Whether it is no more, or no longer the stack's.
    pub fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "DELETE_COMPLETE" | "DELETE_SKIPPED")
    }

    /// Sets the status.
    pub(super) fn set(&mut self, status: &str, reason: Option<String>) {
        status.clone_into(&mut self.status);
        self.reason = reason;
        self.updated = Timestamp::now();
    }
}
