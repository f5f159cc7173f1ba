//! Nodes as JSON documents, and documents as YAML text.

use serde_json::{Map, Number, Value as Json};

use super::{Node, Scalar, Value};

/// The node as JSON. Plain `true`, `false` and numbers become JSON's own when
/// that loses nothing of their text (`0123`, `1.10` and `2012-10-17` stay
/// text). Short tags take their long form: `!Sub x` is `{"Fn::Sub": "x"}`.
pub fn to_json(node: &Node) -> Json {
    let value = match &node.value {
        Value::Null => Json::Null,
        Value::Scalar(scalar) => scalar.to_json(),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, each)| (key.text.clone(), to_json(each)))
            .collect::<Map<_, _>>()
            .into(),
    };
    match node.tag.as_deref() {
        None => value,
        Some(tag) => long_form(tag, value),
    }
}

fn long_form(tag: &str, value: Json) -> Json {
    let name = tag.trim_start_matches('!');
    let (key, value) = match (name, value) {
        ("Ref" | "Condition", value) => (name.to_owned(), value),
        ("GetAtt", Json::String(text)) => {
            let parts: Vec<&str> = text.splitn(2, '.').collect();
            ("Fn::GetAtt".to_owned(), parts.into())
        }
        (_, value) => (format!("Fn::{name}"), value),
    };
    Json::Object(Map::from_iter([(key, value)]))
}

impl Scalar {
    /// The scalar as JSON, by the rule of [`to_json`].
    pub fn to_json(&self) -> Json {
        if self.quoted {
            return Json::String(self.text.clone());
        }
        match self.text.as_str() {
            "true" | "True" | "TRUE" => Json::Bool(true),
            "false" | "False" | "FALSE" => Json::Bool(false),
            text => number(text).map_or_else(|| Json::String(text.to_owned()), Json::Number),
        }
    }
}

fn number(text: &str) -> Option<Number> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return None;
    }
    let number: Number = serde_json::from_str(text).ok()?;
    (number.to_string() == text).then_some(number)
}

/// The document as YAML text.
pub fn write(document: &Json) -> String {
    serde_yaml::to_string(document).expect("a JSON document is YAML")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::sync::Arc;

    use super::*;
    use crate::{diag::Source, yaml::parse};
    use serde_json::json;

    fn read(text: &str) -> Json {
        to_json(&parse(&Arc::new(Source::new("x", text))).unwrap())
    }

    #[test]
    fn plain_scalars_become_numbers_only_without_loss() {
        let text = "[1, -2, 1.5, 1.10, 0123, 2012-10-17, true, 'true', '1', ~, 1e3, 123456789012, 99999999999999999999]";
        let expected = json!([
            1,
            -2,
            1.5,
            "1.10",
            "0123",
            "2012-10-17",
            true,
            "true",
            "1",
            null,
            "1e3",
            123_456_789_012_u64,
            "99999999999999999999"
        ]);
        assert_eq!(read(text), expected);
    }

    #[test]
    fn short_tags_take_their_long_form() {
        assert_eq!(read("!GetAtt A.B.C"), json!({"Fn::GetAtt": ["A", "B.C"]}));
        assert_eq!(
            read("!Sub ['${a}', {a: !Ref b}]"),
            json!({"Fn::Sub": ["${a}", {"a": {"Ref": "b"}}]})
        );
    }

    #[test]
    fn what_is_written_reads_back() {
        let document = json!({"a": ["0123", 1, true, null, "true", "1.10", "- x: y", ""], "b": {"c": "é\nf\n"}});
        assert_eq!(read(&write(&document)), document);
    }
}
