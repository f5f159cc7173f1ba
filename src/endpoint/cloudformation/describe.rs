//! Stacks, change sets and events as clients read them.

use crate::account::cloudformation::{
    self as engine, ChangeAction, ChangeSet, ChangeSetStatus, Event, Replacement, Stack,
    StackResource,
};
use crate::account::{Account, ApiError};
use crate::endpoint::query::Query;
use crate::endpoint::xml::Xml;

/// Entries on a page of events, as AWS has them.
const PAGE: usize = 100;

pub(super) fn stacks(account: &Account, xml: &mut Xml, name: Option<&str>) -> Result<(), ApiError> {
    account.read(|state| {
        let state = &state.cloudformation;
        let found: Vec<&Stack> = match name {
            Some(name) => vec![engine::find_readable(state, name)?],
            None => state
                .stacks
                .values()
                .map(|stack| &**stack)
                .filter(|stack| stack.is_live())
                .collect(),
        };
        xml.list("Stacks", found, stack);
        Ok(())
    })
}

fn stack(xml: &mut Xml, stack: &Stack) {
    xml.text("StackId", &stack.id)
        .text("StackName", &stack.name)
        .text("CreationTime", stack.created.to_string())
        .maybe(
            "LastUpdatedTime",
            stack.updated.map(|time| time.to_string()),
        )
        .maybe("DeletionTime", stack.deleted.map(|time| time.to_string()))
        .text("StackStatus", &stack.status)
        .maybe("StackStatusReason", stack.reason.as_ref())
        .maybe("Description", stack.description.as_ref())
        .text("DisableRollback", stack.keeps_failures.to_string())
        .text("EnableTerminationProtection", stack.protected.to_string());
    let spec = &stack.spec;
    xml.texts("Capabilities", &spec.capabilities);
    xml.list("Parameters", &spec.parameters, |xml, (name, value)| {
        xml.text("ParameterKey", name).text("ParameterValue", value);
    });
    xml.list("Tags", &spec.tags, |xml, (name, value)| {
        xml.text("Key", name).text("Value", value);
    });
    xml.list("Outputs", &stack.outputs, |xml, output| {
        xml.text("OutputKey", &output.key)
            .text("OutputValue", &output.value)
            .maybe("Description", output.description.as_ref())
            .maybe("ExportName", output.export.as_ref());
    });
}

pub(super) fn summaries(account: &Account, xml: &mut Xml, statuses: &[&str]) {
    account.read(|state| {
        let stacks = state.cloudformation.stacks.values();
        let wanted =
            stacks.filter(|stack| statuses.is_empty() || statuses.contains(&stack.status.as_str()));
        xml.list("StackSummaries", wanted, |xml, stack| {
            xml.text("StackId", &stack.id)
                .text("StackName", &stack.name)
                .text("CreationTime", stack.created.to_string())
                .maybe(
                    "LastUpdatedTime",
                    stack.updated.map(|time| time.to_string()),
                )
                .maybe("DeletionTime", stack.deleted.map(|time| time.to_string()))
                .text("StackStatus", &stack.status)
                .maybe("StackStatusReason", stack.reason.as_ref());
        });
    });
}

/// The stack of this name, or the error that most calls give.
fn known<'a>(state: &'a engine::CloudFormationState, name: &str) -> Result<&'a Stack, ApiError> {
    let absent = || ApiError::validation(format!("Stack [{name}] does not exist"));
    engine::find(state, name).ok_or_else(absent)
}

pub(super) fn events(
    account: &Account,
    xml: &mut Xml,
    name: &str,
    next: Option<&str>,
) -> Result<(), ApiError> {
    account.read(|state| {
        let stack = known(&state.cloudformation, name)?;
        // The token counts from the oldest, so that new events move no page.
        let end = next
            .and_then(|next| next.parse().ok())
            .unwrap_or(stack.events.len());
        let end = end.min(stack.events.len());
        let start = end.saturating_sub(PAGE);
        let page = stack.events[start..end].iter().rev();
        xml.list("StackEvents", page, |xml, entry| event(xml, stack, entry));
        if start > 0 {
            xml.text("NextToken", start.to_string());
        }
        Ok(())
    })
}

fn event(xml: &mut Xml, stack: &Stack, event: &Event) {
    xml.text("StackId", &stack.id)
        .text("StackName", &stack.name)
        .text("EventId", &event.id)
        .text("Timestamp", event.time.to_string())
        .text("LogicalResourceId", &event.logical_id)
        .text("PhysicalResourceId", &event.physical_id)
        .text("ResourceType", &event.resource_type)
        .text("ResourceStatus", &event.status)
        .maybe("ResourceStatusReason", event.reason.as_ref())
        .maybe(
            "ResourceProperties",
            event
                .properties
                .as_ref()
                .map(|properties| properties.to_string()),
        )
        .maybe("ClientRequestToken", event.token.as_ref());
}

pub(super) fn resource_summaries(
    account: &Account,
    xml: &mut Xml,
    name: &str,
) -> Result<(), ApiError> {
    account.read(|state| {
        let stack = engine::find_readable(&state.cloudformation, name)?;
        let found = engine::find_resources(stack);
        xml.list("StackResourceSummaries", found, |xml, (id, resource)| {
            resource_status(xml, id, resource);
            xml.text("LastUpdatedTimestamp", resource.updated.to_string());
        });
        Ok(())
    })
}

