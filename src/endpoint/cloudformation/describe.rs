//! Stacks and their resources as clients read them.

use super::drift;
use crate::account::cloudformation::{self as engine, OnFailure, Stack, StackResource, Terms};
use crate::account::{Account, ApiError};
use crate::endpoint::query::Query;
use crate::endpoint::xml::Xml;

/// Entries on a page, as AWS has them.
const PAGE: usize = 100;
/// How many operations a stack's description names, the newest first.
const LAST_OPERATIONS: usize = 5;

pub(super) fn stacks(
    account: &Account,
    xml: &mut Xml,
    name: Option<&str>,
    next: Option<&str>,
) -> Result<(), ApiError> {
    account.read(|state| {
        let state = &state.cloudformation;
        let found: Vec<&Stack> = match name {
            Some(name) => vec![engine::find_readable(state, name)?],
            None => live(state),
        };
        let page = page(xml, found.len(), next);
        xml.list("Stacks", &found[page], |xml, it| stack(xml, it));
        Ok(())
    })
}

/// All stacks that are there, the newest first.
fn live(state: &engine::CloudFormationState) -> Vec<&Stack> {
    let stacks = state.stacks.values().map(|stack| &**stack);
    newest_first(stacks.filter(|stack| stack.is_live()).collect())
}

/// In an order that new stacks do not disturb much.
fn newest_first(mut stacks: Vec<&Stack>) -> Vec<&Stack> {
    stacks.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
    stacks
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
    drift::of_stack(xml, stack);
    let recent = stack.operations.iter().rev().take(LAST_OPERATIONS);
    xml.list("LastOperations", recent, |xml, operation| {
        xml.text("OperationType", operation.kind.text())
            .text("OperationId", &operation.id);
    });
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
    terms(xml, &spec.terms);
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

/// What else was asked for, also in the description of a change set.
pub(super) fn terms(xml: &mut Xml, terms: &Terms) {
    xml.texts("NotificationARNs", terms.notification_arns.iter().flatten());
    xml.element("RollbackConfiguration", |xml| {
        let triggers = terms.rollback_triggers.iter().flatten();
        xml.list("RollbackTriggers", triggers, |xml, it| {
            xml.text("Arn", &it.arn).text("Type", &it.kind);
        });
        let minutes = terms.monitoring_minutes;
        xml.maybe(
            "MonitoringTimeInMinutes",
            minutes.map(|minutes| minutes.to_string()),
        );
    });
    let minutes = terms.timeout_minutes;
    xml.maybe(
        "TimeoutInMinutes",
        minutes.map(|minutes| minutes.to_string()),
    );
    xml.maybe("RoleARN", terms.role_arn.as_ref());
    if terms.is_express {
        xml.element("DeploymentConfig", |xml| _ = xml.text("Mode", "EXPRESS"));
    }
    if terms.retain_except_on_create {
        xml.text("RetainExceptOnCreate", "true");
    }
}

pub(super) fn summaries(account: &Account, xml: &mut Xml, statuses: &[&str], next: Option<&str>) {
    account.read(|state| {
        let stacks = state.cloudformation.stacks.values().map(|stack| &**stack);
        let wanted =
            stacks.filter(|stack| statuses.is_empty() || statuses.contains(&stack.status.as_str()));
        let wanted = newest_first(wanted.collect());
        let page = page(xml, wanted.len(), next);
        xml.list("StackSummaries", &wanted[page], |xml, stack| {
            summary(xml, stack);
        });
    });
}

/// The stack of this name, or the error that most calls give.
pub(super) fn known<'a>(
    state: &'a engine::CloudFormationState,
    name: &str,
) -> Result<&'a Stack, ApiError> {
    let absent = || ApiError::validation(format!("Stack [{name}] does not exist"));
    engine::find(state, name).ok_or_else(absent)
}

/// The entries from where the token stands; writes the token of the rest.
pub(super) fn page(xml: &mut Xml, length: usize, next: Option<&str>) -> std::ops::Range<usize> {
    page_of(xml, length, next, None)
}

/// The same with pages of another size, if one is given.
pub(super) fn page_of(
    xml: &mut Xml,
    length: usize,
    next: Option<&str>,
    size: Option<usize>,
) -> std::ops::Range<usize> {
    let size = size.unwrap_or(PAGE).clamp(1, PAGE);
    let start = next
        .and_then(|next| next.parse().ok())
        .unwrap_or(0)
        .min(length);
    let end = (start + size).min(length);
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
            drift::of_resource(xml, stack, id);
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
            drift::of_resource(xml, stack, id);
        });
        Ok(())
    })
}

pub(super) fn resources(account: &Account, xml: &mut Xml, query: &Query) -> Result<(), ApiError> {
    let wanted = query.get("LogicalResourceId");
    account.read(|state| {
        let state = &state.cloudformation;
        let stack = match (query.get("StackName"), query.get("PhysicalResourceId")) {
            (Some(name), _) => engine::find_readable(state, name)?,
            (None, Some(physical)) => of_physical(state, physical)?,
            (None, None) => known(state, query.require("StackName")?)?,
        };
        // There are no pages here: AWS gives the first hundred.
        let found = engine::find_resources(stack)
            .filter(|(id, _)| wanted.is_none_or(|wanted| wanted == *id))
            .take(PAGE);
        xml.list("StackResources", found, |xml, (id, resource)| {
            xml.text("StackId", &stack.id)
                .text("StackName", &stack.name);
            resource_status(xml, id, resource);
            xml.text("Timestamp", resource.updated.to_string());
            drift::of_resource(xml, stack, id);
        });
        Ok(())
    })
}

/// The stack that a resource belongs to.
fn of_physical<'a>(
    state: &'a engine::CloudFormationState,
    physical: &str,
) -> Result<&'a Stack, ApiError> {
    let has = |stack: &&&Stack| {
        let mut resources = stack.resources.values();
        resources.any(|resource| resource.physical_id.as_deref() == Some(physical))
    };
    live(state)
        .iter()
        .find(has)
        .copied()
        .ok_or_else(|| ApiError::validation(format!("Stack for {physical} does not exist")))
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

/// What updates may do, if that was said.
pub(super) fn policy(account: &Account, xml: &mut Xml, name: &str) -> Result<(), ApiError> {
    account.read(|state| {
        let stack = known(&state.cloudformation, name)?;
        xml.maybe("StackPolicyBody", stack.policy.as_ref());
        Ok(())
    })
}
