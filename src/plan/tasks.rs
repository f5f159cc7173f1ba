//! Which tasks a change of their stack replaces: those of a service whose task
//! definition becomes another, one by one while the service goes on.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::compare::{Change, ChangeKind};

const SERVICE: &str = "AWS::ECS::Service";

/// The services whose tasks are replaced, given what else changes.
pub(super) fn replaced(before: &Json, after: &Json, changes: &[Change]) -> Vec<Change> {
    let Some(resources) = after["Resources"].as_object() else {
        return Vec::new();
    };
    let stays = |id: &str| before["Resources"][id]["Type"] == SERVICE;
    let services = resources
        .iter()
        .filter(|(id, resource)| resource["Type"] == SERVICE && stays(id));
    services
        .filter_map(|(id, service)| {
            let definition = service["Properties"]["TaskDefinition"]["Ref"].as_str();
            let names = names_behind(after, definition.map(|id| &resources[id]));
            let certainties: Vec<bool> = changes
                .iter()
                .filter_map(|change| touches(change, id, definition, &names))
                .collect();
            let certain = *certainties.iter().max()?;
            let service = id.strip_suffix("Service").unwrap_or(id).to_owned();
            Some(Change::Tasks { service, certain })
        })
        .collect()
}

/// Whether a change replaces the tasks of a service, and is certain to.
fn touches(
    change: &Change,
    service: &str,
    definition: Option<&str>,
    names: &BTreeSet<String>,
) -> Option<bool> {
    match change {
        Change::Resource {
            kind: ChangeKind::Modify | ChangeKind::Add,
            logical_id,
            properties,
            ..
        } => {
            let begins = |with: &str| properties.iter().any(|it| it.path.starts_with(with));
            let is_definition = Some(logical_id.as_str()) == definition;
            let of_definition = is_definition && (properties.is_empty() || begins("Properties"));
            let of_service = logical_id == service
                && (begins("Properties.TaskDefinition")
                    || begins("Properties.NetworkConfiguration"));
            (of_definition || of_service).then_some(true)
        }
        Change::Parameter { name, .. } => names.contains(name).then_some(!change.is_uncertain()),
        Change::Section { path, .. } => {
            let name = path.strip_prefix("Conditions.")?;
            names.contains(name).then_some(true)
        }
        Change::Resource { .. }
        | Change::Tag { .. }
        | Change::Term { .. }
        | Change::Tasks { .. } => None,
        Change::Template => Some(false),
    }
}

/// The parameters and conditions that a resource's properties depend on.
fn names_behind(template: &Json, resource: Option<&Json>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if let Some(resource) = resource {
        collect(template, &resource["Properties"], &mut names);
    }
    names
}

fn collect(template: &Json, value: &Json, names: &mut BTreeSet<String>) {
    match value {
        Json::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("Ref", Json::String(name)) => {
                        names.insert(name.clone());
                    }
                    ("Fn::Sub", Json::String(text)) => collect_variables(text, names),
                    ("Condition", Json::String(name)) => follow(template, name, names),
                    ("Fn::If", Json::Array(parts)) => {
                        if let Some(Json::String(name)) = parts.first() {
                            follow(template, name, names);
                        }
                    }
                    _ => {}
                }
                collect(template, value, names);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| collect(template, item, names)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn follow(template: &Json, condition: &str, names: &mut BTreeSet<String>) {
    if names.insert(condition.to_owned()) {
        collect(template, &template["Conditions"][condition], names);
    }
}

/// The names in `${…}`.
fn collect_variables(text: &str, names: &mut BTreeSet<String>) {
    let pieces = text.split("${").skip(1);
    let found = pieces.filter_map(|piece| piece.split_once('}'));
    names.extend(found.map(|(name, _)| name.to_owned()));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::compare::{KnownImage, compare};
    use super::*;
    use crate::config::Config;
    use crate::plan::samples::deployed;
    use crate::stack::{Carrier, ParameterValue, RenderedStack, Role, Sidecar, Sidecars, render};

    fn service_stack() -> RenderedStack {
        let stacks = render(&Config::default()).unwrap();
        let mut service = stacks
            .into_iter()
            .find(|it| it.role == Role::EcsService)
            .unwrap();
        let image = ParameterValue::Known("r/app@sha256:1".to_owned());
        service
            .parameters
            .insert("ColorTellerImage".to_owned(), image);
        service
    }

    fn with_configurations(teller: &str, gateway: &str) -> RenderedStack {
        let sidecar = |text: &str| Sidecar {
            digest: text.to_owned(),
            carrier: Carrier::Command(text.to_owned()),
        };
        let mut service = service_stack();
        service.take_sidecars(&Sidecars {
            teller: sidecar(teller),
            gateway: sidecar(gateway),
            mesh: Json::Null,
        });
        service
    }

    fn replaced_from(there: &RenderedStack, wanted: &RenderedStack) -> Vec<(String, bool)> {
        let there = deployed(there, "CREATE_COMPLETE");
        let changes = compare(wanted, KnownImage::Nothing, &there);
        let tasks = changes.into_iter().filter_map(|change| match change {
            Change::Tasks { service, certain } => Some((service, certain)),
            _ => None,
        });
        tasks.collect()
    }

    #[test]
    fn another_configuration_replaces_the_tasks_that_have_it() {
        let before = with_configurations("{}", "{}");
        assert_eq!(replaced_from(&before, &before), []);
        let teller = with_configurations("{\"a\":1}", "{}");
        assert_eq!(
            replaced_from(&before, &teller),
            [("ColorTellerWhite".to_owned(), true)]
        );
        let gateway = with_configurations("{}", "{\"a\":1}");
        assert_eq!(
            replaced_from(&before, &gateway),
            [("ColorGateway".to_owned(), true)]
        );
    }

    #[test]
    fn a_parameter_replaces_the_tasks_whose_definition_depends_on_it() {
        let before = service_stack();
        let with = |name: &str, value: &str| {
            let mut stack = service_stack();
            let value = ParameterValue::Known(value.to_owned());
            stack.parameters.insert(name.to_owned(), value);
            replaced_from(&before, &stack)
        };
        let teller = || "ColorTellerWhite".to_owned();
        assert_eq!(with("Color", "blue"), [(teller(), true)]);
        // Through a condition.
        assert_eq!(with("AppUser", "image"), [(teller(), true)]);
        let both = [(teller(), true), ("ColorGateway".to_owned(), true)];
        assert_eq!(with("EnvoyImage", "envoy:2"), both);
        assert_eq!(with("LoadBalancerPath", "/x"), []);
    }

    #[test]
    fn what_is_known_only_later_may_replace_tasks() {
        let before = service_stack();
        let mut wanted = service_stack();
        let image = ParameterValue::AppImage;
        wanted
            .parameters
            .insert("ColorTellerImage".to_owned(), image);
        assert_eq!(
            replaced_from(&before, &wanted),
            [("ColorTellerWhite".to_owned(), false)]
        );
    }
}
