//! What differs between two versions of a resource, property by property.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value as Json;

/// One property that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PropertyChange {
    /// Its place, for example `Properties.Spec.Listeners[0].Port`.
    pub path: String,
    /// The deployed value as JSON.
    pub before: Option<String>,
    /// The wanted value as JSON.
    pub after: Option<String>,
}

/// What differs between two versions of a resource.
pub(super) fn properties(before: &Json, after: &Json) -> Vec<PropertyChange> {
    let mut found = Vec::new();
    if !before.is_null() && !after.is_null() {
        differences("", before, after, &mut found);
    }
    found
}

/// Goes down as far as both sides have the same shape.
fn differences(path: &str, before: &Json, after: &Json, found: &mut Vec<PropertyChange>) {
    match (before, after) {
        _ if before == after => {}
        (Json::Object(_), Json::Object(_)) if !is_intrinsic(before) && !is_intrinsic(after) => {
            let dot = if path.is_empty() { "" } else { "." };
            for key in keys(before, after) {
                let (before, after) = (&before[key.as_str()], &after[key.as_str()]);
                differences(&format!("{path}{dot}{key}"), before, after, found);
            }
        }
        (Json::Array(left), Json::Array(right)) if left.len() == right.len() => {
            for (place, (before, after)) in left.iter().zip(right).enumerate() {
                differences(&format!("{path}[{place}]"), before, after, found);
            }
        }
        _ => found.push(PropertyChange {
            path: path.to_owned(),
            before: text(before),
            after: text(after),
        }),
    }
}

/// `{Ref: …}` and the like change as a whole.
fn is_intrinsic(value: &Json) -> bool {
    value.as_object().is_some_and(|map| {
        map.len() == 1
            && map
                .keys()
                .all(|key| key == "Ref" || key == "Condition" || key.starts_with("Fn::"))
    })
}

fn text(value: &Json) -> Option<String> {
    (!value.is_null()).then(|| value.to_string())
}

/// The keys of either side.
pub(super) fn keys(before: &Json, after: &Json) -> BTreeSet<String> {
    let of = |value: &Json| {
        value
            .as_object()
            .map(|map| map.keys().cloned().collect::<Vec<_>>())
            .unwrap_or_default()
    };
    of(before).into_iter().chain(of(after)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_intrinsic_changes_as_a_whole() {
        let (before, after) = (json!({"P": {"Ref": "A"}}), json!({"P": {"Ref": "B"}}));
        let found = properties(&before, &after);
        assert_eq!(found[0].path, "P");
        assert_eq!(found[0].after.as_deref(), Some(r#"{"Ref":"B"}"#));
    }
}
