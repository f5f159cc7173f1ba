//! Values: literals, lists, maps and calls of functions.

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::Reader;
use super::functions::call;
use crate::template::{Expr, Form};
use crate::yaml::{Node, Value};

impl Reader<'_> {
    pub(super) fn expression(&mut self, node: &Node) -> Expr {
        let form = match call(node) {
            Some(call) => self.function(&call, node),
            None => self.plain(node),
        };
        Expr {
            form,
            span: node.span,
        }
    }

    pub(super) fn plain(&mut self, node: &Node) -> Form {
        match &node.value {
            Value::Null => Form::Literal(Json::Null),
            Value::Scalar(scalar) => Form::Literal(scalar.to_json()),
            Value::List(items) => {
                Form::List(items.iter().map(|item| self.expression(item)).collect())
            }
            Value::Map(entries) => {
                let mut map = IndexMap::with_capacity(entries.len());
                for (key, value) in entries {
                    if key.text.starts_with("Fn::") {
                        self.advise(
                            key.span,
                            format!("`{}` stands beside other keys", key.text),
                            "a function is the only key of its map",
                        );
                    }
                    map.insert(key.text.clone(), self.expression(value));
                }
                Form::Map(map)
            }
        }
    }
}
