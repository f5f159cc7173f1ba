//! The `Parameters` section.

use super::Reader;
use crate::template::{Parameter, ParameterType};
use crate::yaml::{Key, Node};

impl Reader<'_> {
    pub(super) fn parameter(&mut self, key: &Key, node: &Node) -> Option<Parameter> {
        let entries = self.map_of(node, &format!("parameter `{}`", key.text))?;
        let Some(type_node) = node.get("Type") else {
            let message =
                "Template format error: Every Parameters object must contain a Type member.";
            self.advise(key.span, message, "add `Type: String`");
            return None;
        };
        let type_name = self.text(type_node, "`Type`")?;
        let parameter_type = match ParameterType::try_from(type_name.as_str()) {
            Ok(parameter_type) => parameter_type,
            Err(error) => {
                self.error(type_node.span, error.to_string());
                return None;
            }
        };
        let mut parameter = Parameter {
            parameter_type,
            default: None,
            allowed_values: Vec::new(),
            allowed_pattern: None,
            constraint_description: None,
            min_length: None,
            max_length: None,
            min_value: None,
            max_value: None,
            no_echo: false,
            description: None,
            span: key.span,
        };
        for (attribute, node) in entries {
            self.parameter_attribute(&mut parameter, attribute, node);
        }
        Some(parameter)
    }

    fn parameter_attribute(&mut self, parameter: &mut Parameter, key: &Key, node: &Node) {
        let what = format!("`{}`", key.text);
        match key.text.as_str() {
            "Type" => {}
            "Default" => parameter.default = self.text(node, &what),
            "Description" => parameter.description = self.text(node, &what),
            "ConstraintDescription" => parameter.constraint_description = self.text(node, &what),
            "AllowedPattern" => parameter.allowed_pattern = self.text(node, &what),
            "AllowedValues" => {
                if let Err(diagnostic) = node.expect_list(self.source, &what) {
                    self.found.push(diagnostic);
                }
                parameter.allowed_values = node
                    .items()
                    .iter()
                    .filter_map(|item| self.text(item, "an allowed value"))
                    .collect();
            }
            "MinLength" => parameter.min_length = self.parsed(node, &what),
            "MaxLength" => parameter.max_length = self.parsed(node, &what),
            "MinValue" => parameter.min_value = self.parsed(node, &what),
            "MaxValue" => parameter.max_value = self.parsed(node, &what),
            "NoEcho" => parameter.no_echo = self.parsed(node, &what).unwrap_or(false),
            name => {
                let message = format!("Invalid template parameter property '{name}'");
                self.error(key.span, message);
            }
        }
    }

    /// A number or truth value, quoted or not, as CloudFormation takes them.
    fn parsed<T: std::str::FromStr>(&mut self, node: &Node, what: &str) -> Option<T> {
        let text = self.text(node, what)?;
        let parsed = text.to_ascii_lowercase().parse().ok();
        if parsed.is_none() {
            self.error(node.span, format!("{what} cannot be `{text}`"));
        }
        parsed
    }
}
