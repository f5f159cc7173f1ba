//! What a client submits for a stack.

use super::template_at;
use crate::account::cloudformation::{
    ChangeSetKind, ChangeSetRequest, DeleteRequest, Given, OnFailure, RollbackTrigger,
    StackRequest, Submitted, Terms, check_types, find_readable, needed_capability, parse,
};
use crate::account::{Account, ApiError};
use crate::endpoint::query::{Fields, Query};
use crate::endpoint::xml::Xml;

/// The longest template that is taken, in bytes. AWS takes 51,200 in a
/// request; this machine has no reason to.
const LONGEST: usize = 64 << 20;

pub(super) fn change_set(account: &Account, query: &Query) -> Result<ChangeSetRequest, ApiError> {
    let kind = match query.get("ChangeSetType") {
        Some("CREATE") => ChangeSetKind::Create,
        None | Some("UPDATE") => ChangeSetKind::Update,
        Some(other) => {
            return Err(ApiError::validation(format!(
                "ChangeSetType `{other}` is not supported"
            )));
        }
    };
    Ok(ChangeSetRequest {
        stack: query.require("StackName")?.to_owned(),
        name: query.require("ChangeSetName")?.to_owned(),
        kind,
        submitted: submitted(account, query)?,
        description: query.get("Description").map(str::to_owned),
        on_failure: on_failure(query)?.unwrap_or_default(),
        is_unchecked: query.flag("DisableValidation"),
        token: query.get("ClientToken").map(str::to_owned),
    })
}

/// What becomes of a failure, when the client says it.
pub(super) fn on_failure(query: &Query) -> Result<Option<OnFailure>, ApiError> {
    let named = query
        .get("OnFailure")
        .or_else(|| query.get("OnStackFailure"));
    let named = match named {
        None => None,
        Some("ROLLBACK") => Some(OnFailure::RollBack),
        Some("DO_NOTHING") => Some(OnFailure::Keep),
        Some("DELETE") => Some(OnFailure::Delete),
        Some(other) => {
            return Err(ApiError::validation(format!(
                "OnFailure `{other}` is not known"
            )));
        }
    };
    match (query.get("DisableRollback"), named) {
        (Some(_), Some(_)) => Err(ApiError::validation(
            "You cannot specify both DisableRollback and OnFailure",
        )),
        (Some("true"), None) => Ok(Some(OnFailure::Keep)),
        (None, None) if is_express(query) => {
            let keeps = query.get("DeploymentConfig.DisableRollback") != Some("false");
            Ok(keeps.then_some(OnFailure::Keep))
        }
        (_, named) => Ok(named),
    }
}

/// A stack to be made or changed.
pub(super) fn stack(account: &Account, query: &Query) -> Result<StackRequest, ApiError> {
    Ok(StackRequest {
        name: query.require("StackName")?.to_owned(),
        submitted: submitted(account, query)?,
        token: query.get("ClientRequestToken").map(str::to_owned),
        on_failure: on_failure(query)?.unwrap_or_default(),
        protected: query.flag("EnableTerminationProtection"),
    })
}

/// A stack to be deleted.
pub(super) fn delete(query: &Query) -> Result<DeleteRequest, ApiError> {
    Ok(DeleteRequest {
        name: query.require("StackName")?.to_owned(),
        token: query.get("ClientRequestToken").map(str::to_owned),
        retain: query
            .list("RetainResources")
            .into_iter()
            .map(str::to_owned)
            .collect(),
        force: query.get("DeletionMode") == Some("FORCE_DELETE_STACK"),
    })
}

fn submitted(account: &Account, query: &Query) -> Result<Submitted, ApiError> {
    let template = if query.flag("UsePreviousTemplate") {
        None
    } else {
        body(account, query)?
    };
    let mut submitted = Submitted {
        template,
        ..Submitted::default()
    };
    for parameter in query.members("Parameters") {
        let name = parameter.get("ParameterKey").unwrap_or_default().to_owned();
        let given = if parameter.get("UsePreviousValue") == Some("true") {
            Given::Previous
        } else {
            Given::Value(
                parameter
                    .get("ParameterValue")
                    .unwrap_or_default()
                    .to_owned(),
            )
        };
        submitted.parameters.insert(name, given);
    }
    let tags = query.members("Tags");
    if query.said("Tags") {
        let pair = |name: &str, tag: &Fields<'_>| tag.get(name).unwrap_or_default().to_owned();
        let tags = tags
            .iter()
            .map(|tag| (pair("Key", tag), pair("Value", tag)));
        submitted.tags = Some(tags.collect());
    }
    submitted.terms = terms(query);
    submitted.capabilities = query
        .list("Capabilities")
        .into_iter()
        .map(str::to_owned)
        .collect();
    Ok(submitted)
}

