//! Templates without what an emulator lacks, and without what needs that.

use std::collections::BTreeSet;
use std::sync::Arc;

use colormesh::diag::Source;
use colormesh::stack::RenderedStack;
use colormesh::yaml;
use serde_json::{Map, Value};

/// What an emulator lacks.
#[derive(Default)]
pub(super) struct Lacks {
    /// Types of resources.
    pub(super) types: &'static [&'static str],
    /// Attributes of types, as `Type.Attribute`.
    pub(super) attributes: &'static [&'static str],
}

/// The stacks that are left, each with what is left of it, and the names of
/// what was left out: a stack's when nothing of it is left.
pub(super) fn project(
    stacks: Vec<RenderedStack>,
    lacks: &Lacks,
) -> (Vec<RenderedStack>, BTreeSet<String>) {
    let (mut left, mut out) = (Vec::new(), BTreeSet::new());
    let mut exports = BTreeSet::new();
    for mut stack in stacks {
        let mut template = parsed(&stack);
        let gone = strip(&mut template, lacks, &mut exports);
        let role = stack.role.as_str();
        if section(&template, "Resources").is_empty() {
            out.insert(role.to_owned());
            continue;
        }
        out.extend(gone.iter().map(|name| format!("{role}/{name}")));
        stack.imports.retain(|name| !exports.contains(name));
        stack.exports.retain(|name| !exports.contains(name));
        stack.template = template.to_string();
        left.push(stack);
    }
    (left, out)
}

fn parsed(stack: &RenderedStack) -> Value {
    let source = Source::new(stack.role.file_name(), stack.template.as_str());
    yaml::to_json(&yaml::parse(&Arc::new(source)).unwrap())
}

fn section<'a>(template: &'a Value, name: &str) -> Vec<(&'a String, &'a Value)> {
    let section = template[name].as_object();
    section.into_iter().flat_map(Map::iter).collect()
}

/// Takes out what the emulator lacks until nothing left needs it.
fn strip(template: &mut Value, lacks: &Lacks, exports: &mut BTreeSet<String>) -> BTreeSet<String> {
    // An output may have the name of a parameter, and nothing refers to it.
    let (mut gone, mut outputs) = (BTreeSet::new(), BTreeSet::new());
    let attributes: Vec<(String, String)> = section(template, "Resources")
        .into_iter()
        .flat_map(|(name, resource)| {
            let kind = resource["Type"].as_str().unwrap().to_owned();
            let lacking = lacks.attributes.iter().filter_map(move |each| {
                let (of, attribute) = each.split_once('.').unwrap();
                (of == kind).then_some(attribute)
            });
            lacking.map(move |attribute| (name.clone(), attribute.to_owned()))
        })
        .collect();
    loop {
        let mut found = BTreeSet::new();
        for kind in ["Resources", "Outputs"] {
            for (name, each) in section(template, kind) {
                let lacking = each["Type"]
                    .as_str()
                    .is_some_and(|of| lacks.types.contains(&of));
                if lacking || needs(each, &gone, &attributes, exports) {
                    found.insert((kind, name.clone()));
                }
            }
        }
        if found.is_empty() {
            gone.append(&mut outputs);
            return gone;
        }
        for (kind, name) in found {
            let removed = template[kind]
                .as_object_mut()
                .unwrap()
                .remove(&name)
                .unwrap();
            if kind == "Outputs" {
                exports.extend(export(&removed));
                outputs.insert(name);
            } else {
                gone.insert(name);
            }
        }
        without_order(template, &gone);
    }
}

/// `<environment>:<what>`, as our templates name what they export.
fn export(output: &Value) -> Option<String> {
    let name = output["Export"]["Name"]["Fn::Sub"].as_str()?;
    Some(name.replace("${EnvironmentName}", "AppMeshExternalExample"))
}

/// Whether a part of a template names something that is gone.
fn needs(
    part: &Value,
    gone: &BTreeSet<String>,
    attributes: &[(String, String)],
    exports: &BTreeSet<String>,
) -> bool {
    let named = |name: &str| gone.contains(name);
    let attribute = |name: &str, attribute: &str| {
        named(name) || attributes.contains(&(name.to_owned(), attribute.to_owned()))
    };
    match part {
        Value::Object(entries) => entries.iter().any(|(key, value)| match key.as_str() {
            "Ref" => value.as_str().is_some_and(named),
            "Fn::GetAtt" => {
                let path = match value {
                    Value::Array(path) => path.iter().filter_map(Value::as_str).collect(),
                    _ => value
                        .as_str()
                        .unwrap_or_default()
                        .splitn(2, '.')
                        .collect::<Vec<_>>(),
                };
                attribute(path[0], path.get(1).copied().unwrap_or_default())
            }
            "Fn::Sub" => {
                let text = value
                    .as_str()
                    .or_else(|| value[0].as_str())
                    .unwrap_or_default();
                let names = text
                    .split("${")
                    .skip(1)
                    .filter_map(|rest| rest.split('}').next());
                names.into_iter().any(|name| match name.split_once('.') {
                    Some((name, of)) => attribute(name, of),
                    None => named(name),
                }) || needs(&value[1], gone, attributes, exports)
            }
            "Fn::ImportValue" => {
                let name = value["Fn::Sub"].as_str().or_else(|| value.as_str());
                let name = name.unwrap_or_default();
                exports.contains(&name.replace("${EnvironmentName}", "AppMeshExternalExample"))
            }
            "DependsOn" => false,
            _ => needs(value, gone, attributes, exports),
        }),
        Value::Array(items) => items
            .iter()
            .any(|item| needs(item, gone, attributes, exports)),
        _ => false,
    }
}

/// Takes what is gone out of the orders that resources ask for.
fn without_order(template: &mut Value, gone: &BTreeSet<String>) {
    let resources = template["Resources"].as_object_mut().unwrap();
    for resource in resources.values_mut().filter_map(Value::as_object_mut) {
        let Some(order) = resource.remove("DependsOn") else {
            continue;
        };
        let names = match order {
            Value::Array(names) => names,
            name => vec![name],
        };
        let is_there = |name: &Value| name.as_str().is_some_and(|name| !gone.contains(name));
        let names: Vec<Value> = names.into_iter().filter(is_there).collect();
        if !names.is_empty() {
            resource.insert("DependsOn".to_owned(), Value::Array(names));
        }
    }
}
