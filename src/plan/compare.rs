//! What differs between a rendered stack and the one that is deployed.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value as Json;

use super::property::{PropertyChange, keys, properties};
use super::{DeployedStack, Term, tasks, terms};
use crate::diag::Source;
use crate::stack::{ParameterValue, RenderedStack, Role};
use crate::yaml;

/// What happens to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Add,
    /// It is another.
    Modify,
    /// It goes.
    Remove,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Change {
    /// A resource of the template.
    Resource {
        /// What happens to it.
        kind: ChangeKind,
        /// Its name.
        logical_id: String,
        /// Its type.
        resource_type: String,
        /// The properties that differ, with `DependsOn` and the like.
        properties: Vec<PropertyChange>,
    },
    /// A parameter.
    Parameter {
        /// Its name.
        name: String,
        /// The deployed value.
        before: Option<String>,
        /// The wanted one; none when it is known only later, or goes.
        after: Option<String>,
    },
    /// A tag of the stack.
    Tag {
        /// Its name.
        name: String,
        /// The deployed value.
        before: Option<String>,
        /// The wanted one.
        after: Option<String>,
    },
    /// What CloudFormation keeps with the stack; no resource changes.
    Term {
        /// Which of it.
        term: Term,
        /// What it is.
        before: Option<String>,
        /// What it would be.
        after: Option<String>,
    },
    /// Another section of the template, or one entry of it.
    Section {
        /// What happens to it.
        kind: ChangeKind,
        /// For example `Outputs.Vpc`.
        path: String,
    },
    /// The template as a whole, because the deployed one cannot be read.
    Template,
    /// What follows for a service: its tasks are replaced, one by one.
    Tasks {
        /// The service.
        service: String,
        /// False when only a later step will tell.
        certain: bool,
    },
}

// === impl Change ===

impl Change {
    /// Whether only a later step will tell if this is a change at all.
    pub fn is_uncertain(&self) -> bool {
        matches!(
            self,
            Self::Parameter {
                before: Some(_),
                after: None,
                ..
            } | Self::Tasks { certain: false, .. }
        )
    }

    /// Whether a change set makes it; protection has a call of its own.
    pub fn is_of_change_set(&self) -> bool {
        !matches!(
            self,
            Self::Term {
                term: Term::TerminationProtection,
                ..
            }
        )
    }
}