fn is_express(query: &Query) -> bool {
    query.get("DeploymentConfig.Mode") == Some("EXPRESS")
}

fn terms(query: &Query) -> Terms {
    let number = |name: &str| query.get(name).and_then(|text| text.parse().ok());
    let owned = |text: &str| text.to_owned();
    let triggers = "RollbackConfiguration.RollbackTriggers";
    let trigger = |trigger: Fields<'_>| RollbackTrigger {
        arn: trigger.get("Arn").unwrap_or_default().to_owned(),
        kind: trigger.get("Type").unwrap_or_default().to_owned(),
    };
    Terms {
        notification_arns: query
            .said("NotificationARNs")
            .then(|| query.list("NotificationARNs"))
            .map(|topics| topics.into_iter().map(owned).collect()),
        rollback_triggers: query
            .said(triggers)
            .then(|| query.members(triggers))
            .map(|members| members.into_iter().map(trigger).collect()),
        monitoring_minutes: number("RollbackConfiguration.MonitoringTimeInMinutes"),
        timeout_minutes: number("TimeoutInMinutes"),
        role_arn: query.get("RoleARN").map(owned),
        is_express: is_express(query),
        retain_except_on_create: query.flag("RetainExceptOnCreate"),
    }
}

fn body(account: &Account, query: &Query) -> Result<Option<String>, ApiError> {
    if let Some(url) = query.get("TemplateURL") {
        return template_at::read(account, url).map(Some);
    }
    match query.get("TemplateBody") {
        Some(body) if body.len() > LONGEST => Err(ApiError::validation(format!(
            "TemplateBody is longer than {LONGEST} bytes"
        ))),
        body => Ok(body.map(str::to_owned)),
    }
}

/// Reads a template without a stack.
pub(super) fn validate(account: &Account, xml: &mut Xml, query: &Query) -> Result<(), ApiError> {
    let none = || ApiError::validation("Either Template URL or Template Body must be specified.");
    let text = body(account, query)?.ok_or_else(none)?;
    check_types(&parse(&text).map_err(ApiError::validation)?)?;
    summary(xml, &text, false)
}

/// What a template asks for; more than that when the summary is asked for.
pub(super) fn summary(xml: &mut Xml, text: &str, whole: bool) -> Result<(), ApiError> {
    let template = parse(text).map_err(ApiError::validation)?;
    xml.maybe("Description", template.description.as_ref());
    let capability = needed_capability(&template);
    xml.texts("Capabilities", capability);
    xml.maybe(
        "CapabilitiesReason",
        capability.map(|_| "The following resource(s) require capabilities: [AWS::IAM]"),
    );
    xml.list(
        "Parameters",
        &template.parameters,
        |xml, (name, parameter)| {
            xml.text("ParameterKey", name)
                .maybe("DefaultValue", parameter.default.as_ref());
            if whole {
                xml.text("ParameterType", parameter.parameter_type.to_string());
            }
            xml.text("NoEcho", parameter.no_echo.to_string())
                .maybe("Description", parameter.description.as_ref());
        },
    );
    if whole {
        let types: std::collections::BTreeSet<&String> = template
            .resources
            .values()
            .map(|resource| &resource.resource_type)
            .collect();
        xml.texts("ResourceTypes", types)
            .text("Version", "2010-09-09");
    }
    Ok(())
}

/// The template whose summary is asked for: one that is sent, or a stack's.
pub(super) fn summarized(account: &Account, query: &Query) -> Result<String, ApiError> {
    if let Some(text) = body(account, query)? {
        return Ok(text);
    }
    let none = || ApiError::validation("Either Template URL or Template Body must be specified.");
    let name = query.get("StackName").ok_or_else(none)?;
    account.read(|state| {
        let stack = find_readable(&state.cloudformation, name)?;
        if stack.status == "REVIEW_IN_PROGRESS" {
            return Err(ApiError::validation(
                "GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.",
            ));
        }
        Ok(stack.spec.template.to_string())
    })
}
