//! Stacks, change sets and events as clients read them.

use crate::account::cloudformation::{
    self as engine, ChangeAction, ChangeSet, ChangeSetStatus, Event, OnFailure, Replacement, Stack,
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

/// What a stack's description and its summary have in common.
fn summary(xml: &mut Xml, stack: &Stack) {
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
}

fn stack(xml: &mut Xml, stack: &Stack) {
    summary(xml, stack);
    xml.maybe("Description", stack.description.as_ref())
        .text(
            "DisableRollback",
            (stack.on_failure == OnFailure::Keep).to_string(),
        )
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
        xml.list("StackSummaries", wanted, |xml, stack| summary(xml, stack));
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
            event.properties().map(ToString::to_string),
        )
        .maybe("ClientRequestToken", event.token.as_ref())
        .maybe("DetailedStatus", event.detailed.as_ref());
}

/// The entries from where the token stands; writes the token of the rest.
fn page(xml: &mut Xml, length: usize, next: Option<&str>) -> std::ops::Range<usize> {
    let start = next
        .and_then(|next| next.parse().ok())
        .unwrap_or(0)
        .min(length);
    let end = (start + PAGE).min(length);
    if end < length {
        xml.text("NextToken", end.to_string());
    }
    start..end
}

pub(super) fn resource_summaries(
    account: &Account,
    xml: &mut Xml,
    name: &str,
    next: Option<&str>,
) -> Result<(), ApiError> {
    account.read(|state| {
        let stack = engine::find_readable(&state.cloudformation, name)?;
        let page = page(xml, stack.resources.len(), next);
        let found = engine::find_resources(stack)
            .skip(page.start)
            .take(page.len());
        xml.list("StackResourceSummaries", found, |xml, (id, resource)| {
            resource_status(xml, id, resource);
            xml.text("LastUpdatedTimestamp", resource.updated.to_string());
        });
        Ok(())
    })
}

/// One resource, in more words.
pub(super) fn resource(account: &Account, xml: &mut Xml, query: &Query) -> Result<(), ApiError> {
    let (name, id) = (
        query.require("StackName")?,
        query.require("LogicalResourceId")?,
    );
    account.read(|state| {
        let absent = || ApiError::validation(format!("Stack '{name}' does not exist"));
        let stack = engine::find(&state.cloudformation, name).ok_or_else(absent)?;
        let unknown = || {
            ApiError::validation(format!(
                "Resource {id} does not exist for stack {}",
                stack.name
            ))
        };
        let found = stack.resources.get(id).ok_or_else(unknown)?;
        xml.element("StackResourceDetail", |xml| {
            xml.text("StackId", &stack.id)
                .text("StackName", &stack.name);
            resource_status(xml, id, found);
            xml.text("LastUpdatedTimestamp", found.updated.to_string());
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

/// A stack's template, or that of one of its change sets.
pub(super) fn template(account: &Account, xml: &mut Xml, query: &Query) -> Result<(), ApiError> {
    if let Some(set) = query.get("ChangeSetName") {
        let (_, set) = engine::describe_change_set(account, query.get("StackName"), set)?;
        xml.text("TemplateBody", set.spec.template.as_str());
    } else {
        let name = query.require("StackName")?;
        account.read(|state| {
            let stack = engine::find_readable(&state.cloudformation, name)?;
            xml.text("TemplateBody", stack.spec.template.as_str());
            Ok::<(), ApiError>(())
        })?;
    }
    xml.texts("StagesAvailable", ["Original", "Processed"]);
    Ok(())
}

pub(super) fn exports(account: &Account, xml: &mut Xml, next: Option<&str>) {
    account.read(|state| {
        let exports = &state.cloudformation.exports;
        let page = page(xml, exports.len(), next);
        let found = exports.iter().skip(page.start).take(page.len());
        xml.list("Exports", found, |xml, (name, export)| {
            xml.text("ExportingStackId", &export.stack_id)
                .text("Name", name)
                .text("Value", &export.value);
        });
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
    let execution = match set.status {
        ChangeSetStatus::Pending | ChangeSetStatus::InProgress | ChangeSetStatus::Failed => {
            "UNAVAILABLE"
        }
        ChangeSetStatus::Complete => "AVAILABLE",
        ChangeSetStatus::Executed => "EXECUTE_COMPLETE",
    };
    xml.text("ChangeSetId", &set.id)
        .text("ChangeSetName", &set.name)
        .text("StackId", &stack.id)
        .text("StackName", &stack.name)
        .text("CreationTime", set.created.to_string())
        .text("Status", engine::status_text(set.status))
        .text("ExecutionStatus", execution)
        .maybe("StatusReason", set.reason.as_ref())
        .maybe("Description", set.description.as_ref());
}

pub(super) fn change_set(xml: &mut Xml, stack: &Stack, set: &ChangeSet, next: Option<&str>) {
    head(xml, stack, set);
    xml.texts("Capabilities", &set.spec.capabilities);
    xml.list("Parameters", &set.spec.parameters, |xml, (name, value)| {
        xml.text("ParameterKey", name).text("ParameterValue", value);
    });
    xml.list("Tags", &set.spec.tags, |xml, (name, value)| {
        xml.text("Key", name).text("Value", value);
    });
    let page = page(xml, set.changes.len(), next);
    xml.list("Changes", &set.changes[page], |xml, change| {
        xml.text("Type", "Resource");
        xml.element("ResourceChange", |xml| {
            xml.text("Action", action(change.action))
                .text("LogicalResourceId", &change.logical_id)
                .maybe("PhysicalResourceId", change.physical_id.as_ref())
                .text("ResourceType", &change.resource_type)
                .maybe("Replacement", change.replacement.map(replacement));
            let tags = change.properties.contains_key("Tags");
            let others = change.properties.keys().any(|name| name != "Tags");
            xml.texts(
                "Scope",
                others
                    .then_some("Properties")
                    .into_iter()
                    .chain(tags.then_some("Tags")),
            );
            xml.list("Details", &change.properties, |xml, (name, needs_new)| {
                xml.element("Target", |xml| {
                    xml.text("Attribute", "Properties").text("Name", name);
                    xml.text("RequiresRecreation", recreation(*needs_new));
                });
                // What depends on another resource is evaluated only then.
                let dynamic = *needs_new == Replacement::Conditional;
                xml.text("Evaluation", if dynamic { "Dynamic" } else { "Static" })
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

fn recreation(replacement: Replacement) -> &'static str {
    match replacement {
        Replacement::False => "Never",
        Replacement::Conditional => "Conditionally",
        Replacement::True => "Always",
    }
}
