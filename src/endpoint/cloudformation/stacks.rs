//! Stacks and their templates.

use super::submitted::{page, submitted, token};
use crate::account::cloudformation::{self as engine, Stack};
use crate::account::{Account, ApiError};
use crate::endpoint::query::Query;
use crate::endpoint::xml::Xml;

pub(super) fn create(account: &Account, query: &Query, xml: &mut Xml) -> Result<(), ApiError> {
    let keeps = query.flag("DisableRollback") || query.get("OnFailure") == Some("DO_NOTHING");
    let id = engine::create_stack(account, query.require("StackName")?, submitted(query)?, token(query), keeps)?;
    if query.flag("EnableTerminationProtection") {
        engine::set_termination_protection(account, &id, true)?;
    }
    xml.text("StackId", id);
    Ok(())
}

pub(super) fn update(account: &Account, query: &Query, xml: &mut Xml) -> Result<(), ApiError> {
    let id = engine::update_stack(account, query.require("StackName")?, submitted(query)?, token(query))?;
    xml.text("StackId", id);
    Ok(())
}

pub(super) fn delete(account: &Account, query: &Query) -> Result<(), ApiError> {
    engine::delete_stack(account, query.require("StackName")?, token(query))
}

pub(super) fn protect(account: &Account, query: &Query, xml: &mut Xml) -> Result<(), ApiError> {
    let protected = query.flag("EnableTerminationProtection");
    xml.text("StackId", engine::set_termination_protection(account, query.require("StackName")?, protected)?);
    Ok(())
}

pub(super) fn describe(account: &Account, query: &Query, xml: &mut Xml) -> Result<(), ApiError> {
    account.read(|state| {
        let state = &state.cloudformation;
        let stacks: Vec<&Stack> = match query.get("StackName") {
            Some(name) => vec![engine::find_readable(state, name)?],
            None => state.names.values().filter_map(|id| engine::find(state, id)).collect(),
        };
        let (stacks, next) = page(query, stacks);
        xml.list("Stacks", stacks, one);
        xml.maybe("NextToken", next);
        Ok(())
    })
}

fn one(xml: &mut Xml, stack: &Stack) {
    xml.text("StackId", &stack.id)
        .text("StackName", &stack.name)
        .maybe("Description", stack.description.as_ref())
        .text("CreationTime", stack.created.to_string())
        .maybe("LastUpdatedTime", stack.updated.map(|time| time.to_string()))
        .maybe("DeletionTime", stack.deleted.map(|time| time.to_string()))
        .text("StackStatus", &stack.status)
        .maybe("StackStatusReason", stack.reason.as_ref())
        .text("DisableRollback", stack.keeps_failures.to_string())
        .text("EnableTerminationProtection", stack.protected.to_string())
        .texts("NotificationARNs", [""; 0])
        .texts("Capabilities", &stack.spec.capabilities);
    xml.list("Parameters", &stack.spec.parameters, |xml, (name, value)| {
        xml.text("ParameterKey", name).text("ParameterValue", value);
    });
    xml.list("Outputs", &stack.outputs, |xml, output| {
        xml.text("OutputKey", &output.key)
            .text("OutputValue", &output.value)
            .maybe("Description", output.description.as_ref())
            .maybe("ExportName", output.export.as_ref());
    });
    xml.list("Tags", &stack.spec.tags, |xml, (name, value)| {
        xml.text("Key", name).text("Value", value);
    });
    xml.element("DriftInformation", |xml| {
        xml.text("StackDriftStatus", "NOT_CHECKED");
    });
}

pub(super) fn template(account: &Account, query: &Query, xml: &mut Xml) -> Result<(), ApiError> {
    account.read(|state| {
        let state = &state.cloudformation;
        let spec = match query.get("ChangeSetName") {
            Some(name) => &engine::describe_change_set(state, name, query.get("StackName"))?.1.spec,
            None => &engine::find_readable(state, query.require("StackName")?)?.spec,
        };
        xml.text("TemplateBody", &*spec.template);
        xml.texts("StagesAvailable", ["Original", "Processed"]);
        Ok(())
    })
}

pub(super) fn summary(account: &Account, query: &Query, xml: &mut Xml) -> Result<(), ApiError> {
    let stored = || {
        let name = query.get("StackName")?;
        account.read(|state| engine::find(&state.cloudformation, name).map(|stack| stack.spec.template.to_string()))
    };
    let text = query.get("TemplateBody").map(str::to_owned).or_else(stored);
    let none = || ApiError::validation("Either Template URL or Template Body must be specified.");
    let template = engine::parse(&text.ok_or_else(none)?).map_err(ApiError::validation)?;
    xml.list("Parameters", &template.parameters, |xml, (name, parameter)| {
        xml.text("ParameterKey", name)
            .maybe("DefaultValue", parameter.default.as_ref())
            .text("NoEcho", parameter.no_echo.to_string())
            .maybe("Description", parameter.description.as_ref());
    });
    xml.maybe("Description", template.description.as_ref());
    if let Some(capability) = engine::needed_capability(&template) {
        xml.texts("Capabilities", [capability]);
        xml.text("CapabilitiesReason", "The following resource(s) require capabilities: [AWS::IAM::Role]");
    }
    if query.action() == "GetTemplateSummary" {
        let types: std::collections::BTreeSet<&String> =
            template.resources.values().map(|resource| &resource.resource_type).collect();
        xml.texts("ResourceTypes", types);
    }
    Ok(())
}
