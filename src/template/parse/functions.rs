//! Calls of intrinsic functions, short and long.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::Reader;
use crate::diag::nearest;
use crate::template::{Expr, Form, LogicalId, Target};
use crate::yaml::{Node, Value};

const FUNCTIONS: [&str; 12] = [
    "Ref",
    "Fn::GetAtt",
    "Fn::Sub",
    "Fn::Join",
    "Fn::Select",
    "Fn::Split",
    "Fn::If",
    "Fn::FindInMap",
    "Fn::ImportValue",
    "Fn::GetAZs",
    "Fn::Base64",
    "Fn::Cidr",
];
const CONDITION_FUNCTIONS: [&str; 5] = ["Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not", "Condition"];

/// A function and what it is given.
pub(super) struct Call<'n> {
    /// The long name.
    pub(super) name: Cow<'n, str>,
    /// What it is given; in the short form the node that carries the tag.
    pub(super) argument: &'n Node,
    short: bool,
}

/// The call that a node is, by tag or as a map of one key.
pub(super) fn call(node: &Node) -> Option<Call<'_>> {
    let Some(tag) = &node.tag else {
        return long_call(node);
    };
    let name = match tag.trim_start_matches('!') {
        name @ ("Ref" | "Condition") => Cow::Borrowed(name),
        name => Cow::Owned(format!("Fn::{name}")),
    };
    Some(Call {
        name,
        argument: node,
        short: true,
    })
}

fn long_call(node: &Node) -> Option<Call<'_>> {
    match node.entries() {
        [(key, argument)] if key.text == "Ref" || key.text.starts_with("Fn::") => Some(Call {
            name: Cow::Borrowed(&key.text),
            argument,
            short: false,
        }),
        _ => None,
    }
}

