//! The reader itself: where a template is read and its mistakes are collected.

use std::sync::Arc;

use crate::diag::{Diagnostic, Diagnostics, Source, Span};
use crate::template::Template;
use crate::yaml::{self, Node};

impl Template {
    /// Reads a template, YAML or JSON, and checks that each name in it
    /// resolves and that nothing depends on itself.
    pub fn parse(source: &Arc<Source>) -> Result<Self, Diagnostics> {
        let root = yaml::parse(source).map_err(|found| malformed(source, found))?;
        let mut reader = Reader {
            source,
            found: Diagnostics::default(),
        };
        let template = reader.template(&root);
        let mut found = reader.found;
        if !found.has_errors() {
            found.extend(template.check());
        }
        found.into_result(template)
    }
}

/// Reads nodes and collects what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) source: &'a Arc<Source>,
    pub(super) found: Diagnostics,
}

impl Reader<'_> {
    /// Notes an error and hands back its place in the list, for advice.
    pub(super) fn error(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.found
            .push(Diagnostic::error(message).at(self.source, span));
        self.found.0.last_mut().expect("one was just pushed")
    }

    /// Notes an error with a line of advice.
    pub(super) fn advise(
        &mut self,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.error(span, message).help = Some(help.into());
    }

    /// The text of a scalar, or a noted error.
    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        if node.tag.is_some() {
            self.advise(
                node.span,
                format!("{what} must be text"),
                "intrinsic functions are not allowed here",
            );
            return None;
        }
        match node.expect_str(self.source, what) {
            Ok(text) => Some(text.to_owned()),
            Err(diagnostic) => {
                self.found.push(diagnostic);
                None
            }
        }
    }
}

/// Says what the parser said in CloudFormation's words.
fn malformed(source: &Arc<Source>, mut found: Diagnostics) -> Diagnostics {
    let language = if source.text.trim_start().starts_with('{') {
        "JSON"
    } else {
        "YAML"
    };
    for each in &mut found.0 {
        if let Some(reason) = each
            .message
            .strip_prefix("not well-formed: ")
            .map(str::to_owned)
        {
            let place = source.position(each.span.map_or(0, |span| span.start));
            each.message = format!(
                "Template format error: {language} not well-formed. (line {}, column {})",
                place.line, place.column
            );
            each.label = Some(reason);
        } else {
            each.message = format!("Template format error: {}", each.message);
        }
    }
    found
}

#[cfg(test)]
pub(in crate::template) mod tests {
    use super::*;

    pub(in crate::template) fn source(text: &str) -> Arc<Source> {
        Arc::new(Source::new("template.yaml", text))
    }

    pub(in crate::template) fn template(text: &str) -> Template {
        Template::parse(&source(text)).unwrap_or_else(|found| panic!("{found}"))
    }

    /// The messages of a template that is refused, each with the text pointed
    /// at.
    pub(in crate::template) fn refused(text: &str) -> Vec<(String, String)> {
        let Err(found) = Template::parse(&source(text)) else {
            panic!("accepted: {text}")
        };
        let pointed = |span: Option<Span>| {
            span.map_or(String::new(), |span| text[span.start..span.end].to_owned())
        };
        found
            .0
            .into_iter()
            .map(|each| (each.message, pointed(each.span)))
            .collect()
    }

