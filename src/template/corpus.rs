//! Whole templates, as people and tools write them.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{LogicalId, Parameter, Scope, StaticScope, Template};
use crate::diag::Source;

/// An account in which everything exists.
struct Everything(StaticScope);

impl Scope for Everything {
    fn parameter(&self, name: &str) -> Option<Json> {
        self.0.parameter(name)
    }

    fn pseudo(&self, name: &str) -> Option<String> {
        Some(if name == "AWS::Region" {
            "us-west-2".to_owned()
        } else {
            name.replace("::", "-")
        })
    }

    fn resource(&self, id: &LogicalId) -> Option<String> {
        Some(format!("{id}-id"))
    }

    fn attribute(&self, id: &LogicalId, attribute: &str) -> Option<Json> {
        Some(json!(format!("{id}/{attribute}")))
    }

    fn import(&self, name: &str) -> Option<String> {
        Some(format!("<{name}>"))
    }

    fn zones(&self) -> Vec<String> {
        ["us-west-2a", "us-west-2b", "us-west-2c"]
            .map(str::to_owned)
            .into()
    }
}

fn read(path: &Path) -> (Template, Everything) {
    let text = std::fs::read_to_string(path).unwrap();
    let source = Arc::new(Source::new(path.display().to_string(), text));
    let template = Template::parse(&source).unwrap_or_else(|found| panic!("{found}"));
    let bare = template
        .parameters
        .iter()
        .filter(|(_, parameter)| parameter.default.is_none());
    let some = |parameter: &Parameter| {
        parameter
            .allowed_values
            .first()
            .map_or("9080", String::as_str)
            .to_owned()
    };
    let given: BTreeMap<_, _> = bare
        .map(|(name, parameter)| (name.clone(), some(parameter)))
        .collect();
    let scope = Everything(StaticScope::new(
        &template.check_parameters(&given).unwrap(),
    ));
    (template, scope)
}

fn folder() -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|end| end != "md"))
        .collect();
    paths.sort();
    paths
}

#[test]
fn every_template_of_the_corpus_evaluates() {
    let paths = folder();
    assert!(paths.len() >= 4);
    for path in paths {
        let (template, scope) = read(&path);
        for id in template.order() {
            let properties = template.evaluate(&template.resources[&id].properties, &scope);
            assert!(
                properties.is_ok_and(|value| value.is_object()),
                "{}: {id}",
                path.display()
            );
        }
        for (name, output) in &template.outputs {
            template
                .evaluate(&output.value, &scope)
                .unwrap_or_else(|error| panic!("{}: {name}: {error}", path.display()));
        }
        template.exports(&scope).unwrap();
        template.imports(&scope).unwrap();
    }
}

#[test]
fn the_features_come_to_their_values() {
    let (template, scope) =
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/features.yaml"));
    let properties = |id: &str| {
        template
            .evaluate(&template.resources[id].properties, &scope)
            .unwrap()
    };
    let shop = properties("Shop");
    assert_eq!(shop["MeshName"], "Mesh/MeshName");
    assert_eq!(shop["Spec"].get("BackendDefaults"), None);
    assert_eq!(shop["Spec"]["Listeners"][0]["PortMapping"]["Port"], 8080);
    assert_eq!(
        shop["Spec"]["ServiceDiscovery"]["DNS"]["Hostname"],
        "shop.9080.local"
    );
    assert_eq!(
        properties("Spare")["Spec"]["ServiceDiscovery"]["DNS"]["Hostname"],
        "us-west-2.AWS-URLSuffix"
    );
    let task = properties("Task");
    assert_eq!(task["Cpu"], "2");
    assert_eq!(task["ExecutionRoleArn"], "<9080:TaskRole>");
    assert_eq!(
        task["ContainerDefinitions"][0]["Environment"][0]["Value"],
        "mesh/Mesh/MeshName/virtualNode/Shop/VirtualNodeName"
    );
    let outputs = |name: &str| {
        template
            .evaluate(&template.outputs[name].value, &scope)
            .unwrap()
    };
    assert_eq!(
        (outputs("Blocks"), outputs("Zone")),
        (json!("10.0.0.0/24,10.0.1.0/24"), json!("us-west-2a"))
    );
    let order: Vec<_> = template.order().into_iter().map(String::from).collect();
    assert_eq!(order, ["Mesh", "Shop", "Spare", "Task"]);
}

#[test]
fn a_path_in_a_document_leads_back_into_the_text() {
    let (template, _) =
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/features.yaml"));
    let pointed = |path: &str| {
        let span = template.resources["Shop"]
            .properties
            .locate(path.split('/'));
        template.source.text[span.start..span.end].to_owned()
    };
    assert_eq!(pointed("Spec/Listeners/0/PortMapping/Protocol"), "http");
    assert_eq!(
        pointed("Spec/ServiceDiscovery/DNS/Hostname/none"),
        "[\".\", [shop, !Ref Project, local]]"
    );
}

proptest! {
    #[test]
    fn a_torn_template_is_read_or_refused(from in 0_usize..3000, length in 1_usize..80) {
        let mut text = include_str!("../../tests/corpus/features.yaml").to_owned();
        let from = from.min(text.len() - 1);
        let to = (from + length).min(text.len());
        text.replace_range(from..to, "");
        match Template::parse(&Arc::new(Source::new("torn.yaml", text))) {
            Ok(template) => prop_assert_eq!(template.order().len(), template.resources.len()),
            Err(found) => prop_assert!(!found.to_string().is_empty()),
        }
    }
}
