//! The place in a template that a failure comes from.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::Serialize;

use crate::diag::Source;
use crate::stack::RenderedStack;
use crate::yaml::{self, Key, Node};

/// The shortest value that is looked for in a reason: shorter ones are in many.
const TELLING: usize = 4;

/// A place in a template, as `render` writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The file: `templates/ecs-service.yaml`.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The property, where the reason tells which: `LoadBalancers[0].ContainerPort`.
    pub property: Option<String>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(property) = &self.property {
            write!(f, "`{property}`, ")?;
        }
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The template of a stack, read once somebody wants to know.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(pub(super) Option<Arc<Template>>);

#[derive(Debug)]
pub(super) struct Template {
    source: Arc<Source>,
    parameters: BTreeMap<String, String>,
    tree: OnceLock<Option<Node>>,
}

// === impl Places ===

impl Places {
    /// Of a stack whose parameters have these values.
    pub(super) fn of(stack: &RenderedStack, parameters: BTreeMap<String, String>) -> Self {
        let file = format!("templates/{}", stack.role.file_name());
        Self(Some(Arc::new(Template {
            source: Arc::new(Source::new(file, stack.template.as_str())),
            parameters,
            tree: OnceLock::new(),
        })))
    }

    /// Where a resource that failed for this reason stands.
    pub(super) fn find(&self, logical_id: &str, reason: &str) -> Option<Origin> {
        let template = self.0.as_deref()?;
        let tree = template.tree()?;
        let resources = tree.get("Resources")?.entries();
        let (key, resource) = resources.iter().find(|(key, _)| key.text == logical_id)?;
        let mut found = Vec::new();
        if let Some(properties) = resource.get("Properties") {
            collect("", properties, &mut found);
        }
        let property = named(&found, reason)
            .or_else(|| template.by_value(&found, reason))
            .or_else(|| mentioned(&found, reason));
        Some(template.origin(key, property))
    }
}

/// A property with its path.
pub(super) struct Property<'t> {
    pub(super) path: String,
    pub(super) key: &'t Key,
    pub(super) node: &'t Node,
}

// === impl Template ===

impl Template {
    pub(super) fn tree(&self) -> Option<&Node> {
        let tree = self.tree.get_or_init(|| yaml::parse(&self.source).ok());
        tree.as_ref()
    }

    /// The place of a property, or of a key.
    pub(super) fn origin(&self, key: &Key, property: Option<&Property<'_>>) -> Origin {
        let start = property.map_or(key.span.start, |property| property.key.span.start);
        Origin {
            file: self.source.name.clone(),
            line: self.source.position(start).line,
            property: property.map(|property| property.path.clone()),
        }
    }

    /// The property whose value the reason quotes.
    fn by_value<'p, 't>(
        &self,
        found: &'p [Property<'t>],
        reason: &str,
    ) -> Option<&'p Property<'t>> {
        let quotes = |property: &&Property<'_>| {
            self.value(property.node)
                .is_some_and(|value| value.len() >= TELLING && has_word(reason, value))
        };
        found
            .iter()
            .filter(quotes)
            .max_by_key(|property| self.value(property.node).map(str::len).unwrap_or_default())
    }

    /// A scalar, or the value of the parameter that is referred to.
    fn value<'t>(&'t self, node: &'t Node) -> Option<&'t str> {
        let referred = match node.tag.as_deref() {
            Some("!Ref") => node.as_str(),
            Some(_) => return None,
            None => match node.get("Ref") {
                Some(name) => name.as_str(),
                None => return node.as_str(),
            },
        };
        self.parameters.get(referred?).map(String::as_str)
    }
}

/// Every property of a tree, the outer before the inner.
pub(super) fn collect<'t>(path: &str, node: &'t Node, found: &mut Vec<Property<'t>>) {
    for (key, inner) in node.entries() {
        let dot = if path.is_empty() { "" } else { "." };
        let path = format!("{path}{dot}{}", key.text);
        found.push(Property {
            path: path.clone(),
            key,
            node: inner,
        });
        collect(&path, inner, found);
    }
    for (place, item) in node.items().iter().enumerate() {
        collect(&format!("{path}[{place}]"), item, found);
    }
}

