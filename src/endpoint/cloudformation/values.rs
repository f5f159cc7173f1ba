//! The places in a property that a change set would change.

use std::collections::BTreeSet;

use serde_json::Value;

/// One place, with the values there.
#[derive(Debug, PartialEq)]
pub(super) struct Place<'v> {
    /// Such as `/Properties/Tags/0/Value`.
    pub(super) path: String,
    /// Nothing where something is added.
    pub(super) before: Option<&'v Value>,
    /// Nothing where something is removed.
    pub(super) after: Option<&'v Value>,
}

/// Every place where two values differ, as deep as both have the same shape.
pub(super) fn places<'v>(
    path: String,
    before: Option<&'v Value>,
    after: Option<&'v Value>,
) -> Vec<Place<'v>> {
    if before == after {
        return Vec::new();
    }
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let inner = names
                .into_iter()
                .flat_map(|name| places(format!("{path}/{name}"), old.get(name), new.get(name)));
            inner.collect()
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            let inner = (0..old.len().max(new.len())).flat_map(|place| {
                places(format!("{path}/{place}"), old.get(place), new.get(place))
            });
            inner.collect()
        }
        _ => vec![Place {
            path,
            before,
            after,
        }],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_place_that_differs_is_told_as_deep_as_it_lies() {
        let old = json!({"Tags": [{"Key": "a", "Value": "1"}], "Ports": {"From": 1}, "Same": 1});
        let new =
            json!({"Tags": [{"Key": "a", "Value": "2"}, {"Key": "b"}], "Ports": 2, "Same": 1});
        let found = places("/P".to_owned(), Some(&old), Some(&new));
        let told: Vec<_> = found
            .iter()
            .map(|it| (it.path.as_str(), it.before.cloned(), it.after.cloned()))
            .collect();
        assert_eq!(
            told,
            [
                ("/P/Ports", Some(json!({"From": 1})), Some(json!(2))),
                ("/P/Tags/0/Value", Some(json!("1")), Some(json!("2"))),
                ("/P/Tags/1", None, Some(json!({"Key": "b"}))),
            ]
        );
    }
}
