//! Change sets.

use super::submitted::{page, submitted, token};
use crate::account::cloudformation::{
    self as engine, Change, ChangeAction, ChangeSet, ChangeSetKind, ChangeSetRequest, ChangeSetStatus, Replacement,
};
use crate::account::{Account, ApiError};
use crate::endpoint::query::Query;
use crate::endpoint::xml::Xml;

pub(super) fn create(account: &Account, query: &Query, xml: &mut Xml) -> Result<(), ApiError> {
    let request = ChangeSetRequest {
        stack: query.require("StackName")?.to_owned(),
        name: query.require("ChangeSetName")?.to_owned(),
        kind: if query.get("ChangeSetType") == Some("CREATE") { ChangeSetKind::Create } else { ChangeSetKind::Update },
        description: query.get("Description").map(str::to_owned),
        submitted: submitted(query)?,
    };
    let (id, stack_id) = engine::create_change_set(account, request)?;
    xml.text("Id", id).text("StackId", stack_id);
    Ok(())
}

pub(super) fn describe(account: &Account, query: &Query, xml: &mut Xml) -> Result<(), ApiError> {
    let name = query.require("ChangeSetName")?;
    account.read(|state| {
        let (stack, set) = engine::describe_change_set(&state.cloudformation, name, query.get("StackName"))?;
        head(xml, set, &stack.id, &stack.name);
        let (changes, next) = page(query, set.changes.iter().collect());
        xml.list("Parameters", &set.spec.parameters, |xml, (name, value)| {
            xml.text("ParameterKey", name).text("ParameterValue", value);
        });
        xml.list("Tags", &set.spec.tags, |xml, (name, value)| {
            xml.text("Key", name).text("Value", value);
        });
        xml.texts("Capabilities", &set.spec.capabilities);
        xml.list("Changes", changes, |xml, change| {
            xml.text("Type", "Resource");
            xml.element("ResourceChange", |xml| one(xml, change));
        });
        xml.maybe("NextToken", next);
        Ok(())
    })
}

fn head(xml: &mut Xml, set: &ChangeSet, stack_id: &str, stack_name: &str) {
    let execution = match set.status {
        ChangeSetStatus::Complete => "AVAILABLE",
        ChangeSetStatus::Executed => "EXECUTE_COMPLETE",
        ChangeSetStatus::Pending | ChangeSetStatus::Failed => "UNAVAILABLE",
    };
    xml.text("ChangeSetId", &set.id)
        .text("ChangeSetName", &set.name)
        .text("StackId", stack_id)
        .text("StackName", stack_name)
        .text("CreationTime", set.created.to_string())
        .text("Status", engine::status_text(set.status))
        .text("ExecutionStatus", execution)
        .maybe("StatusReason", set.reason.as_ref())
        .maybe("Description", set.description.as_ref());
}

fn one(xml: &mut Xml, change: &Change) {
    let action = match change.action {
        ChangeAction::Add => "Add",
        ChangeAction::Modify => "Modify",
        ChangeAction::Remove => "Remove",
    };
    let replacement = change.replacement.map(|replacement| match replacement {
        Replacement::True => "True",
        Replacement::False => "False",
        Replacement::Conditional => "Conditional",
    });
    xml.text("Action", action)
        .text("LogicalResourceId", &change.logical_id)
        .maybe("PhysicalResourceId", change.physical_id.as_ref())
        .text("ResourceType", &change.resource_type)
        .maybe("Replacement", replacement);
    if change.action == ChangeAction::Modify {
        xml.texts("Scope", ["Properties"]);
    }
    xml.list("Details", &change.properties, |xml, (name, replaces)| {
        xml.element("Target", |xml| {
            xml.text("Attribute", "Properties")
                .text("Name", name)
                .text("RequiresRecreation", if *replaces { "Always" } else { "Never" });
        })
        .text("Evaluation", "Static")
        .text("ChangeSource", "DirectModification");
    });
}

pub(super) fn execute(account: &Account, query: &Query) -> Result<(), ApiError> {
    let name = query.require("ChangeSetName")?;
    engine::execute_change_set(account, name, query.get("StackName"), token(query), query.flag("DisableRollback"))
}

pub(super) fn delete(account: &Account, query: &Query) -> Result<(), ApiError> {
    engine::delete_change_set(account, query.require("ChangeSetName")?, query.get("StackName"))
}

pub(super) fn list(account: &Account, query: &Query, xml: &mut Xml) -> Result<(), ApiError> {
    let name = query.require("StackName")?;
    account.read(|state| {
        let stack = engine::find_readable(&state.cloudformation, name)?;
        let (sets, next) = page(query, stack.change_sets.values().collect());
        xml.list("Summaries", sets, |xml, set| head(xml, set, &stack.id, &stack.name));
        xml.maybe("NextToken", next);
        Ok(())
    })
}

/// No validation of ours fails in an event of its own.
pub(super) fn events(xml: &mut Xml) {
    xml.texts("OperationEvents", [""; 0]);
}
