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
pub(super) struct Places(Option<Arc<Template>>);

#[derive(Debug)]
struct Template {
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

    /// What the service says a template as a whole is refused for: a place in
    /// it, a type, or a name that means nothing.
    pub(super) fn of_template(&self, reason: &str) -> Option<Origin> {
        let template = self.0.as_deref()?;
        let mut found = Vec::new();
        collect("", template.tree()?, &mut found);
        let property = named(&found, reason).or_else(|| {
            let mut names = listed(reason).into_iter();
            names.find_map(|name| unknown(&found, name, reason))
        });
        property.map(|property| template.origin(property.key, Some(property)))
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
struct Property<'t> {
    path: String,
    key: &'t Key,
    node: &'t Node,
}

// === impl Template ===

impl Template {
    fn tree(&self) -> Option<&Node> {
        let tree = self.tree.get_or_init(|| yaml::parse(&self.source).ok());
        tree.as_ref()
    }

    /// The place of a property, or of a key.
    fn origin(&self, key: &Key, property: Option<&Property<'_>>) -> Origin {
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
fn collect<'t>(path: &str, node: &'t Node, found: &mut Vec<Property<'t>>) {
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
fn named<'p, 't>(found: &'p [Property<'t>], reason: &str) -> Option<&'p Property<'t>> {
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

/// What a reason lists in its last brackets, or quotes.
fn listed(reason: &str) -> Vec<&str> {
    let inside = |open: char, close: char| {
        let (_, rest) = reason.split_once(open)?;
        rest.split_once(close).map(|(inside, _)| inside)
    };
    let listed = inside('[', ']').or_else(|| inside('\'', '\''));
    listed.map_or_else(Vec::new, |listed| listed.split(", ").collect())
}

/// Where a type stands that nobody knows, or a reference that leads nowhere;
/// else the thing of that name.
fn unknown<'p, 't>(
    found: &'p [Property<'t>],
    name: &str,
    reason: &str,
) -> Option<&'p Property<'t>> {
    let is_type = |property: &&Property<'_>| {
        property.path.starts_with("Resources.")
            && property.path.matches('.').count() == 2
            && property.key.text == "Type"
            && property.node.as_str() == Some(name)
    };
    let in_outputs = reason.contains("Outputs block");
    let leads_there = |property: &&Property<'_>| {
        property.path.starts_with("Outputs.") == in_outputs && refers(property, name)
    };
    let is_parameter = |property: &&Property<'_>| {
        reason.starts_with("Parameters: ") && property.path == format!("Parameters.{name}")
    };
    let mut here = found.iter();
    found
        .iter()
        .find(is_type)
        .or_else(|| found.iter().find(is_parameter))
        .or_else(|| {
            let deepest = found.iter().filter(leads_there);
            deepest.max_by_key(|property| property.path.matches(['.', '[']).count())
        })
        .or_else(|| here.find(|property| property.key.text == name))
}

/// Whether a property refers to a name, itself or in one of its items.
fn refers(property: &Property<'_>, name: &str) -> bool {
    let is_named = |text: &str| text == name || text.strip_prefix(name).is_some_and(is_attribute);
    let by_key = match property.key.text.as_str() {
        "Ref" | "DependsOn" => property.node.as_str() == Some(name),
        "Fn::GetAtt" => {
            let first = property.node.items().first().unwrap_or(property.node);
            first.as_str().is_some_and(is_named)
        }
        "Fn::Sub" => substitutes(property.node, name),
        _ => false,
    };
    let one = |node: &Node| match node.tag.as_deref() {
        Some("!Ref") => node.as_str() == Some(name),
        Some("!GetAtt") => {
            let first = node.items().first().unwrap_or(node);
            first.as_str().is_some_and(is_named)
        }
        Some("!Sub") => substitutes(node, name),
        Some(_) => false,
        None => property.key.text == "DependsOn" && node.as_str() == Some(name),
    };
    by_key || one(property.node) || property.node.items().iter().any(one)
}

fn is_attribute(rest: &str) -> bool {
    rest.starts_with('.')
}

fn substitutes(node: &Node, name: &str) -> bool {
    let text = node.items().first().unwrap_or(node).as_str();
    text.is_some_and(|text| {
        text.contains(&format!("${{{name}}}")) || text.contains(&format!("${{{name}."))
    })
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

    const REFUSED: &str = "\
Resources:
  A:
    Type: AWS::Logs::LogGroup
    Properties:
      RetentionInDays: !Ref Nights
      Tags:
        - Key: k
          Value: !Sub '${Gone.Arn}/x'
  B:
    Type: AWS::Log::LogGroup
    DependsOn: [A, C]
    Propertys: {}
Outputs:
  O: {Value: !GetAtt Lost.Arn}
Parameters:
  Days: {Type: Number}
";

    #[test]
    fn what_a_template_is_refused_for_has_its_line() {
        let stack = rendered("s", Role::Mesh, REFUSED);
        let places = Places::of(&stack, BTreeMap::new());
        let block = |name: &str, block: &str| {
            format!(
                "Template format error: Unresolved resource dependencies [{name}] in the {block} block of the template"
            )
        };
        for (reason, expected) in [
            (block("Nights", "Resources"), "`Resources.A.Properties.RetentionInDays`, templates/mesh.yaml:5"),
            (block("Gone", "Resources"), "`Resources.A.Properties.Tags[0].Value`, templates/mesh.yaml:8"),
            (block("C", "Resources"), "`Resources.B.DependsOn`, templates/mesh.yaml:11"),
            (block("Lost", "Outputs"), "`Outputs.O.Value`, templates/mesh.yaml:14"),
            (
                "Template format error: Unrecognized resource types: [AWS::Log::LogGroup]".into(),
                "`Resources.B.Type`, templates/mesh.yaml:10",
            ),
            (
                "Template format error: [/Resources/B] Every Resources object must contain a Type member.".into(),
                "`Resources.B`, templates/mesh.yaml:9",
            ),
            (
                "Invalid template resource property 'Propertys'".into(),
                "`Resources.B.Propertys`, templates/mesh.yaml:12",
            ),
            ("Circular dependency between resources: [A, B]".into(), "`Resources.B.DependsOn`, templates/mesh.yaml:11"),
            ("Parameters: [Days] must have values".into(), "`Parameters.Days`, templates/mesh.yaml:16"),
        ] {
            let origin = places.of_template(&reason).unwrap();
            assert_eq!(origin.to_string(), expected, "{reason}");
        }
        assert_eq!(places.of_template("Parameters: [P] must have values"), None);
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
