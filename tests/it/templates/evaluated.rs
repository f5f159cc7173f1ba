//! The rendered stacks as CloudFormation makes them: conditions decided,
//! parameters filled in.

use std::collections::BTreeMap;
use std::sync::Arc;

use colormesh::diag::Source;
use colormesh::template::{BoundParameters, LogicalId, Scope, Template};
use serde_json::{Value, json};

use crate::project::Project;

/// A resource that would be made.
pub(crate) struct Made {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) properties: Value,
}

/// Everything that these settings make, of all stacks.
pub(crate) fn made(settings: &str) -> Vec<Made> {
    let project = Project::new().file("colormesh.yaml", settings);
    let said = project.run(&["render", "--output", "json"]).code(0);
    let stacks = said.json();
    stacks.as_array().unwrap().iter().flat_map(stack).collect()
}

/// Those of one type.
pub(crate) fn of_kind<'a>(made: &'a [Made], kind: &str) -> Vec<&'a Made> {
    made.iter().filter(|each| each.kind == kind).collect()
}

/// The one with this id.
pub(crate) fn named<'a>(made: &'a [Made], id: &str) -> &'a Made {
    made.iter().find(|each| each.id == id).unwrap()
}

/// The items of a list of the properties; none when it is not there.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value
        .get(name)
        .map_or(&[], |list| list.as_array().unwrap().as_slice())
}

fn stack(document: &Value) -> Vec<Made> {
    let text = document["template"].as_str().unwrap();
    let source = Arc::new(Source::new("template", text));
    let template = Template::parse(&source).unwrap();
    let mut given: BTreeMap<String, String> =
        serde_json::from_value(document["parameters"].clone()).unwrap();
    // Known only once the images are pushed, and then by digest.
    for image in ["ColorTellerImage", "ColorTellerEnvoyImage"] {
        if text.contains(&format!("  {image}:\n")) {
            given.entry(image.into()).or_insert(pushed());
        }
    }
    let scope = Anything(template.check_parameters(&given).unwrap());
    let wanted = template
        .resources
        .iter()
        .filter(|(_, resource)| template.wants(resource, &scope).unwrap());
    wanted
        .map(|(id, resource)| Made {
            id: id.to_string(),
            kind: resource.resource_type.clone(),
            properties: template.evaluate(&resource.properties, &scope).unwrap(),
        })
        .collect()
}

/// An image of the environment's own.
fn pushed() -> String {
    let digest = "0".repeat(64);
    format!("123456789012.dkr.ecr.us-west-2.amazonaws.com/colorteller@sha256:{digest}")
}

/// Answers whatever only an account knows with the question.
struct Anything(BoundParameters);

impl Scope for Anything {
    fn parameter(&self, name: &str) -> Option<Value> {
        Some(self.0.get(name)?.value())
    }

    fn pseudo(&self, name: &str) -> Option<String> {
        Some(match name {
            "AWS::Region" => "us-west-2".to_owned(),
            "AWS::AccountId" => "123456789012".to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            other => other.to_owned(),
        })
    }

    fn resource(&self, id: &LogicalId) -> Option<String> {
        Some(id.to_string())
    }

    fn attribute(&self, id: &LogicalId, _: &str) -> Option<Value> {
        Some(json!(id.to_string()))
    }

    fn import(&self, name: &str) -> Option<String> {
        Some(name.to_owned())
    }

    fn zones(&self) -> Vec<String> {
        vec!["us-west-2a".to_owned(), "us-west-2b".to_owned()]
    }
}
