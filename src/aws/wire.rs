//! CloudFormation's types on the wire into ours.

use aws_sdk_cloudformation::types as wire;

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
        }
    }
}
