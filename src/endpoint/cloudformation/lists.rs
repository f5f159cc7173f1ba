//! Events, resources, exports: everything that comes in pages.

use super::submitted::page;
use crate::account::cloudformation::{self as engine, Event, Stack, StackResource};
use crate::account::{Account, ApiError};
use crate::endpoint::query::Query;
use crate::endpoint::xml::Xml;

pub(super) fn stacks(account: &Account, query: &Query, xml: &mut Xml) {
    let wanted = query.list("StackStatusFilter");
    account.read(|state| {
        let all = state.cloudformation.stacks.values();
        let found = all.filter(|stack| wanted.is_empty() || wanted.contains(&stack.status.as_str()));
        let (found, next) = page(query, found.collect());
        xml.list("StackSummaries", found, |xml, stack| {
            xml.text("StackId", &stack.id)
                .text("StackName", &stack.name)
                .text("CreationTime", stack.created.to_string())
                .maybe("DeletionTime", stack.deleted.map(|time| time.to_string()))
                .text("StackStatus", &stack.status)
                .maybe("StackStatusReason", stack.reason.as_ref());
        });
        xml.maybe("NextToken", next);
    });
}

pub(super) fn events(account: &Account, query: &Query, xml: &mut Xml) -> Result<(), ApiError> {
    const LENGTH: usize = 100;
    let name = query.require("StackName")?;
    account.read(|state| {
        let unknown = || ApiError::validation(format!("Stack [{name}] does not exist"));
        let stack = engine::find(&state.cloudformation, name).ok_or_else(unknown)?;
        // The token counts from the oldest, so that new events shift nothing.
        let asked = query.get("NextToken").and_then(|token| token.parse().ok());
        let end = asked.unwrap_or(stack.events.len()).min(stack.events.len());
        let start = end.saturating_sub(LENGTH);
        xml.list("StackEvents", stack.events[start..end].iter().rev(), |xml, event| one_event(xml, stack, event));
        xml.maybe("NextToken", (start > 0).then(|| start.to_string()));
        Ok(())
    })
}

fn one_event(xml: &mut Xml, stack: &Stack, event: &Event) {
    xml.text("StackId", &stack.id)
        .text("EventId", &event.id)
        .text("StackName", &stack.name)
        .text("LogicalResourceId", &event.logical_id)
        .text("PhysicalResourceId", &event.physical_id)
        .text("ResourceType", &event.resource_type)
        .text("Timestamp", event.time.to_string())
        .text("ResourceStatus", &event.status)
        .maybe("ResourceStatusReason", event.reason.as_ref())
        .maybe("ResourceProperties", event.properties.as_ref().map(|properties| properties.to_string()))
        .maybe("ClientRequestToken", event.token.as_ref());
}

fn one_resource_of(xml: &mut Xml, id: &str, resource: &StackResource, time: &str) {
    xml.text("LogicalResourceId", id)
        .maybe("PhysicalResourceId", resource.physical_id.as_ref())
        .text("ResourceType", &resource.resource_type)
        .text(time, resource.updated.to_string())
        .text("ResourceStatus", &resource.status)
        .maybe("ResourceStatusReason", resource.reason.as_ref());
}

pub(super) fn resources(account: &Account, query: &Query, xml: &mut Xml) -> Result<(), ApiError> {
    let name = query.require("StackName")?;
    account.read(|state| {
        let stack = engine::find_readable(&state.cloudformation, name)?;
        let (found, next) = page(query, stack.resources.iter().collect());
        xml.list("StackResourceSummaries", found, |xml, (id, resource)| {
            one_resource_of(xml, id, resource, "LastUpdatedTimestamp");
        });
        xml.maybe("NextToken", next);
        Ok(())
    })
}

pub(super) fn all_resources(account: &Account, query: &Query, xml: &mut Xml) -> Result<(), ApiError> {
    let name = query.require("StackName")?;
    let only = query.get("LogicalResourceId");
    account.read(|state| {
        let stack = engine::find_readable(&state.cloudformation, name)?;
        let found = stack.resources.iter().filter(|(id, _)| only.is_none_or(|only| only == *id));
        xml.list("StackResources", found, |xml, (id, resource)| {
            xml.text("StackId", &stack.id).text("StackName", &stack.name);
            one_resource_of(xml, id, resource, "Timestamp");
        });
        Ok(())
    })
}

pub(super) fn one_resource(account: &Account, query: &Query, xml: &mut Xml) -> Result<(), ApiError> {
    let (name, id) = (query.require("StackName")?, query.require("LogicalResourceId")?);
    account.read(|state| {
        let unknown = || ApiError::validation(format!("Stack '{name}' does not exist"));
        let stack = engine::find(&state.cloudformation, name).ok_or_else(unknown)?;
        let absent = || ApiError::validation(format!("Resource {id} does not exist for stack {name}"));
        let resource = stack.resources.get(id).ok_or_else(absent)?;
        xml.element("StackResourceDetail", |xml| {
            xml.text("StackId", &stack.id).text("StackName", &stack.name);
            one_resource_of(xml, id, resource, "LastUpdatedTimestamp");
        });
        Ok(())
    })
}

pub(super) fn exports(account: &Account, query: &Query, xml: &mut Xml) {
    account.read(|state| {
        let (found, next) = page(query, state.cloudformation.exports.iter().collect());
        xml.list("Exports", found, |xml, (name, export)| {
            xml.text("ExportingStackId", &export.stack_id).text("Name", name).text("Value", &export.value);
        });
        xml.maybe("NextToken", next);
    });
}

pub(super) fn imports(account: &Account, query: &Query, xml: &mut Xml) -> Result<(), ApiError> {
    let name = query.require("ExportName")?;
    let found = account.read(|state| engine::importers(&state.cloudformation, name))?;
    let (found, next) = page(query, found);
    xml.texts("Imports", found).maybe("NextToken", next);
    Ok(())
}
