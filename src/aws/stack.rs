//! Stacks, change sets and events, as plain values.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use super::{StackStatus, Timestamp};

/// A stack as the endpoint describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stack {
    /// The ARN. It goes on naming this stack when a second one takes its name.
    pub id: String,
    /// The name.
    pub name: String,
    /// Where it is in its life.
    pub status: StackStatus,
    /// Why it is there, where the endpoint says so.
    pub status_reason: Option<String>,
    /// Every parameter with its value, those with defaults too.
    pub parameters: BTreeMap<String, String>,
    /// The tags of the stack.
    pub tags: BTreeMap<String, String>,
    /// The outputs.
    pub outputs: BTreeMap<String, String>,
    /// Names of the values that it exports.
    pub exports: Vec<String>,
    /// Whether it is protected from deletion.
    pub is_protected: bool,
    /// The role that CloudFormation acts as, where one was named.
    pub role_arn: Option<String>,
    /// The topics that are told of its events.
    pub notification_arns: Vec<String>,
    /// The alarms that take a change of it back.
    pub rollback_alarms: Vec<String>,
    /// When it was last updated, or else created.
    pub changed: Option<Timestamp>,
}

/// A resource that a stack holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StackResource {
    /// Its name in the template.
    pub logical_id: String,
    /// Its name in the account, once it has one.
    pub physical_id: Option<String>,
    /// For example `AWS::ECR::Repository`.
    pub resource_type: String,
    /// Where it is in its life.
    pub status: ResourceStatus,
}

/// The status of a resource, or of a stack in its own events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceStatus(String);

// === impl ResourceStatus ===

impl ResourceStatus {
    /// Takes the name on the wire.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether something went wrong.
    pub fn is_failure(&self) -> bool {
        self.0.ends_with("_FAILED")
    }

    /// Whether work on it goes on.
    pub fn is_in_progress(&self) -> bool {
        self.0.ends_with("_IN_PROGRESS")
    }
}

impl fmt::Display for ResourceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ResourceStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Something that happened to a stack or to one of its resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackEvent {
    /// What tells it apart from all others of the stack.
    pub id: String,
    /// The ARN of the stack.
    pub stack_id: String,
    /// The resource, or the stack's own name.
    pub logical_id: String,
    /// The resource's name in the account, once it has one.
    pub physical_id: Option<String>,
    /// For example `AWS::EC2::VPC`.
    pub resource_type: String,
    /// What became of it.
    pub status: ResourceStatus,
    /// Why.
    pub reason: Option<String>,
    /// The token of the request that it belongs to.
    pub token: Option<String>,
    /// When, on the endpoint's clock.
    pub at: Option<Timestamp>,
}

// === impl StackEvent ===

impl StackEvent {
    /// Whether it tells of the stack itself, not of one of its resources.
    pub fn is_of_stack(&self) -> bool {
        self.resource_type == "AWS::CloudFormation::Stack"
            && self.physical_id.as_deref() == Some(&self.stack_id)
    }
}

/// What a change set does to its stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeSetKind {
    /// Makes a stack that is not there or waits in review.
    Create,
    /// Changes a stack that stands.
    Update,
}

/// How far a change set is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeSetState {
    /// Being computed.
    Pending,
    /// May be executed.
    Ready,
    /// Cannot be executed; the reason says why.
    Failed,
}

/// A change set as the endpoint describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// The ARN.
    pub id: String,
    /// The ARN of its stack.
    pub stack_id: String,
    /// How far it is.
    pub state: ChangeSetState,
    /// Why it is so.
    pub reason: Option<String>,
    /// What it would do, resource by resource.
    pub changes: Vec<ResourceChange>,
    /// Whether that is only the first page of it.
    pub has_more: bool,
}

// === impl ChangeSet ===

impl ChangeSet {
    /// Whether it failed for the one reason that is no fault: there is nothing
    /// to change.
    pub fn is_empty(&self) -> bool {
        let reason = self.reason.as_deref().unwrap_or_default();
        self.state == ChangeSetState::Failed
            && (reason.contains("didn't contain changes")
                || reason.contains("No updates are to be performed"))
    }
}

/// What a change set does with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeAction {
    /// Creates it.
    Add,
    /// Changes it.
    Modify,
    /// Removes it.
    Remove,
    /// Takes it in, or is not known to this version.
    Other,
}

/// Whether a changed resource is made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Replacement {
    /// It keeps its identity.
    No,
    /// Only the change itself will tell.
    Conditional,
    /// A new one takes its place.
    Yes,
}

/// What a change set does to one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceChange {
    /// What happens.
    pub action: ChangeAction,
    /// Its name in the template.
    pub logical_id: String,
    /// For example `AWS::EC2::VPC`.
    pub resource_type: String,
    /// Its name in the account, where it has one.
    #[serde(skip)]
    pub physical_id: Option<String>,
    /// Whether it is made anew.
    pub replacement: Replacement,
    /// Whether what goes is kept in the account all the same.
    #[serde(skip)]
    pub is_kept: bool,
    /// What changes of it, where the endpoint tells.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<AttributeChange>,
}

/// What a change set does to one property of a resource, or to its metadata,
/// its policies or the like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttributeChange {
    /// Its place, for example `Properties.Spec.Listeners[0].Port`.
    pub path: String,
    /// The value that it has, where it has one and that is told.
    pub before: Option<String>,
    /// The value that it would have.
    pub after: Option<Known>,
    /// Whether the resource is made anew for it.
    pub replacement: Replacement,
}

/// A value that a change would lead to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// This one.
    Value(String),
    /// It is known once something else is made.
    Later,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(reason: &str) -> ChangeSet {
        ChangeSet {
            id: "c".into(),
            stack_id: "s".into(),
            state: ChangeSetState::Failed,
            reason: Some(reason.into()),
            changes: Vec::new(),
            has_more: false,
        }
    }

    #[test]
    fn an_empty_change_set_is_told_from_a_broken_one() {
        assert!(
            failed(
                "The submitted information didn't contain changes. Submit different information"
            )
            .is_empty()
        );
        assert!(failed("No updates are to be performed.").is_empty());
        assert!(!failed("Parameters: [A] must have values").is_empty());
    }
}
