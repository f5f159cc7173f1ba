//! The `Resources` section.

use indexmap::IndexMap;

use super::Reader;
use crate::diag::nearest;
use crate::template::{DeletionPolicy, Expr, LogicalId, Resource};
use crate::yaml::{Key, Node, Value};

const ATTRIBUTES: [&str; 9] = [
    "Type",
    "Properties",
    "DependsOn",
    "Condition",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Metadata",
    "CreationPolicy",
    "UpdatePolicy",
];

impl Reader<'_> {
    pub(super) fn resources(&mut self, node: &Node) -> IndexMap<LogicalId, Resource> {
        let mut resources = IndexMap::new();
        if node.is_null() || !matches!(node.value, Value::Map(_)) {
            let message = "Template format error: At least one Resources member must be defined.";
            self.advise(
                node.span,
                message,
                "`Resources` is a map of logical id to resource",
            );
            return resources;
        }
        for (key, node) in node.entries() {
            match LogicalId::try_from(key.text.as_str()) {
                Err(_) => self.bad_name("Resource", key),
                Ok(id) => {
                    if let Some(resource) = self.resource(key, node) {
                        resources.insert(id, resource);
                    }
                }
            }
        }
        resources
    }

    fn resource(&mut self, key: &Key, node: &Node) -> Option<Resource> {
        if !matches!(node.value, Value::Map(_)) || node.tag.is_some() {
            let message = "Template format error: Any Resources member must be an object.";
            self.advise(
                node.span,
                message,
                format!("give `{}` a Type and Properties", key.text),
            );
            return None;
        }
        let Some(type_node) = node.get("Type") else {
            let message = format!(
                "Template format error: [/Resources/{}] Every Resources object must contain a Type member.",
                key.text
            );
            self.advise(key.span, message, "add `Type`");
            return None;
        };
        let mut resource = Resource {
            resource_type: self.text(type_node, "`Type`")?,
            properties: Expr::empty_map(key.span),
            depends_on: Vec::new(),
            condition: None,
            deletion_policy: DeletionPolicy::default(),
            update_replace_policy: DeletionPolicy::default(),
            span: key.span,
            type_span: type_node.span,
            depends_on_spans: Vec::new(),
            condition_span: key.span,
        };
        for (attribute, node) in node.entries() {
            self.resource_attribute(&mut resource, attribute, node);
        }
        Some(resource)
    }

    fn resource_attribute(&mut self, resource: &mut Resource, key: &Key, node: &Node) {
        match key.text.as_str() {
            "Type" | "Metadata" | "CreationPolicy" | "UpdatePolicy" => {}
            "Properties" => {
                if self.map_of(node, "`Properties`").is_some() {
                    resource.properties = self.expression(node);
                }
            }
            "DependsOn" => {
                let items = match &node.value {
                    Value::List(items) => items.as_slice(),
                    Value::Null | Value::Scalar(_) | Value::Map(_) => std::slice::from_ref(node),
                };
                for item in items {
                    self.depends_on(resource, item);
                }
            }
            "Condition" => {
                resource.condition = self.text(node, "`Condition`");
                resource.condition_span = node.span;
            }
            "DeletionPolicy" => resource.deletion_policy = self.policy(node, &key.text),
            "UpdateReplacePolicy" => resource.update_replace_policy = self.policy(node, &key.text),
            name => {
                let help = nearest(name, ATTRIBUTES.into_iter()).map_or_else(
                    || {
                        format!(
                            "when it is a property, put it under `Properties`; a resource has {}",
                            ATTRIBUTES.join(", ")
                        )
                    },
                    |near| format!("did you mean `{near}`?"),
                );
                self.advise(
                    key.span,
                    format!("Invalid template resource property '{name}'"),
                    help,
                );
            }
        }
    }

    fn depends_on(&mut self, resource: &mut Resource, node: &Node) {
        let Some(name) = self.text(node, "`DependsOn`") else {
            return;
        };
        match LogicalId::try_from(name) {
            Ok(id) => {
                resource.depends_on.push(id);
                resource.depends_on_spans.push(node.span);
            }
            Err(error) => {
                self.error(
                    node.span,
                    format!("Template format error: DependsOn {error}"),
                );
            }
        }
    }

    fn policy(&mut self, node: &Node, attribute: &str) -> DeletionPolicy {
        let Some(name) = self.text(node, &format!("`{attribute}`")) else {
            return DeletionPolicy::default();
        };
        DeletionPolicy::from_name(&name).unwrap_or_else(|| {
            let message = format!("Template format error: Unrecognized {attribute} {name}");
            self.advise(
                node.span,
                message,
                "write Delete, Retain, RetainExceptOnCreate or Snapshot",
            );
            DeletionPolicy::default()
        })
    }
}
