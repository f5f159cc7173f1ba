//! The sections of a template.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::Reader;
use crate::diag::nearest;
use crate::template::{Mapping, Output, Template};
use crate::yaml::{Key, Node, to_json};

const SECTIONS: [&str; 7] = [
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Mappings",
    "Conditions",
    "Resources",
];
const UNSUPPORTED: [&str; 3] = ["Transform", "Rules", "Hooks"];

impl Reader<'_> {
    pub(super) fn template(&mut self, root: &Node) -> Template {
        let mut template = Template {
            source: Arc::clone(self.source),
            description: None,
            parameters: IndexMap::new(),
            mappings: IndexMap::new(),
            conditions: IndexMap::new(),
            resources: IndexMap::new(),
            outputs: IndexMap::new(),
        };
        if root.expect_map(self.source, "a template").is_err() {
            self.advise(
                root.span,
                "Template format error: unsupported structure.",
                "a template is a map of sections",
            );
            return template;
        }
        for (key, node) in root.entries() {
            if key.text != "Metadata" {
                self.refuse_nulls(node, &mut vec![&key.text]);
            }
        }
        if self.found.has_errors() {
            return template;
        }
        for (key, node) in root.entries() {
            self.section(&mut template, key, node);
        }
        if template.resources.is_empty() && !self.found.has_errors() {
            let message = "Template format error: At least one Resources member must be defined.";
            self.advise(
                root.get("Resources").unwrap_or(root).span,
                message,
                "add a resource under `Resources`",
            );
        }
        template
    }

    fn section(&mut self, template: &mut Template, key: &Key, node: &Node) {
        match key.text.as_str() {
            "AWSTemplateFormatVersion" if node.as_str() == Some("2010-09-09") => {}
            "AWSTemplateFormatVersion" => {
                let message =
                    "Template format error: unsupported value for AWSTemplateFormatVersion.";
                self.advise(node.span, message, "write `2010-09-09`");
            }
            "Description" => template.description = self.text(node, "`Description`"),
            "Metadata" => {}
            "Parameters" => template.parameters = self.members(node, "Parameter", Self::parameter),
            "Mappings" => template.mappings = self.members(node, "Mapping", Self::mapping),
            "Conditions" => {
                template.conditions =
                    self.members(node, "Condition", |reader, _, node| reader.condition(node));
            }
            "Resources" => template.resources = self.resources(node),
            "Outputs" => template.outputs = self.members(node, "Output", Self::output),
            name if UNSUPPORTED.contains(&name) => {
                self.advise(
                    key.span,
                    format!("`{name}` is not supported"),
                    "write out what it would produce",
                );
            }
            name => {
                let known = SECTIONS.into_iter().chain(["Outputs"]);
                let help = nearest(name, known.clone()).map_or_else(
                    || format!("sections are {}", known.collect::<Vec<_>>().join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                self.advise(
                    key.span,
                    format!("Invalid template property or properties [{name}]"),
                    help,
                );
            }
        }
    }

    /// The entries of a section whose names are letters and digits.
    fn members<T>(
        &mut self,
        node: &Node,
        what: &str,
        read: impl Fn(&mut Self, &Key, &Node) -> Option<T>,
    ) -> IndexMap<String, T> {
        let mut members = IndexMap::new();
        let entries = match node.expect_map(self.source, &format!("`{what}s`")) {
            Ok(entries) => entries,
            Err(diagnostic) => {
                self.found.push(diagnostic);
                return members;
            }
        };
        for (key, node) in entries {
            if key.text.is_empty() || !key.text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                self.bad_name(what, key);
            }
            if let Some(member) = read(self, key, node) {
                members.insert(key.text.clone(), member);
            }
        }
        members
    }

    pub(super) fn bad_name(&mut self, what: &str, key: &Key) {
        let message = format!(
            "Template format error: {what} name {} is non alphanumeric.",
            key.text
        );
        self.advise(key.span, message, "use letters and digits only");
    }

    fn mapping(&mut self, key: &Key, node: &Node) -> Option<Mapping> {
        let mut mapping = Mapping::new();
        for (top, row) in self.map_of(node, &format!("mapping `{}`", key.text))? {
            let mut values = IndexMap::new();
            for (second, value) in
                self.map_of(row, &format!("`{}` of mapping `{}`", top.text, key.text))?
            {
                let json = to_json(value);
                if json.is_object() || value.tag.is_some() {
                    let message = "Template format error: Every Mappings attribute must be a String or a List.";
                    self.advise(
                        value.span,
                        message,
                        "a mapping holds text or lists of text, no functions",
                    );
                }
                values.insert(second.text.clone(), mapping_value(json));
            }
            mapping.insert(top.text.clone(), values);
        }
        Some(mapping)
    }

    pub(super) fn map_of<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [(Key, Node)]> {
        match node.expect_map(self.source, what) {
            Ok(entries) => Some(entries),
            Err(diagnostic) => {
                self.found.push(diagnostic);
                None
            }
        }
    }

    fn output(&mut self, key: &Key, node: &Node) -> Option<Output> {
        let Some(value) = node.get("Value") else {
            let message = "Template format error: Every Outputs member must contain a Value object";
            self.advise(key.span, message, "add `Value`");
            return None;
        };
        let mut output = Output {
            value: self.expression(value),
            export: None,
            condition: None,
            description: None,
            span: key.span,
            condition_span: key.span,
        };
        for (attribute, node) in node.entries() {
            match attribute.text.as_str() {
                "Value" => {}
                "Description" => output.description = self.text(node, "`Description`"),
                "Condition" => {
                    output.condition = self.text(node, "`Condition`");
                    output.condition_span = node.span;
                }
                "Export" => output.export = self.export_name(node),
                name => {
                    let message =
                        format!("Template format error: Invalid output property '{name}'");
                    self.advise(
                        attribute.span,
                        message,
                        "an output has Value, Description, Condition and Export",
                    );
                }
            }
        }
        Some(output)
    }

    fn export_name(&mut self, node: &Node) -> Option<crate::template::Expr> {
        let [(key, name)] = node.entries() else {
            self.advise(
                node.span,
                "Template format error: Every Export must contain a Name",
                "write `Export: { Name: … }`",
            );
            return None;
        };
        if key.text != "Name" {
            self.advise(
                key.span,
                "Template format error: Every Export must contain a Name",
                "write `Export: { Name: … }`",
            );
            return None;
        }
        Some(self.expression(name))
    }
}

/// Mappings hold text: numbers and truth values become it.
fn mapping_value(json: Json) -> Json {
    match json {
        Json::Number(number) => Json::String(number.to_string()),
        Json::Bool(truth) => Json::String(truth.to_string()),
        Json::Array(items) => items.into_iter().map(mapping_value).collect(),
        Json::Null | Json::String(_) | Json::Object(_) => json,
    }
}
