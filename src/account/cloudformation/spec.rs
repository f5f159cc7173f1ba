//! From what a client submits to what a stack is made from.

use super::model::{Spec, Stack, Terms};
use crate::account::ApiError;
use crate::account::resources::describe;
use crate::account::shared::Shared;
use crate::diag::Source;
use crate::template::{Expr, Form, Template, validation_message};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A parameter as it is submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// This value.
    Value(String),
    /// The value that the stack has.
    Previous,
}

/// What a client submits for a stack.
#[derive(Clone, Debug, Default)]
pub struct Submitted {
    /// The template's text; nothing to use the one that the stack has.
    pub template: Option<String>,
    /// Parameters.
    pub parameters: BTreeMap<String, Given>,
    /// Tags; nothing to leave them.
    pub tags: Option<BTreeMap<String, String>>,
    /// Capabilities.
    pub capabilities: BTreeSet<String>,
    /// What else is asked for.
    pub terms: Terms,
}

/// Reads a template, with CloudFormation's message when it is refused.
pub fn parse(text: &str) -> Result<Template, String> {
    let source = Arc::new(Source::new("template", text));
    Template::parse(&source).map_err(|found| validation_message(&found))
}

impl Submitted {
    /// Checks everything that can be checked before the first resource.
    pub(super) fn check(self, stack: Option<&Stack>) -> Result<(Spec, Template), ApiError> {
        let previous = stack.map(|stack| &stack.spec);
        let text = match (self.template, previous) {
            (Some(text), _) => Shared::new(text),
            (None, Some(previous)) if !previous.template.is_empty() => previous.template.clone(),
            (None, _) => {
                return Err(ApiError::validation(
                    "Either Template URL or Template Body must be specified.",
                ));
            }
        };
        let template = parse(&text).map_err(ApiError::validation)?;
        check_types(&template)?;
        check_capabilities(&template, &self.capabilities)?;
        let mut given = BTreeMap::new();
        for (name, value) in self.parameters {
            let known = || {
                previous
                    .and_then(|previous| previous.parameters.get(&name))
                    .cloned()
            };
            if let Some(value) = match value {
                Given::Value(value) => Some(value),
                Given::Previous => known(),
            } {
                given.insert(name, value);
            }
        }
        let bound = template
            .check_parameters(&given)
            .map_err(|error| ApiError::validation(error.to_string()))?;
        let spec = Spec {
            template: text,
            parameters: bound
                .into_iter()
                .map(|(name, bound)| (name, bound.text))
                .collect(),
            tags: self
                .tags
                .or_else(|| previous.map(|previous| previous.tags.clone()))
                .unwrap_or_default(),
            capabilities: self.capabilities,
            terms: self.terms.after(previous.map(|previous| &previous.terms)),
        };
        Ok((spec, template))
    }
}

/// Whether all types of a template are known.
pub fn check_types(template: &Template) -> Result<(), ApiError> {
    let types = template
        .resources
        .values()
        .map(|resource| resource.resource_type.as_str());
    let unknown: BTreeSet<&str> = types.filter(|name| describe(name).is_none()).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let unknown: Vec<&str> = unknown.into_iter().collect();
    Err(ApiError::validation(format!(
        "Template format error: Unrecognized resource types: [{}]",
        unknown.join(", ")
    )))
}

/// The capability that a template needs: stronger when it names what it makes.
pub fn needed_capability(template: &Template) -> Option<&'static str> {
    let identities = template
        .resources
        .values()
        .filter(|resource| resource.resource_type.starts_with("AWS::IAM::"));
    let mut needed = None;
    for resource in identities {
        let name = match resource.resource_type.as_str() {
            "AWS::IAM::Role" => "RoleName",
            "AWS::IAM::ManagedPolicy" => "ManagedPolicyName",
            "AWS::IAM::InstanceProfile" => "InstanceProfileName",
            _ => "",
        };
        if has(&resource.properties, name) {
            return Some("CAPABILITY_NAMED_IAM");
        }
        needed = Some("CAPABILITY_IAM");
    }
    needed
}

fn has(properties: &Expr, name: &str) -> bool {
    matches!(&properties.form, Form::Map(entries) if entries.contains_key(name))
}

fn check_capabilities(template: &Template, given: &BTreeSet<String>) -> Result<(), ApiError> {
    let Some(needed) = needed_capability(template) else {
        return Ok(());
    };
    if given.contains(needed) || given.contains("CAPABILITY_NAMED_IAM") {
        return Ok(());
    }
    Err(ApiError::new(
        "InsufficientCapabilitiesException",
        format!("Requires capabilities : [{needed}]"),
    ))
}

/// A resource keeps its type for life.
pub(super) fn check_types_stay(stack: &Stack, template: &Template) -> Result<(), String> {
    let differs = |id: &&str| {
        let wanted = template
            .resources
            .get(*id)
            .map(|resource| resource.resource_type.as_str());
        let found = stack
            .resources
            .get(*id)
            .filter(|resource| resource.physical_id.is_some());
        found.is_some_and(|resource| Some(resource.resource_type.as_str()) != wanted)
    };
    let changed: Vec<&str> = template
        .resources
        .keys()
        .map(crate::template::LogicalId::as_str)
        .filter(differs)
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    Err(format!(
        "Update of resource type is not permitted. The new template modifies resource type of the following \
         resources: [{}]",
        changed.join(", ")
    ))
}