    pub(in crate::template) fn refusal(text: &str) -> (String, String) {
        refused(text).remove(0)
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one flat table")]
    fn what_is_malformed_is_told_in_cloudformations_words() {
        let cases = [
            (
                "- a",
                "- a",
                "Template format error: unsupported structure.",
            ),
            (
                "Resources: {}",
                "{}",
                "Template format error: At least one Resources member must be defined.",
            ),
            (
                "Description: x",
                "Description: x",
                "Template format error: At least one Resources member must be defined.",
            ),
            (
                "Resources: {A: x}",
                "x",
                "Template format error: Any Resources member must be an object.",
            ),
            (
                "Resources: {A: {}}",
                "A",
                "Template format error: [/Resources/A] Every Resources object must contain a Type member.",
            ),
            (
                "Resources: {x-y: {Type: T}}",
                "x-y",
                "Template format error: Resource name x-y is non alphanumeric.",
            ),
            (
                "Resources: {A: {Type: T, Invalid: 1}}",
                "Invalid",
                "Invalid template resource property 'Invalid'",
            ),
            (
                "Resources: {A: {Type: T, Properties: }}",
                "",
                "Template format error: [/Resources/A/Properties] 'null' values are not allowed in templates",
            ),
            (
                "Resources: {A: {Type: T, Properties: {p: [1, ~]}}}",
                "~",
                "Template format error: [/Resources/A/Properties/p/1] 'null' values are not allowed in templates",
            ),
            (
                "Resources: {A: {Type: T}}\nOutputs: {O: {Value: null}}",
                "null",
                "Template format error: [/Outputs/O/Value] 'null' values are not allowed in templates",
            ),
            (
                "Resources: {A: {Type: T}}\nOutputs: {O: {Description: x}}",
                "O",
                "Template format error: Every Outputs member must contain a Value object",
            ),
            (
                "Resources: {A: {Type: T}}\nOutputs: {o-p: {Value: x}}",
                "o-p",
                "Template format error: Output name o-p is non alphanumeric.",
            ),
            (
                "Resources: {A: {Type: T}}\nResource: {}",
                "Resource",
                "Invalid template property or properties [Resource]",
            ),
            (
                "Resources: {A: {Type: T}}\nTransform: x",
                "Transform",
                "`Transform` is not supported",
            ),
            (
                "AWSTemplateFormatVersion: 1\nResources: {A: {Type: T}}",
                "1",
                "Template format error: unsupported value for AWSTemplateFormatVersion.",
            ),
            (
                "Parameters: {P: {}}\nResources: {A: {Type: T}}",
                "P",
                "Template format error: Every Parameters object must contain a Type member.",
            ),
            (
                "Parameters: {P: {Type: Text}}\nResources: {A: {Type: T}}",
                "Text",
                "Template format error: Unrecognized parameter type: Text",
            ),
            (
                "Mappings: {M: {a: {b: {c: d}}}}\nResources: {A: {Type: T}}",
                "{c: d}",
                "Template format error: Every Mappings attribute must be a String or a List.",
            ),
            (
                "Resources: {A: {Type: T, DeletionPolicy: Keep}}",
                "Keep",
                "Template format error: Unrecognized DeletionPolicy Keep",
            ),
            (
                "Conditions: {C: x}\nResources: {A: {Type: T}}",
                "x",
                "Template format error: Every Conditions member must be a condition function",
            ),
            (
                "Conditions: {C: !Equals [a]}\nResources: {A: {Type: T}}",
                "[a]",
                "Template error: every Fn::Equals object requires a list of 2 string parameters.",
            ),
            (
                "Conditions: {C: !And [!Equals [a, a]]}\nResources: {A: {Type: T}}",
                "[!Equals [a, a]]",
                "Template error: every Fn::And object requires a list of at least 2 and at most 10 boolean parameters.",
            ),
            (
                "{\"Resources\": }}",
                "",
                "Template format error: JSON not well-formed. (line 1, column 16)",
            ),
            (
                "Resources: {A: {Type: T}\nb",
                "",
                "Template format error: YAML not well-formed. (line 2, column 1)",
            ),
        ];
        let found: Vec<_> = cases.iter().map(|(text, ..)| refusal(text)).collect();
        for ((text, pointed, message), found) in cases.iter().zip(found) {
            assert_eq!(
                found,
                ((*message).to_owned(), (*pointed).to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn all_mistakes_are_shown_with_advice() {
        let text = "Resources:\n  A: {Type: T, Propertys: {}}\n  B-C: {Type: T}\n";
        let Err(found) = Template::parse(&source(text)) else {
            panic!("accepted")
        };
        insta::assert_snapshot!(found, @r"
        error: Invalid template resource property 'Propertys'
         --> template.yaml:2:16
          |
        2 |   A: {Type: T, Propertys: {}}
          |                ^^^^^^^^^
          |
          = help: did you mean `Properties`?

        error: Template format error: Resource name B-C is non alphanumeric.
         --> template.yaml:3:3
          |
        3 |   B-C: {Type: T}
          |   ^^^
          |
          = help: use letters and digits only
        ");
    }
}
