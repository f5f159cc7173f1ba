//! The input of an ECS operation.

use crate::account::{ApiError, State};
use serde_json::{Value, json};

/// How many ARNs one answer lists.
const PAGE: u64 = 100;

/// An operation's input.
pub(super) struct Input<'a>(pub(super) &'a Value);

// === impl Input ===

impl<'a> Input<'a> {
    /// A text.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_str()
    }

    /// A list of texts.
    pub(super) fn list(&self, name: &str) -> Vec<&'a str> {
        self.0
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// The name of the cluster, which must be there.
    pub(super) fn cluster(&self, state: &State) -> Result<&'a str, ApiError> {
        let name = last(self.text("cluster").unwrap_or("default"));
        match state.inventory.get("AWS::ECS::Cluster", name) {
            Some(_) => Ok(name),
            None => Err(ApiError::new(
                "ClusterNotFoundException",
                "Cluster not found.",
            )),
        }
    }

    /// The part of a list that this request asks for.
    pub(super) fn page<'b>(&self, name: &str, all: impl Iterator<Item = &'b str>) -> Value {
        let length = self
            .0
            .get("maxResults")
            .and_then(Value::as_u64)
            .unwrap_or(PAGE)
            .clamp(1, PAGE);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let start = self
            .text("nextToken")
            .and_then(|token| token.parse().ok())
            .unwrap_or(0_usize);
        let mut rest = all.skip(start);
        let page: Vec<&str> = rest.by_ref().take(length).collect();
        let mut answer = json!({ name: page });
        if rest.next().is_some() {
            answer["nextToken"] = json!((start + length).to_string());
        }
        answer
    }
}

/// The last segment of an ARN; a name stays what it is.
pub(super) fn last(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
