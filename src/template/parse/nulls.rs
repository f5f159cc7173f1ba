//! Nulls, which CloudFormation takes nowhere.

use super::Reader;
use crate::yaml::Node;
use crate::yaml::Value;

impl Reader<'_> {
    /// Notes each null under `node` with its path.
    pub(super) fn refuse_nulls<'n>(&mut self, node: &'n Node, path: &mut Vec<&'n str>) {
        match &node.value {
            Value::Null => {
                let message = format!(
                    "Template format error: [/{}] 'null' values are not allowed in templates",
                    path.join("/")
                );
                self.advise(node.span, message, "leave the key out, or give it a value");
            }
            Value::Scalar(_) => {}
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    // Indexes are rarely wanted: the text is made only then.
                    if item.is_null() {
                        let index = index.to_string();
                        let path: Vec<&str> =
                            path.iter().copied().chain([index.as_str()]).collect();
                        self.refuse_nulls(item, &mut path.clone());
                    } else {
                        self.refuse_nulls(item, path);
                    }
                }
            }
            Value::Map(entries) => {
                for (key, value) in entries {
                    path.push(&key.text);
                    self.refuse_nulls(value, path);
                    path.pop();
                }
            }
        }
    }
}