/// The property that the reason names by its path, as CloudFormation's own
/// checks do: `{/A/0/B}`, `#/A/0/B` or `/Properties/A/0/B`.
pub(super) fn named<'p, 't>(found: &'p [Property<'t>], reason: &str) -> Option<&'p Property<'t>> {
    let written = |property: &&Property<'_>| {
        let path = format!(
            "/{}",
            property.path.replace(['.', '['], "/").replace(']', "")
        );
        has_word(reason, &path)
    };
    found
        .iter()
        .filter(written)
        .max_by_key(|property| property.path.len())
}

/// The property whose name the reason mentions; of several the longest name,
/// which is the least likely to be there by chance.
fn mentioned<'p, 't>(found: &'p [Property<'t>], reason: &str) -> Option<&'p Property<'t>> {
    let text = reason.to_lowercase();
    let mentions = |property: &&Property<'_>| {
        let name = property.key.text.to_lowercase();
        name.len() >= TELLING && has_word(&text, &name)
    };
    found
        .iter()
        .filter(mentions)
        .max_by_key(|property| property.key.text.len())
}

/// Whether `word` stands in `text` with no letter or digit beside it.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        let inner = word.starts_with('/');
        (inner || !before.is_some_and(char::is_alphanumeric))
            && !after.is_some_and(|next| next.is_alphanumeric() || next == '/' && inner)
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::plan::samples::rendered;
    use crate::stack::Role;

    const TEMPLATE: &str = "\
Parameters:
  Key: {Type: String}
Resources:
  Host:
    Type: AWS::EC2::Instance
    Properties:
      ImageId: ami-0123
      KeyName: !Ref Key
      Tags:
        - Key: Name
          Value: bastion-host
  Rule:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      Priority: 1
      Actions:
        - Type: forward
          TargetGroupArn: {Ref: Key}
";

    fn found(logical_id: &str, reason: &str) -> String {
        let stack = rendered("s", Role::EcsCluster, TEMPLATE);
        let parameters = BTreeMap::from([("Key".to_owned(), "color-app".to_owned())]);
        let places = Places::of(&stack, parameters);
        places
            .find(logical_id, reason)
            .map_or_else(|| "nowhere".to_owned(), |origin| origin.to_string())
    }

    #[test]
    fn the_property_is_found_by_what_the_service_says_of_it() {
        for (logical_id, reason, expected) in [
            (
                "Host",
                "The image id '[ami-0123]' does not exist",
                "`ImageId`, templates/ecs-cluster.yaml:7",
            ),
            (
                "Host",
                "The key pair 'color-app' does not exist (Service: Ec2, Status Code: 400)",
                "`KeyName`, templates/ecs-cluster.yaml:8",
            ),
            (
                "Rule",
                "Properties validation failed for resource Rule with message: #/Actions/0/Type: forward is not a valid enum value",
                "`Actions[0].Type`, templates/ecs-cluster.yaml:17",
            ),
            (
                "Rule",
                "Property validation failure: [The property {/Priority} is required]",
                "`Priority`, templates/ecs-cluster.yaml:15",
            ),
            (
                "Rule",
                "Priority '1' is currently in use",
                "`Priority`, templates/ecs-cluster.yaml:15",
            ),
            ("Host", "internal failure", "templates/ecs-cluster.yaml:4"),
            ("Gone", "internal failure", "nowhere"),
        ] {
            assert_eq!(found(logical_id, reason), expected, "{reason}");
        }
    }

    #[test]
    fn every_resource_of_our_templates_has_its_line() {
        let stacks = crate::stack::render(&crate::config::Config::default()).unwrap();
        for stack in stacks {
            let source = Arc::new(Source::new("t", stack.template.as_str()));
            let tree = yaml::parse(&source).unwrap();
            let places = Places::of(&stack, BTreeMap::new());
            for (key, _) in tree.get("Resources").unwrap().entries() {
                let origin = places.find(&key.text, "").unwrap();
                let line = stack.template.lines().nth(origin.line - 1).unwrap();
                assert_eq!(line.trim(), format!("{}:", key.text), "{origin}");
            }
        }
    }
}