pub(super) fn resources(account: &Account, xml: &mut Xml, query: &Query) -> Result<(), ApiError> {
    let name = query.require("StackName")?;
    let wanted = query.get("LogicalResourceId");
    account.read(|state| {
        let stack = engine::find_readable(&state.cloudformation, name)?;
        let found = engine::find_resources(stack)
            .filter(|(id, _)| wanted.is_none_or(|wanted| wanted == *id));
        xml.list("StackResources", found, |xml, (id, resource)| {
            xml.text("StackId", &stack.id)
                .text("StackName", &stack.name);
            resource_status(xml, id, resource);
            xml.text("Timestamp", resource.updated.to_string());
        });
        Ok(())
    })
}

fn resource_status(xml: &mut Xml, id: &str, resource: &StackResource) {
    xml.text("LogicalResourceId", id)
        .maybe("PhysicalResourceId", resource.physical_id.as_ref())
        .text("ResourceType", &resource.resource_type)
        .text("ResourceStatus", &resource.status)
        .maybe("ResourceStatusReason", resource.reason.as_ref());
}

pub(super) fn template(account: &Account, xml: &mut Xml, name: &str) -> Result<(), ApiError> {
    account.read(|state| {
        let stack = engine::find_readable(&state.cloudformation, name)?;
        xml.text("TemplateBody", stack.spec.template.as_str());
        xml.texts("StagesAvailable", ["Original", "Processed"]);
        Ok(())
    })
}

pub(super) fn exports(account: &Account, xml: &mut Xml) {
    account.read(|state| {
        xml.list(
            "Exports",
            &state.cloudformation.exports,
            |xml, (name, export)| {
                xml.text("ExportingStackId", &export.stack_id)
                    .text("Name", name)
                    .text("Value", &export.value);
            },
        );
    });
}

pub(super) fn change_sets(account: &Account, xml: &mut Xml, name: &str) -> Result<(), ApiError> {
    account.read(|state| {
        let stack = known(&state.cloudformation, name)?;
        xml.list("Summaries", stack.change_sets.values(), |xml, set| {
            head(xml, stack, set);
        });
        Ok(())
    })
}

fn head(xml: &mut Xml, stack: &Stack, set: &ChangeSet) {
    let (status, execution) = match set.status {
        ChangeSetStatus::Pending => ("CREATE_IN_PROGRESS", "UNAVAILABLE"),
        ChangeSetStatus::Complete => ("CREATE_COMPLETE", "AVAILABLE"),
        ChangeSetStatus::Failed => ("FAILED", "UNAVAILABLE"),
        ChangeSetStatus::Executed => ("CREATE_COMPLETE", "EXECUTE_COMPLETE"),
    };
    xml.text("ChangeSetId", &set.id)
        .text("ChangeSetName", &set.name)
        .text("StackId", &stack.id)
        .text("StackName", &stack.name)
        .text("CreationTime", set.created.to_string())
        .text("Status", status)
        .text("ExecutionStatus", execution)
        .maybe("StatusReason", set.reason.as_ref())
        .maybe("Description", set.description.as_ref());
}

pub(super) fn change_set(xml: &mut Xml, stack: &Stack, set: &ChangeSet) {
    head(xml, stack, set);
    xml.texts("Capabilities", &set.spec.capabilities);
    xml.list("Parameters", &set.spec.parameters, |xml, (name, value)| {
        xml.text("ParameterKey", name).text("ParameterValue", value);
    });
    xml.list("Tags", &set.spec.tags, |xml, (name, value)| {
        xml.text("Key", name).text("Value", value);
    });
    xml.list("Changes", &set.changes, |xml, change| {
        xml.text("Type", "Resource");
        xml.element("ResourceChange", |xml| {
            xml.text("Action", action(change.action))
                .text("LogicalResourceId", &change.logical_id)
                .maybe("PhysicalResourceId", change.physical_id.as_ref())
                .text("ResourceType", &change.resource_type)
                .maybe("Replacement", change.replacement.map(replacement));
            let scope = (!change.properties.is_empty()).then_some("Properties");
            xml.texts("Scope", scope);
            xml.list("Details", &change.properties, |xml, (name, needs_new)| {
                xml.element("Target", |xml| {
                    xml.text("Attribute", "Properties").text("Name", name);
                    xml.text(
                        "RequiresRecreation",
                        if *needs_new { "Always" } else { "Never" },
                    );
                });
                xml.text("Evaluation", "Static")
                    .text("ChangeSource", "DirectModification");
            });
        });
    });
}

fn action(action: ChangeAction) -> &'static str {
    match action {
        ChangeAction::Add => "Add",
        ChangeAction::Modify => "Modify",
        ChangeAction::Remove => "Remove",
    }
}

fn replacement(replacement: Replacement) -> &'static str {
    match replacement {
        Replacement::True => "True",
        Replacement::False => "False",
        Replacement::Conditional => "Conditional",
    }
}
