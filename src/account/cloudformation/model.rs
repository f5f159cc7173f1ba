//! What is known of stacks.

use super::changes::Change;
use super::drift::DriftCheck;
use super::event::Event;
use super::operation::{Operation, OperationEntry};
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
    /// What else was asked for.
    #[serde(skip_serializing_if = "Terms::is_default")]
    pub terms: Terms,
}

/// What a client asks for besides template and values. Nobody is notified and
/// no alarm is watched here; what was asked for is told again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Terms {
    /// Topics that are told of events; nothing where nothing was said of them.
    pub notification_arns: Option<Vec<String>>,
    /// Alarms that take an operation back, as they were given; nothing where
    /// nothing was said of them.
    pub rollback_triggers: Option<Vec<RollbackTrigger>>,
    /// How long they are watched after the end.
    pub monitoring_minutes: Option<u32>,
    /// How long a creation may take.
    pub timeout_minutes: Option<u32>,
    /// As whom CloudFormation acts.
    pub role_arn: Option<String>,
    /// Whether resources count as complete once they are configured.
    pub is_express: bool,
    /// Whether a creation that is taken back keeps nothing.
    pub retain_except_on_create: bool,
}

/// An alarm that takes an operation back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RollbackTrigger {
    /// Its ARN.
    pub arn: String,
    /// Its type.
    pub kind: String,
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
    /// What was and is being done to it, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<OperationEntry>,
    /// Whether it must not be deleted.
    pub protected: bool,
    /// What became of failures when it was last changed.
    pub on_failure: OnFailure,
    /// Names that clients gave to operations, so that a repeated request is
    /// known for one.
    pub tokens: BTreeMap<String, String>,
    /// What updates may do to which resource; kept, not enforced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// What the last comparison with what is there came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftCheck>,
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
    /// The client's name for the request that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The operation that made it.
    #[serde(default)]
    pub operation: String,
    /// When it was worked out.
    #[serde(default)]
    pub computed: Option<Timestamp>,
    /// Whether it is checked before it can be executed.
    #[serde(default)]
    pub is_validated: bool,
    /// What that check found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<ValidationFault>,
}

/// What is wrong with a resource before anything is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidationFault {
    /// The resource.
    pub logical_id: String,
    /// Its type.
    pub resource_type: String,
    /// Which check found it, such as `PROPERTY_VALIDATION`.
    pub name: String,
    /// Where in the template.
    pub path: String,
    /// What is wrong.
    pub reason: String,
    /// Whether that is only said, and stops nothing.
    #[serde(default)]
    pub is_warning: bool,
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

// === impl Terms ===

impl Terms {
    /// What is not said again stays, and an empty list takes away, as the
    /// interface's documentation has it for topics and for triggers.
    pub(super) fn after(mut self, previous: Option<&Self>) -> Self {
        if let Some(previous) = previous {
            self.role_arn = self.role_arn.or_else(|| previous.role_arn.clone());
            self.notification_arns = self
                .notification_arns
                .or_else(|| previous.notification_arns.clone());
            self.rollback_triggers = self
                .rollback_triggers
                .or_else(|| previous.rollback_triggers.clone());
            self.monitoring_minutes = self.monitoring_minutes.or(previous.monitoring_minutes);
        }
        self
    }

    /// Whether a change of these alone is an update, with no resource in it.
    /// Topics: the CDK's integration tests send AWS such an `UpdateStack` and
    /// wait until it is complete. A role: AWS says that an update changes it,
    /// and alarms: that those of an update replace the ones before; that either
    /// is enough for an update is not written down, and taken to be so.
    pub(super) fn differ(&self, other: &Self) -> bool {
        let kept = |terms: &Self| {
            let topics = terms.notification_arns.clone().unwrap_or_default();
            let triggers = terms.rollback_triggers.clone().unwrap_or_default();
            let minutes = terms.monitoring_minutes.unwrap_or_default();
            (topics, triggers, minutes, terms.role_arn.clone())
        };
        kept(self) != kept(other)
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
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