impl Reader<'_> {
    pub(super) fn function(&mut self, call: &Call<'_>, node: &Node) -> Form {
        match call.name.as_ref() {
            "Ref" => self.reference(call),
            "Fn::GetAtt" => self.get_att(call),
            "Fn::Sub" => self.sub(call.argument),
            "Fn::Join" => self.join(call.argument),
            "Fn::Split" => self.split(call.argument),
            "Fn::Select" => self.select(call.argument),
            "Fn::If" => self.choice(call.argument),
            "Fn::FindInMap" => self.find_in_map(call.argument),
            "Fn::ImportValue" => Form::ImportValue(Box::new(self.only(call))),
            "Fn::GetAZs" => Form::GetAzs(Box::new(self.only(call))),
            "Fn::Base64" => Form::Base64(Box::new(self.only(call))),
            "Fn::Cidr" => self.cidr(call.argument),
            name => self.unknown_function(name, node),
        }
    }

    /// The one argument of a function.
    fn only(&mut self, call: &Call<'_>) -> Expr {
        let node = call.argument;
        if !call.short {
            return self.expression(node);
        }
        let form = match long_call(node) {
            Some(inner) => self.function(&inner, node),
            None => self.plain(node),
        };
        Expr {
            form,
            span: node.span,
        }
    }

    fn boxed(&mut self, node: &Node) -> Box<Expr> {
        Box::new(self.expression(node))
    }

    /// Notes a wrong use; the template is refused, so the value is never read.
    pub(super) fn misuse(&mut self, node: &Node, message: &str) -> Form {
        self.error(node.span, message);
        Form::Literal(Json::Null)
    }

    fn unknown_function(&mut self, name: &str, node: &Node) -> Form {
        let help = if CONDITION_FUNCTIONS.contains(&name) {
            "it belongs under `Conditions`; choose a value with `!If`".to_owned()
        } else {
            nearest(name, FUNCTIONS.into_iter()).map_or_else(
                || format!("functions are {}", FUNCTIONS.join(", ")),
                |near| format!("did you mean `{near}`?"),
            )
        };
        self.advise(
            node.span,
            format!("Template format error: `{name}` is no function for values"),
            help,
        );
        Form::Literal(Json::Null)
    }

    fn reference(&mut self, call: &Call<'_>) -> Form {
        match literal(call) {
            Some(name) if !name.is_empty() => Form::Ref(Target::new(name)),
            _ => self.misuse(
                call.argument,
                "Template error: every Ref object must have a single String value.",
            ),
        }
    }

    fn get_att(&mut self, call: &Call<'_>) -> Form {
        const WORDS: &str = "Template error: every Fn::GetAtt object requires two non-empty parameters, \
                             the resource name and the resource attribute";
        if let Some(text) = literal(call) {
            let Some((resource, attribute)) = text.split_once('.') else {
                return self.misuse(call.argument, WORDS);
            };
            let attribute = Form::Literal(Json::String(attribute.to_owned()));
            let attribute = Box::new(Expr {
                form: attribute,
                span: call.argument.span,
            });
            return match LogicalId::try_from(resource) {
                Ok(resource) => Form::GetAtt {
                    resource,
                    attribute,
                },
                Err(_) => self.misuse(call.argument, WORDS),
            };
        }
        let [resource, attribute] = call.argument.items() else {
            return self.misuse(call.argument, WORDS);
        };
        match resource
            .as_str()
            .filter(|_| resource.tag.is_none())
            .map(LogicalId::try_from)
        {
            Some(Ok(resource)) if attribute.as_str() != Some("") => Form::GetAtt {
                resource,
                attribute: self.boxed(attribute),
            },
            _ => self.misuse(call.argument, WORDS),
        }
    }

    fn join(&mut self, node: &Node) -> Form {
        match node.items() {
            [delimiter, list] if is_text(delimiter) && is_list(list) => {
                Form::Join { delimiter: text_of(delimiter), list: self.boxed(list) }
            }
            _ => self.misuse(
                node,
                "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list \
                 of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.",
            ),
        }
    }

    fn split(&mut self, node: &Node) -> Form {
        match node.items() {
            [delimiter, text] if is_text(delimiter) && !text_of(delimiter).is_empty() => {
                Form::Split { delimiter: text_of(delimiter), text: self.boxed(text) }
            }
            _ => self.misuse(
                node,
                "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a \
                 string to be split or a function that returns a string to be split.",
            ),
        }
    }

    fn select(&mut self, node: &Node) -> Form {
        match node.items() {
            [index, list] if is_list(list) => Form::Select { index: self.boxed(index), list: self.boxed(list) },
            _ => self.misuse(
                node,
                "Template error: Fn::Select requires a list argument with two elements: an integer index and a list",
            ),
        }
    }

    fn choice(&mut self, node: &Node) -> Form {
        match node.items() {
            [condition, then, otherwise] if is_text(condition) => Form::If {
                condition: text_of(condition),
                then: self.boxed(then),
                otherwise: self.boxed(otherwise),
            },
            _ => self.misuse(
                node,
                "Template error: Fn::If requires a list argument with three parameters",
            ),
        }
    }

    fn find_in_map(&mut self, node: &Node) -> Form {
        match node.items() {
            [map, top, second] => {
                Form::FindInMap { map: self.boxed(map), top: self.boxed(top), second: self.boxed(second) }
            }
            _ => self.misuse(
                node,
                "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the \
                 attribute for return value",
            ),
        }
    }

    fn cidr(&mut self, node: &Node) -> Form {
        let (block, count, bits) = match node.items() {
            [block, count] => (block, count, None),
            [block, count, bits] => (block, count, Some(bits)),
            _ => {
                let words = "Template error: every Fn::Cidr object requires two or three parameters, \
                             an IP block, a count and the host bits";
                return self.misuse(node, words);
            }
        };
        let bits = bits.map(|bits| self.boxed(bits));
        Form::Cidr {
            block: self.boxed(block),
            count: self.boxed(count),
            bits,
        }
    }
}

/// The text that a call is given, when it is literal.
fn literal<'n>(call: &Call<'n>) -> Option<&'n str> {
    call.argument
        .as_str()
        .filter(|_| call.short || call.argument.tag.is_none())
}

pub(super) fn is_text(node: &Node) -> bool {
    node.tag.is_none() && matches!(node.value, Value::Scalar(_))
}

pub(super) fn text_of(node: &Node) -> String {
    node.as_str().unwrap_or_default().to_owned()
}

/// A list, or a function that may give one.
fn is_list(node: &Node) -> bool {
    call(node).is_some() || matches!(node.value, Value::List(_))
}

