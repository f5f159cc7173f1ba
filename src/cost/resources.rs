//! The resources that rendered stacks come to.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::diag::{Diagnostic, Diagnostics, Source};
use crate::stack::{ParameterValue, RenderedStack};
use crate::template::{BoundParameters, LogicalId, Scope, Template};

/// A resource that would be made. What only the account knows stands for
/// itself: an import is its name, a reference the logical id.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub(super) stack: String,
    pub(super) logical_id: String,
    pub(super) resource_type: String,
    pub(super) properties: Value,
}

/// All resources of the stacks.
pub(super) fn resources(stacks: &[RenderedStack]) -> Result<Vec<Resource>, Diagnostics> {
    let mut all = Vec::new();
    for stack in stacks {
        add(stack, &mut all)?;
    }
    Ok(all)
}

fn add(stack: &RenderedStack, all: &mut Vec<Resource>) -> Result<(), Diagnostics> {
    let source = Source::new(stack.role.file_name(), stack.template.as_str());
    let template = Template::parse(&Arc::new(source))?;
    let refused = |error: &dyn std::error::Error| -> Diagnostics {
        Diagnostic::error(format!("the {} stack: {error}", stack.role)).into()
    };
    let bound = template
        .check_parameters(&given(stack))
        .map_err(|error| refused(&error))?;
    let scope = Anything(bound);
    for (id, resource) in &template.resources {
        let wanted = template.wants(resource, &scope);
        if !wanted.map_err(|error| refused(&error))? {
            continue;
        }
        let properties = template.evaluate(&resource.properties, &scope);
        all.push(Resource {
            stack: stack.name.to_string(),
            logical_id: id.to_string(),
            resource_type: resource.resource_type.clone(),
            properties: properties.map_err(|error| refused(&error))?,
        });
    }
    Ok(())
}

fn given(stack: &RenderedStack) -> BTreeMap<String, String> {
    let text = |value: &ParameterValue| match value {
        ParameterValue::Known(value) => value.clone(),
        ParameterValue::AppImage | ParameterValue::PushedImage(_) => "image".to_owned(),
    };
    stack
        .parameters
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

/// Answers whatever only an account knows with the question.
struct Anything(BoundParameters);

impl Scope for Anything {
    fn parameter(&self, name: &str) -> Option<Value> {
        Some(self.0.get(name)?.value())
    }

    fn pseudo(&self, name: &str) -> Option<String> {
        Some(name.to_owned())
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
        ["a", "b", "c"].map(str::to_owned).into()
    }
}

// === impl Resource ===

impl Resource {
    /// A property that is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.properties.get(name)?.as_str()
    }

    /// The entries of a property that is a list; none when it is not there.
    pub(super) fn list(&self, name: &str) -> &[Value] {
        let list = self.properties.get(name).and_then(Value::as_array);
        list.map_or(&[], Vec::as_slice)
    }

    /// A property that is a number, also when it is written as text.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        number(self.properties.get(name)?)
    }
}

/// A number, also when it is written as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// A truth, also when it is written as text.
pub(super) fn truth(value: &Value) -> bool {
    value.as_bool().unwrap_or(value == "true")
}
