//! Looking into nodes: by optional accessors, or by `expect_` ones that answer
//! with a diagnostic naming the place.

use std::sync::Arc;

use super::{Key, Node, Value};
use crate::diag::{Diagnostic, Source};

impl Node {
    /// The value under a key. Reads the entries one by one: use
    /// [`Node::entries`] for maps of many.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|(name, _)| name.text == key)
            .map(|(_, node)| node)
    }

    /// The entries of a map; none for anything else.
    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Null | Value::Scalar(_) | Value::List(_) => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            Value::Null | Value::Scalar(_) | Value::Map(_) => &[],
        }
    }

    /// Whether nothing stands here.
    pub fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// The text of any scalar, numbers and truth values too.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// A plain `true` or `false`.
    pub fn as_bool(&self) -> Option<bool> {
        match self.plain()? {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        }
    }

    /// A plain whole number from 0.
    pub fn as_u64(&self) -> Option<u64> {
        self.plain()
            .filter(|text| !text.starts_with('+'))
            .and_then(|text| text.parse().ok())
    }

    /// A plain whole number.
    pub fn as_i64(&self) -> Option<i64> {
        self.plain()
            .filter(|text| !text.starts_with('+'))
            .and_then(|text| text.parse().ok())
    }

    /// A plain number.
    pub fn as_f64(&self) -> Option<f64> {
        let text = self.plain()?;
        let numeric = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.'));
        if numeric { text.parse().ok() } else { None }
    }

    fn plain(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) if !scalar.quoted => Some(&scalar.text),
            Value::Null | Value::Scalar(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// What stands here, for messages: `a map`, `a number`, …
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Scalar(_) if self.as_bool().is_some() => "true or false",
            Value::Scalar(_) if self.as_f64().is_some() => "a number",
            Value::Scalar(_) => "text",
        }
    }

    /// An error at this node.
    pub fn error(&self, source: &Arc<Source>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(message).at(source, self.span)
    }

    /// The entries of a map, or an error that says `what` must be one.
    pub fn expect_map(
        &self,
        source: &Arc<Source>,
        what: &str,
    ) -> Result<&[(Key, Node)], Diagnostic> {
        match &self.value {
            Value::Map(entries) => Ok(entries),
            Value::Null | Value::Scalar(_) | Value::List(_) => {
                Err(self.mismatch(source, what, "a map"))
            }
        }
    }

    /// The items of a list, or an error that says `what` must be one.
    pub fn expect_list(&self, source: &Arc<Source>, what: &str) -> Result<&[Node], Diagnostic> {
        match &self.value {
            Value::List(items) => Ok(items),
            Value::Null | Value::Scalar(_) | Value::Map(_) => {
                Err(self.mismatch(source, what, "a list"))
            }
        }
    }

    /// The text of any scalar, or an error that says `what` must be text.
    pub fn expect_str(&self, source: &Arc<Source>, what: &str) -> Result<&str, Diagnostic> {
        self.as_str()
            .ok_or_else(|| self.mismatch(source, what, "text"))
    }

    /// A truth value, or an error that says `what` must be one.
    pub fn expect_bool(&self, source: &Arc<Source>, what: &str) -> Result<bool, Diagnostic> {
        self.as_bool()
            .ok_or_else(|| self.mismatch(source, what, "true or false"))
    }

    /// A whole number from 0, or an error that says `what` must be one.
    pub fn expect_u64(&self, source: &Arc<Source>, what: &str) -> Result<u64, Diagnostic> {
        self.as_u64()
            .ok_or_else(|| self.mismatch(source, what, "a whole number"))
    }

    fn mismatch(&self, source: &Arc<Source>, what: &str, wanted: &str) -> Diagnostic {
        self.error(source, format!("{what} must be {wanted}"))
            .label(format!("this is {}", self.kind()))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::yaml::parse;

    #[test]
    fn accessors_read_plain_scalars_and_leave_quoted_ones_text() {
        let source = Arc::new(Source::new(
            "x",
            "{a: 80, b: '80', c: true, d: -1, e: 1.5, f: [1], g: }",
        ));
        let node = parse(&source).unwrap();
        let get = |key| node.get(key).unwrap();
        assert_eq!(
            (get("a").as_u64(), get("b").as_u64(), get("b").as_str()),
            (Some(80), None, Some("80"))
        );
        assert_eq!(
            (get("c").as_bool(), get("d").as_i64(), get("e").as_f64()),
            (Some(true), Some(-1), Some(1.5))
        );
        assert_eq!(get("f").items().len(), 1);
        assert!(get("g").is_null());
        let kinds: Vec<_> = node.entries().iter().map(|(_, each)| each.kind()).collect();
        assert_eq!(
            kinds,
            [
                "a number",
                "text",
                "true or false",
                "a number",
                "a number",
                "a list",
                "nothing"
            ]
        );
    }

    #[test]
    fn expectations_name_the_place() {
        let source = Arc::new(Source::new("x", "port: [1]"));
        let node = parse(&source).unwrap();
        let error = node
            .get("port")
            .unwrap()
            .expect_u64(&source, "`port`")
            .unwrap_err();
        assert_eq!(error.message, "`port` must be a whole number");
        assert_eq!(error.label.as_deref(), Some("this is a list"));
        assert_eq!(
            &source.text[error.span.unwrap().start..error.span.unwrap().end],
            "[1]"
        );
    }
}
