//! CloudFormation's types on the wire into ours.

use aws_sdk_cloudformation::types as wire;

use super::attribute::attributes;
use super::{
    ChangeAction, Replacement, ResourceChange, ResourceStatus, Stack, StackEvent, StackResource,
    StackStatus, Timestamp,
};

fn owned(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

/// A text that may be missing; an empty one counts as missing.
fn some(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

impl From<&wire::Stack> for Stack {
    fn from(stack: &wire::Stack) -> Self {
        let outputs = stack.outputs();
        Self {
            id: owned(stack.stack_id()),
            name: owned(stack.stack_name()),
            status: stack
                .stack_status()
                .map_or(StackStatus::Unknown(String::new()), |s| s.as_str().into()),
            status_reason: some(stack.stack_status_reason()),
            parameters: stack
                .parameters()
                .iter()
                .map(|parameter| {
                    (
                        owned(parameter.parameter_key()),
                        owned(parameter.parameter_value()),
                    )
                })
                .collect(),
            tags: stack
                .tags()
                .iter()
                .map(|tag| (owned(tag.key()), owned(tag.value())))
                .collect(),
            outputs: outputs
                .iter()
                .map(|o| (owned(o.output_key()), owned(o.output_value())))
                .collect(),
            exports: outputs
                .iter()
                .filter_map(|output| some(output.export_name()))
                .collect(),
            is_protected: stack.enable_termination_protection().unwrap_or_default(),
            role_arn: some(stack.role_arn()),
            notification_arns: stack.notification_arns().to_vec(),
            rollback_alarms: stack
                .rollback_configuration()
                .iter()
                .flat_map(|kept| kept.rollback_triggers())
                .map(|trigger| owned(trigger.arn()))
                .collect(),
            changed: stack
                .last_updated_time()
                .or(stack.creation_time())
                .map(|at| Timestamp::from(*at)),
        }
    }
}

impl From<&wire::StackResourceSummary> for StackResource {
    fn from(resource: &wire::StackResourceSummary) -> Self {
        Self {
            logical_id: owned(resource.logical_resource_id()),
            physical_id: some(resource.physical_resource_id()),
            resource_type: owned(resource.resource_type()),
            status: ResourceStatus::new(
                resource
                    .resource_status()
                    .map_or("", wire::ResourceStatus::as_str),
            ),
        }
    }
}

impl From<&wire::StackEvent> for StackEvent {
    fn from(event: &wire::StackEvent) -> Self {
        Self {
            id: owned(event.event_id()),
            stack_id: owned(event.stack_id()),
            logical_id: owned(event.logical_resource_id()),
            physical_id: some(event.physical_resource_id()),
            resource_type: owned(event.resource_type()),
            status: ResourceStatus::new(
                event
                    .resource_status()
                    .map_or("", wire::ResourceStatus::as_str),
            ),
            reason: some(event.resource_status_reason()),
            token: some(event.client_request_token()),
            at: event.timestamp().map(|at| Timestamp::from(*at)),
        }
    }
}

/// The newer call's events. What a check or a hook found has no status of a
/// resource; it gets one that says whether it ends the operation.
impl From<&wire::OperationEvent> for StackEvent {
    fn from(event: &wire::OperationEvent) -> Self {
        if let (None, Some(status)) = (event.resource_status(), event.operation_status()) {
            return turn(event, status);
        }
        let is_warning = event
            .validation_failure_mode()
            .or(event.hook_failure_mode())
            .is_some_and(|mode| *mode == wire::HookFailureMode::Warn);
        let status = match (event.resource_status(), event.event_type()) {
            (Some(status), _) => status.as_str(),
            (None, Some(wire::EventType::ValidationError)) if is_warning => "VALIDATION_WARNING",
            (None, Some(wire::EventType::ValidationError)) => "VALIDATION_FAILED",
            (None, Some(wire::EventType::HookInvocationError)) if is_warning => "HOOK_WARNING",
            (None, Some(wire::EventType::HookInvocationError)) => "HOOK_FAILED",
            (None, Some(wire::EventType::ProvisioningError)) => "PROVISIONING_FAILED",
            (None, _) => "",
        };
        let found = event
            .validation_status_reason()
            .or(event.hook_status_reason());
        let reason = event.resource_status_reason().or(found);
        let reason = match (some(reason), event.validation_path()) {
            (Some(reason), Some(path)) => Some(format!("{path}: {reason}")),
            (reason, _) => reason,
        };
        Self {
            id: owned(event.event_id()),
            stack_id: owned(event.stack_id()),
            logical_id: owned(event.logical_resource_id()),
            physical_id: some(event.physical_resource_id()),
            resource_type: owned(event.resource_type()),
            status: ResourceStatus::new(status),
            reason,
            token: some(event.client_request_token()),
            at: event
                .timestamp()
                .or(event.start_time())
                .map(|at| Timestamp::from(*at)),
        }
    }
}

/// The beginning or the end of an operation, as an event of its stack. How an
/// operation that failed, or a roll-back, leaves the stack is not in it: such
/// an end has a status of its own, that no stack has.
fn turn(event: &wire::OperationEvent, status: &wire::BeaconStackOperationStatus) -> StackEvent {
    let kind = event.operation_type().map_or("", |kind| kind.as_str());
    let verb = kind.trim_end_matches("_STACK");
    let known = ["CREATE", "UPDATE", "DELETE"].contains(&verb);
    let status = match status {
        wire::BeaconStackOperationStatus::InProgress => format!("{verb}_IN_PROGRESS"),
        wire::BeaconStackOperationStatus::Succeeded if known => format!("{verb}_COMPLETE"),
        status => format!("{verb}_STACK_{}", status.as_str()),
    };
    let stack_id = owned(event.stack_id());
    let name = stack_id.split('/').nth(1).unwrap_or_default().to_owned();
    StackEvent {
        id: owned(event.event_id()),
        logical_id: name,
        physical_id: Some(stack_id.clone()),
        stack_id,
        resource_type: "AWS::CloudFormation::Stack".to_owned(),
        status: ResourceStatus::new(status),
        reason: some(event.resource_status_reason()),
        token: some(event.client_request_token()),
        at: event.timestamp().map(|at| Timestamp::from(*at)),
    }
}

impl From<&wire::ResourceChange> for ResourceChange {
    fn from(change: &wire::ResourceChange) -> Self {
        Self {
            action: match change.action() {
                Some(wire::ChangeAction::Add) => ChangeAction::Add,
                Some(wire::ChangeAction::Modify) => ChangeAction::Modify,
                Some(wire::ChangeAction::Remove) => ChangeAction::Remove,
                _ => ChangeAction::Other,
            },
            logical_id: owned(change.logical_resource_id()),
            physical_id: some(change.physical_resource_id()),
            is_kept: matches!(
                change.policy_action(),
                Some(
                    wire::PolicyAction::Retain
                        | wire::PolicyAction::ReplaceAndRetain
                        | wire::PolicyAction::Snapshot
                        | wire::PolicyAction::ReplaceAndSnapshot
                )
            ),
            resource_type: owned(change.resource_type()),
            replacement: match change.replacement() {
                Some(wire::Replacement::True) => Replacement::Yes,
                Some(wire::Replacement::Conditional) => Replacement::Conditional,
                _ => Replacement::No,
            },
            attributes: attributes(change),
        }
    }
}
