//! What a stack exports and imports, by name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{ParameterValue, Role};
use crate::diag::{Diagnostics, Source};
use crate::yaml::{self, Node};

/// The names that a stack exports and imports.
#[derive(Default)]
pub(super) struct Links {
    pub(super) exports: BTreeSet<String>,
    pub(super) imports: BTreeSet<String>,
}

pub(super) fn links(
    role: Role,
    parameters: &BTreeMap<String, ParameterValue>,
) -> Result<Links, Diagnostics> {
    // What is written into a template imports and exports nothing.
    let source = Arc::new(Source::new(role.file_name(), role.template()));
    let tree = yaml::parse(&source)?;
    let mut links = Links::default();
    collect(&tree, parameters, &mut links);
    Ok(links)
}

fn collect(node: &Node, parameters: &BTreeMap<String, ParameterValue>, links: &mut Links) {
    for (key, value) in node.entries() {
        let names = match key.text.as_str() {
            "Fn::ImportValue" => &mut links.imports,
            "Export" => &mut links.exports,
            _ => {
                collect(value, parameters, links);
                continue;
            }
        };
        let name = value.get("Name").unwrap_or(value);
        names.extend(name.as_str().map(|name| substituted(name, parameters)));
    }
    for item in node.items() {
        collect(item, parameters, links);
    }
}

fn substituted(name: &str, parameters: &BTreeMap<String, ParameterValue>) -> String {
    let mut name = name.to_owned();
    for (parameter, value) in parameters {
        if let ParameterValue::Known(text) = value {
            name = name.replace(&format!("${{{parameter}}}"), text);
        }
    }
    name
}
