//! What is checked with a change set, before anything is made: the names of
//! properties, and whether names are free.

use super::change::or_empty;
use super::changes::{Change, ChangeAction, Replacement};
use super::model::{Spec, Stack, ValidationFault};
use super::scope::{StackScope, values};
use crate::account::handle::Options;
use crate::account::resources::{check_properties, describe};
use crate::account::store::State;
use crate::template::Template;
use serde_json::Value;
use std::collections::BTreeSet;

const PROPERTIES: &str = "PROPERTY_VALIDATION";
const NAMES: &str = "NAME_CONFLICT_VALIDATION";
const REPOSITORIES: &str = "ECR_REPOSITORY_DELETION_VALIDATION";

/// The types whose physical id is a property, and that property.
const NAMED: &[(&str, &str)] = &[
    ("AWS::ECR::Repository", "RepositoryName"),
    ("AWS::ECS::Cluster", "ClusterName"),
    ("AWS::IAM::Role", "RoleName"),
    ("AWS::Logs::LogGroup", "LogGroupName"),
    ("AWS::SSM::Parameter", "Name"),
];

/// What is wrong with the resources that would be made or changed.
pub(super) fn faults(
    options: &Options,
    state: &State,
    stack: &Stack,
    spec: &Spec,
    template: &Template,
    changes: &[Change],
) -> Vec<ValidationFault> {
    let Ok(parameters) = values(template, spec, state) else {
        return Vec::new();
    };
    let unknown = unknown(changes);
    let scope = StackScope::new(options, state, stack, &parameters).before(&unknown);
    let mut found = Vec::new();
    for change in changes {
        found.extend(of_removal(state, change));
        let Some(resource) = template.resources.get(change.logical_id.as_str()) else {
            continue;
        };
        // What cannot be evaluated yet fails where it is made.
        let Ok(properties) = template.evaluate(&resource.properties, &scope) else {
            continue;
        };
        found.extend(of_resource(state, change, &or_empty(properties)));
    }
    found
}

/// The resources whose values are known only later.
pub(super) fn unknown(changes: &[Change]) -> BTreeSet<String> {
    changes
        .iter()
        .filter(|change| {
            change.action != ChangeAction::Remove
                && (change.physical_id.is_none() || change.replacement > Some(Replacement::False))
        })
        .map(|change| change.logical_id.clone())
        .collect()
}

fn of_resource(state: &State, change: &Change, properties: &Value) -> Option<ValidationFault> {
    let descriptor = describe(&change.resource_type)?;
    let fault = |name: &str, path: &str, reason: String| ValidationFault {
        logical_id: change.logical_id.clone(),
        resource_type: change.resource_type.clone(),
        name: name.to_owned(),
        path: format!("/Resources/{}/Properties{path}", change.logical_id),
        reason,
        is_warning: false,
    };
    if let Err(reason) = check_properties(descriptor, properties) {
        return Some(fault(PROPERTIES, "", reason));
    }
    let made = change.physical_id.is_none() || change.replacement == Some(Replacement::True);
    let (_, property) = NAMED
        .iter()
        .find(|(named, _)| made && *named == change.resource_type)?;
    let name = properties.get(*property)?.as_str()?;
    state.inventory.get(descriptor.name, name)?;
    let reason = format!(
        "Resource of type '{}' with identifier '{name}' already exists.",
        descriptor.name
    );
    Some(fault(NAMES, &format!("/{property}"), reason))
}

/// A repository that is to go while it holds images will not.
fn of_removal(state: &State, change: &Change) -> Option<ValidationFault> {
    let is_repository = change.resource_type == "AWS::ECR::Repository";
    let name = change.physical_id.as_ref().filter(|_| is_repository)?;
    let images = state.ecr.repositories.get(name)?.images.len();
    (change.action == ChangeAction::Remove && images > 0).then(|| ValidationFault {
        logical_id: change.logical_id.clone(),
        resource_type: change.resource_type.clone(),
        name: REPOSITORIES.to_owned(),
        path: format!("/Resources/{}", change.logical_id),
        reason: format!(
            "The repository '{name}' cannot be deleted because it still contains images."
        ),
        is_warning: true,
    })
}

/// What the change set says of it.
pub(super) fn reason(faults: &[ValidationFault]) -> String {
    let is = |name: &str| faults.iter().any(|fault| fault.name == name);
    let mut hooks = Vec::new();
    if is(PROPERTIES) {
        hooks.push("AWS::EarlyValidation::PropertyValidation");
    }
    if is(NAMES) {
        hooks.push("AWS::EarlyValidation::ResourceExistenceCheck");
    }
    format!(
        "The following hook(s)/validation failed: [{}]. To troubleshoot Early Validation errors, use the \
         DescribeEvents API for detailed failure information.",
        hooks.join(", ")
    )
}
