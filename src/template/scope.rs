//! Where values come from that no template holds.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{BoundParameters, LogicalId};

/// The values around a template. `None` means that there is none, which is an
/// error only where the template asks for it.
pub trait Scope {
    /// A parameter's value, an SSM parameter already looked up.
    fn parameter(&self, name: &str) -> Option<Json>;
    /// The value of an `AWS::` name; `AWS::NotificationARNs` with commas.
    fn pseudo(&self, name: &str) -> Option<String>;
    /// What `Ref` to a resource gives: its physical id.
    fn resource(&self, id: &LogicalId) -> Option<String>;
    /// An attribute of a resource.
    fn attribute(&self, id: &LogicalId, attribute: &str) -> Option<Json>;
    /// The value that another stack exports under a name.
    fn import(&self, name: &str) -> Option<String>;
    /// The availability zones of the region.
    fn zones(&self) -> Vec<String>;
}

/// A scope of fixed values. Without `resources` it answers from parameters
/// alone.
#[derive(Debug, Clone, Default)]
pub struct StaticScope {
    /// Parameters.
    pub parameters: BTreeMap<String, Json>,
    /// `AWS::` names.
    pub pseudo: BTreeMap<String, String>,
    /// Physical ids by logical id.
    pub resources: BTreeMap<String, String>,
    /// Attributes by logical id and name.
    pub attributes: BTreeMap<(String, String), Json>,
    /// Exports of other stacks.
    pub imports: BTreeMap<String, String>,
    /// Availability zones.
    pub zones: Vec<String>,
}

// === impl StaticScope ===

impl StaticScope {
    /// A scope of these parameters.
    pub fn new(bound: &BoundParameters) -> Self {
        let parameters = bound
            .iter()
            .map(|(name, value)| (name.clone(), value.value()))
            .collect();
        Self {
            parameters,
            ..Self::default()
        }
    }

    /// Sets an `AWS::` name.
    #[must_use]
    pub fn pseudo(mut self, name: &str, value: impl Into<String>) -> Self {
        self.pseudo.insert(name.to_owned(), value.into());
        self
    }
}

impl Scope for StaticScope {
    fn parameter(&self, name: &str) -> Option<Json> {
        self.parameters.get(name).cloned()
    }

    fn pseudo(&self, name: &str) -> Option<String> {
        self.pseudo.get(name).cloned()
    }

    fn resource(&self, id: &LogicalId) -> Option<String> {
        self.resources.get(id.as_str()).cloned()
    }

    fn attribute(&self, id: &LogicalId, attribute: &str) -> Option<Json> {
        self.attributes
            .get(&(id.to_string(), attribute.to_owned()))
            .cloned()
    }

    fn import(&self, name: &str) -> Option<String> {
        self.imports.get(name).cloned()
    }

    fn zones(&self) -> Vec<String> {
        self.zones.clone()
    }
}