#[cfg(test)]
mod tests {
    use crate::template::parse::tests::{refusal, refused, template};
    use crate::template::{Form, Target};

    fn with(value: &str) -> String {
        format!("Resources:\n  A:\n    Type: X::Y::Z\n    Properties:\n      P: {value}\n")
    }

    #[test]
    fn short_long_and_json_forms_are_alike() {
        let forms = [
            ("!Ref AWS::Region", "{Ref: 'AWS::Region'}"),
            ("!GetAtt B.C.D", "{'Fn::GetAtt': [B, C.D]}"),
            ("!GetAtt B.C.D", "{\"Fn::GetAtt\": \"B.C.D\"}"),
            ("!GetAtt [B, C]", "{\"Fn::GetAtt\": [\"B\", \"C\"]}"),
            (
                "!Sub 'x${AWS::Region}'",
                "{\"Fn::Sub\": \"x${AWS::Region}\"}",
            ),
            (
                "!Join ['-', [a, !Ref AWS::Region]]",
                "{\"Fn::Join\": [\"-\", [\"a\", {\"Ref\": \"AWS::Region\"}]]}",
            ),
            (
                "!Select [0, !Split [',', 'a,b']]",
                "{\"Fn::Select\": [0, {\"Fn::Split\": [\",\", \"a,b\"]}]}",
            ),
            (
                "!Base64 {'Fn::Sub': a}",
                "{\"Fn::Base64\": {\"Fn::Sub\": \"a\"}}",
            ),
            ("!GetAZs ''", "{\"Fn::GetAZs\": \"\"}"),
            (
                "!ImportValue {'Fn::Sub': a}",
                "{\"Fn::ImportValue\": {\"Fn::Sub\": \"a\"}}",
            ),
            (
                "!Cidr [10.0.0.0/16, 2, 8]",
                "{\"Fn::Cidr\": [\"10.0.0.0/16\", 2, 8]}",
            ),
        ];
        for (short, long) in forms {
            let read = |value: &str| {
                let text = with(value) + "  B: {Type: X::Y::Z}\n";
                let template = template(&text);
                crate::template::references::without_spans(&template.resources["A"].properties)
            };
            assert_eq!(read(short), read(long), "{short}");
        }
    }

    #[test]
    fn a_map_key_named_condition_is_no_function_in_a_property() {
        let template = template(&with("{Condition: x}"));
        let Form::Map(map) = &template.resources["A"].properties.form else {
            panic!("a map")
        };
        assert!(matches!(map["P"].form, Form::Map(_)));
        assert_eq!(Target::new("AWS::NoValue"), Target::NoValue);
    }

    #[test]
    fn wrong_uses_point_at_the_argument() {
        let cases = [
            (
                "!GetAtt B",
                "B",
                "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute",
            ),
            (
                "!Ref [a]",
                "[a]",
                "Template error: every Ref object must have a single String value.",
            ),
            (
                "!Join [a, b]",
                "[a, b]",
                "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.",
            ),
            (
                "!Split ['', b]",
                "['', b]",
                "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.",
            ),
            (
                "!Select [0]",
                "[0]",
                "Template error: Fn::Select requires a list argument with two elements: an integer index and a list",
            ),
            (
                "!If [a, b]",
                "[a, b]",
                "Template error: Fn::If requires a list argument with three parameters",
            ),
            (
                "!FindInMap [a, b]",
                "[a, b]",
                "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value",
            ),
            (
                "!Equals [a, b]",
                "[a, b]",
                "Template format error: `Fn::Equals` is no function for values",
            ),
            (
                "!Subb a",
                "a",
                "Template format error: `Fn::Subb` is no function for values",
            ),
            (
                "{'Fn::Sub': a, b: c}",
                "'Fn::Sub'",
                "`Fn::Sub` stands beside other keys",
            ),
        ];
        for (value, pointed, message) in cases {
            assert_eq!(
                refusal(&with(value)),
                (message.to_owned(), pointed.to_owned()),
                "{value}"
            );
        }
        let both = "Resources: {A: {Type: X::Y::Z, Properties: {P: !Ref [], Q: !If []}}}";
        assert_eq!(refused(both).len(), 2);
    }
}
