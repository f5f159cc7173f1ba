//! The place in a template that the service does not take as a whole.

use super::origin::{Origin, Places, Property, collect, named};
use crate::yaml::Node;

impl Places {
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeMap;

    use super::*;
    use crate::plan::samples::rendered;
    use crate::stack::Role;

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
}
