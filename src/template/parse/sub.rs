//! `Fn::Sub`: text with variables.

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::Reader;
use super::functions::{is_text, text_of};
use crate::diag::Span;
use crate::template::{Expr, Form, LogicalId, Part, Target};
use crate::yaml::{Node, Value};

impl Reader<'_> {
    /// Reads `text` or `[text, variables]`. The node may carry the tag.
    pub(super) fn sub(&mut self, node: &Node) -> Form {
        let mut variables = IndexMap::new();
        let template = match node.items() {
            [template, map]
                if is_text(template) && matches!(map.value, Value::Map(_)) && map.tag.is_none() =>
            {
                for (key, value) in map.entries() {
                    variables.insert(key.text.clone(), self.expression(value));
                }
                template
            }
            [template] if is_text(template) => template,
            [] if node.as_str().is_some() => node,
            _ => {
                let words = "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. \
                             Specify a string as first argument, and an optional second argument to specify a mapping \
                             of values to replace in the string";
                return self.misuse(node, words);
            }
        };
        let parts = self.parts(template, &variables);
        Form::Sub { parts, variables }
    }

    fn parts(&mut self, node: &Node, variables: &IndexMap<String, Expr>) -> Vec<Part> {
        let text = text_of(node);
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text.as_str();
        let mut places = Places {
            reader: self,
            node,
            from: node.span.start,
        };
        while let Some(start) = rest.find("${") {
            let Some(length) = rest[start..].find('}') else {
                break;
            };
            let name = &rest[start + 2..start + length];
            plain += &rest[..start];
            rest = &rest[start + length + 1..];
            if let Some(literal) = name.strip_prefix('!') {
                plain += "${";
                plain += literal;
                plain.push('}');
                continue;
            }
            let span = places.next(name);
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.extend(places.reader.variable(name, span, variables));
        }
        plain += rest;
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        parts
    }

    fn variable(
        &mut self,
        name: &str,
        span: Span,
        variables: &IndexMap<String, Expr>,
    ) -> Option<Part> {
        let name = name.trim();
        if variables.contains_key(name) {
            return Some(Part::Variable(name.to_owned()));
        }
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':');
        if name.is_empty() || !name.bytes().all(known) {
            let message = "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, \
                           underscores, periods, and colons";
            self.advise(span, message, "write `${!…}` for a literal `${…}`");
            return None;
        }
        let form = match name.split_once('.') {
            None => Form::Ref(Target::new(name)),
            Some((resource, attribute)) => match LogicalId::try_from(resource) {
                Ok(resource) => {
                    let attribute = Form::Literal(Json::String(attribute.to_owned()));
                    Form::GetAtt {
                        resource,
                        attribute: Box::new(Expr {
                            form: attribute,
                            span,
                        }),
                    }
                }
                Err(error) => {
                    self.error(span, format!("Template format error: {error}"));
                    return None;
                }
            },
        };
        Some(Part::Reference(Expr { form, span }))
    }
}

/// Finds variables in the text as it was written, one after the other; where
/// escapes hide one, its place is the whole text.
struct Places<'r, 'a, 'n> {
    reader: &'r mut Reader<'a>,
    node: &'n Node,
    from: usize,
}

impl Places<'_, '_, '_> {
    fn next(&mut self, name: &str) -> Span {
        let written = format!("${{{name}}}");
        let text = &self.reader.source.text[self.from..self.node.span.end.max(self.from)];
        let Some(at) = text.find(&written) else {
            // Nor would later ones be found: search no more.
            self.from = self.node.span.end;
            return self.node.span;
        };
        let span = Span::new(self.from + at, self.from + at + written.len());
        self.from = span.end;
        span
    }
}

#[cfg(test)]
mod tests {
    use crate::template::parse::tests::{refusal, template};

    #[test]
    fn variables_have_their_own_place() {
        let text = "Resources: {A: {Type: X::Y::Z, Properties: {P: !Sub 'a ${AWS::Region} ${Nope} ${Nope}'}}}";
        let (message, pointed) = refusal(text);
        assert_eq!(
            message,
            "Template format error: Unresolved resource dependencies [Nope] in the Resources block of the template"
        );
        assert_eq!(pointed, "${Nope}");
        let block = "Resources:\n  A:\n    Type: X::Y::Z\n    Properties:\n      P: !Sub |\n        é\n        ${Nope}\n";
        assert_eq!(refusal(block).1, "${Nope}");
    }

    #[test]
    fn odd_texts_are_kept_or_refused() {
        let with = |text: &str| {
            format!("Resources: {{A: {{Type: X::Y::Z, Properties: {{P: !Sub '{text}'}}}}}}")
        };
        for fine in ["$", "${", "a}", "$${AWS::Region}", "${!x}", "{}"] {
            template(&with(fine));
        }
        template("Resources: {A: {Type: T, DependsOn: [], Properties: {P: !Sub [x, {}]}}}");
        for wrong in ["${}", "${a b}", "${a-b}", "${.a}"] {
            refusal(&with(wrong));
        }
    }
}
