//! What a client submits for a stack.

use crate::account::ApiError;
use crate::account::cloudformation::{ChangeSetKind, ChangeSetRequest, Given, Submitted};
use crate::endpoint::query::Query;
use crate::endpoint::xml::Xml;

/// The longest template that is taken, in bytes. AWS takes 51,200 in a
/// request; this machine has no reason to.
const LONGEST: usize = 64 << 20;

pub(super) fn change_set(query: &Query) -> Result<ChangeSetRequest, ApiError> {
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
        submitted: submitted(query)?,
        description: query.get("Description").map(str::to_owned),
        keeps_failures: keeps_failures(query),
    })
}

/// Whether a failure leaves everything as it is.
pub(super) fn keeps_failures(query: &Query) -> bool {
    let on_failure = query
        .get("OnFailure")
        .or_else(|| query.get("OnStackFailure"));
    query.flag("DisableRollback") || on_failure == Some("DO_NOTHING")
}

pub(super) fn submitted(query: &Query) -> Result<Submitted, ApiError> {
    let template = if query.flag("UsePreviousTemplate") {
        None
    } else {
        body(query)?
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
    if !tags.is_empty() {
        let pair = |name: &str, tag: &crate::endpoint::query::Fields<'_>| {
            tag.get(name).unwrap_or_default().to_owned()
        };
        let tags = tags
            .iter()
            .map(|tag| (pair("Key", tag), pair("Value", tag)));
        submitted.tags = Some(tags.collect());
    }
    submitted.capabilities = query
        .list("Capabilities")
        .into_iter()
        .map(str::to_owned)
        .collect();
    Ok(submitted)
}

fn body(query: &Query) -> Result<Option<String>, ApiError> {
    if query.get("TemplateURL").is_some() {
        let message = "this endpoint has no S3: send the template as TemplateBody";
        return Err(ApiError::validation(message));
    }
    match query.get("TemplateBody") {
        Some(body) if body.len() > LONGEST => Err(ApiError::validation(format!(
            "TemplateBody is longer than {LONGEST} bytes"
        ))),
        body => Ok(body.map(str::to_owned)),
    }
}

/// Reads a template without a stack.
pub(super) fn validate(xml: &mut Xml, query: &Query) -> Result<(), ApiError> {
    let none = || ApiError::validation("Either Template URL or Template Body must be specified.");
    let template = crate::account::cloudformation::parse(&body(query)?.ok_or_else(none)?);
    let template = template.map_err(ApiError::validation)?;
    xml.maybe("Description", template.description.as_ref());
    xml.list("Parameters", template.parameters.keys(), |xml, name| {
        xml.text("ParameterKey", name);
    });
    Ok(())
}