/// What is known of the app's image when stacks are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownImage<'a> {
    /// Nothing yet.
    Nothing,
    /// Its digest, but not the registry.
    Digest(&'a str),
    /// The whole reference.
    Reference(&'a str),
}

/// Lists what differs, in a fixed order. Nothing differs when the list is
/// empty.
pub fn compare(
    wanted: &RenderedStack,
    image: KnownImage<'_>,
    deployed: &DeployedStack,
) -> Vec<Change> {
    let mut changes = Vec::new();
    templates(wanted, deployed.template.as_deref(), &mut changes);
    parameters(wanted, image, deployed, &mut changes);
    terms::tags(&wanted.tags, &deployed.stack.tags, &mut changes);
    if !changes.is_empty() && wanted.role == Role::EcsService {
        let before = deployed.template.as_deref().and_then(read);
        let after = read(&wanted.template).unwrap_or_default();
        let replaced = tasks::replaced(&before.unwrap_or_default(), &after, &changes);
        changes.extend(replaced);
    }
    terms::compare(wanted, deployed, &mut changes);
    changes
}

/// The text as a tree; none when it is no YAML.
pub(super) fn read(text: &str) -> Option<Json> {
    let source = Arc::new(Source::new("template", text));
    yaml::parse(&source).ok().map(|node| yaml::to_json(&node))
}

fn templates(wanted: &RenderedStack, deployed: Option<&str>, changes: &mut Vec<Change>) {
    if deployed == Some(wanted.template.as_str()) {
        return;
    }
    let (Some(after), Some(before)) = (read(&wanted.template), deployed.and_then(read)) else {
        changes.push(Change::Template);
        return;
    };
    for section in keys(&before, &after) {
        let (before, after) = (&before[section.as_str()], &after[section.as_str()]);
        match section.as_str() {
            _ if before == after => {}
            "Resources" => resources(before, after, changes),
            "Parameters" | "Mappings" | "Conditions" | "Outputs" => {
                entries(&section, before, after, changes);
            }
            _ => changes.push(Change::Section {
                kind: kind(before, after),
                path: section,
            }),
        }
    }
}

fn resources(before: &Json, after: &Json, changes: &mut Vec<Change>) {
    for id in keys(before, after) {
        let (before, after) = (&before[id.as_str()], &after[id.as_str()]);
        if before == after {
            continue;
        }
        let either = if after.is_null() { before } else { after };
        changes.push(Change::Resource {
            kind: kind(before, after),
            resource_type: either["Type"].as_str().unwrap_or_default().to_owned(),
            properties: properties(before, after),
            logical_id: id,
        });
    }
}

fn entries(section: &str, before: &Json, after: &Json, changes: &mut Vec<Change>) {
    for name in keys(before, after) {
        let (before, after) = (&before[name.as_str()], &after[name.as_str()]);
        if before != after {
            changes.push(Change::Section {
                kind: kind(before, after),
                path: format!("{section}.{name}"),
            });
        }
    }
}

fn kind(before: &Json, after: &Json) -> ChangeKind {
    match (before.is_null(), after.is_null()) {
        (true, _) => ChangeKind::Add,
        (_, true) => ChangeKind::Remove,
        _ => ChangeKind::Modify,
    }
}

fn parameters(
    wanted: &RenderedStack,
    image: KnownImage<'_>,
    deployed: &DeployedStack,
    changes: &mut Vec<Change>,
) {
    let deployed = &deployed.stack.parameters;
    for (name, value) in &wanted.parameters {
        let before = deployed.get(name).cloned();
        let after = match value {
            ParameterValue::Known(value) => Some(value.clone()),
            ParameterValue::AppImage => image_after(image, before.as_deref()),
            ParameterValue::PushedImage(digest) => {
                image_after(KnownImage::Digest(digest), before.as_deref())
            }
        };
        // What CloudFormation does not show cannot be compared.
        if (before != after || before.is_none()) && before.as_deref() != Some("****") {
            changes.push(Change::Parameter {
                name: name.clone(),
                before,
                after,
            });
        }
    }
    let left: Vec<&String> = deployed
        .keys()
        .filter(|name| !wanted.parameters.contains_key(*name))
        .collect();
    if left.is_empty() {
        return;
    }
    let template = read(&wanted.template).unwrap_or_default();
    for name in left {
        let before = deployed.get(name).cloned();
        let after = default_of(&template, name);
        if before != after {
            changes.push(Change::Parameter {
                name: name.clone(),
                before,
                after,
            });
        }
    }
}

fn default_of(template: &Json, parameter: &str) -> Option<String> {
    match &template["Parameters"][parameter]["Default"] {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn image_after(image: KnownImage<'_>, before: Option<&str>) -> Option<String> {
    match (image, before) {
        (KnownImage::Reference(reference), _) => Some(reference.to_owned()),
        (KnownImage::Digest(digest), Some(before)) => {
            let repository = before
                .split_once('@')
                .map_or(before, |(repository, _)| repository);
            Some(format!("{repository}@{digest}"))
        }
        (KnownImage::Nothing, _) | (KnownImage::Digest(_), None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::samples::{deployed, rendered};
    use crate::stack::VERSION_TAG;

    const BEFORE: &str = "Parameters:\n  Size: {Type: String, Default: small}\nResources:\n  A:\n    Type: T::A\n    Properties: {X: 1, Y: [1, 2]}\n  B: {Type: T::B}\n";
    const AFTER: &str = "# a comment\nParameters:\n  Size: {Type: String, Default: small}\nResources:\n  A:\n    Type: T::A\n    DependsOn: C\n    Properties: {X: 1, Y: [2, 1]}\n  C: {Type: T::C}\n";

    #[test]
    fn equal_in_meaning_is_equal() {
        let wanted = rendered("s", Role::Mesh, BEFORE);
        let mut there = deployed(&wanted, "CREATE_COMPLETE");
        there.stack.parameters.insert("Size".into(), "small".into());
        there.template = Some(format!("# other words\n{BEFORE}"));
        assert_eq!(compare(&wanted, KnownImage::Nothing, &there), vec![]);
    }

    #[test]
    fn each_difference_is_named() {
        let mut wanted = rendered("s", Role::Mesh, AFTER);
        let mut there = deployed(&wanted, "CREATE_COMPLETE");
        there.template = Some(BEFORE.into());
        there.stack.parameters.insert("Size".into(), "large".into());
        wanted.tags.insert("team".into(), "mesh".into());
        // Another version alone changes nothing.
        wanted.tags.insert(VERSION_TAG.into(), "2.0.0".into());
        let found = serde_json::to_string_pretty(&compare(&wanted, KnownImage::Nothing, &there))
            .expect("serializable");
        insta::assert_snapshot!(found, @r#"
        [
          {
            "of": "resource",
            "kind": "modify",
            "logical_id": "A",
            "resource_type": "T::A",
            "properties": [
              {
                "path": "DependsOn",
                "before": null,
                "after": "\"C\""
              },
              {
                "path": "Properties.Y[0]",
                "before": "1",
                "after": "2"
              },
              {
                "path": "Properties.Y[1]",
                "before": "2",
                "after": "1"
              }
            ]
          },
          {
            "of": "resource",
            "kind": "remove",
            "logical_id": "B",
            "resource_type": "T::B",
            "properties": []
          },
          {
            "of": "resource",
            "kind": "add",
            "logical_id": "C",
            "resource_type": "T::C",
            "properties": []
          },
          {
            "of": "parameter",
            "name": "Size",
            "before": "large",
            "after": "small"
          },
          {
            "of": "tag",
            "name": "team",
            "before": null,
            "after": "mesh"
          }
        ]
        "#);
    }

    #[test]
    fn the_image_is_compared_as_far_as_it_is_known() {
        let mut wanted = rendered("s", Role::EcsService, "Resources: {A: {Type: T::A}}");
        wanted
            .parameters
            .insert("AppImage".into(), ParameterValue::AppImage);
        let mut there = deployed(&wanted, "CREATE_COMPLETE");
        there
            .stack
            .parameters
            .insert("AppImage".into(), "r/app@sha256:1".into());
        let differs = |image| compare(&wanted, image, &there);
        assert!(differs(KnownImage::Nothing)[0].is_uncertain());
        assert_eq!(differs(KnownImage::Digest("sha256:1")), vec![]);
        assert_eq!(differs(KnownImage::Reference("r/app@sha256:1")), vec![]);
        assert!(!differs(KnownImage::Digest("sha256:2"))[0].is_uncertain());
    }
}
