//! What a change set tells of the properties that it changes.

use aws_sdk_cloudformation::types as wire;
use serde_json::Value;

use super::{AttributeChange, Known, Replacement};

/// What stands for a value that is known only once something is made.
const LATER: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";
/// What stands for a long value. All of it is in the context.
const TRUNCATED: &str = "(Truncated-Signature)";

/// What changes of a resource, each place once: the same change may be told
/// for the template and for a parameter.
pub(super) fn attributes(change: &wire::ResourceChange) -> Vec<AttributeChange> {
    let read = |text: Option<&str>| text.and_then(|text| serde_json::from_str(text).ok());
    let before: Option<Value> = read(change.before_context());
    let after: Option<Value> = read(change.after_context());
    let mut found: Vec<AttributeChange> = Vec::new();
    for target in change.details().iter().filter_map(|detail| detail.target()) {
        let Some(pointer) = pointer(target) else {
            continue;
        };
        let replacement = match target.requires_recreation() {
            Some(wire::RequiresRecreation::Always) => Replacement::Yes,
            Some(wire::RequiresRecreation::Conditionally) => Replacement::Conditional,
            _ => Replacement::No,
        };
        let path = readable(&pointer);
        if let Some(known) = found.iter_mut().find(|known| known.path == path) {
            if replacement == Replacement::Yes || known.replacement == Replacement::No {
                known.replacement = replacement;
            }
            continue;
        }
        let after = whole(target.after_value(), after.as_ref(), &pointer);
        found.push(AttributeChange {
            path,
            before: whole(target.before_value(), before.as_ref(), &pointer),
            after: after.map(|value| match value.as_str() {
                LATER => Known::Later,
                _ => Known::Value(value),
            }),
            replacement,
        });
    }
    found
}

/// The place, which older endpoints do not tell to the end.
fn pointer(target: &wire::ResourceTargetDefinition) -> Option<String> {
    if let Some(path) = target.path() {
        return Some(path.to_owned());
    }
    let attribute = target.attribute()?.as_str();
    Some(match target.name() {
        Some(name) => format!("/{attribute}/{name}"),
        None => format!("/{attribute}"),
    })
}

/// A value as it is told, or all of it where only a part is.
fn whole(told: Option<&str>, context: Option<&Value>, pointer: &str) -> Option<String> {
    let told = told?;
    if !told.starts_with(TRUNCATED) {
        return Some(told.to_owned());
    }
    let all = context.and_then(|context| context.pointer(pointer));
    Some(match all {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "too long to be told".to_owned(),
    })
}

/// `/Properties/Tags/0/Value` as `Properties.Tags[0].Value`.
fn readable(pointer: &str) -> String {
    let mut text = String::new();
    for part in pointer.split('/').filter(|part| !part.is_empty()) {
        let is_place = part.bytes().all(|byte| byte.is_ascii_digit());
        match (is_place, text.is_empty()) {
            (true, false) => text.push_str(&format!("[{part}]")),
            (false, false) => text.push_str(&format!(".{part}")),
            (_, true) => text.push_str(part),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(path: &str, values: (&str, &str)) -> wire::ResourceChangeDetail {
        let target = wire::ResourceTargetDefinition::builder()
            .attribute(wire::ResourceAttribute::Properties)
            .path(path)
            .before_value(values.0)
            .after_value(values.1)
            .requires_recreation(wire::RequiresRecreation::Conditionally);
        let detail = wire::ResourceChangeDetail::builder();
        detail.target(target.build()).build()
    }

    /// Shapes that AWS answers with.
    #[test]
    fn a_place_is_told_once_with_all_of_its_value() {
        let named = wire::ResourceTargetDefinition::builder()
            .attribute(wire::ResourceAttribute::Metadata)
            .requires_recreation(wire::RequiresRecreation::Never);
        let change = wire::ResourceChange::builder()
            .before_context(r#"{"Properties":{"Data":{"a":[1]}}}"#)
            .after_context(r#"{"Properties":{"Data":{"a":[2]}}}"#)
            .details(detail("/Properties/Tags/0/Value", ("a", "b")))
            .details(detail("/Properties/Tags/0/Value", ("a", "b")))
            .details(detail(
                "/Properties/Data",
                ("(Truncated-Signature):8892", "(Truncated-Signature):de79"),
            ))
            .details(detail("/Properties/Name", ("x", LATER)))
            .details(
                wire::ResourceChangeDetail::builder()
                    .target(named.build())
                    .build(),
            )
            .build();
        let found = attributes(&change);
        let told: Vec<_> = found
            .iter()
            .map(|it| (it.path.as_str(), it.before.as_deref(), it.after.clone()))
            .collect();
        let value = |text: &str| Some(Known::Value(text.to_owned()));
        assert_eq!(
            told,
            [
                ("Properties.Tags[0].Value", Some("a"), value("b")),
                (
                    "Properties.Data",
                    Some(r#"{"a":[1]}"#),
                    value(r#"{"a":[2]}"#)
                ),
                ("Properties.Name", Some("x"), Some(Known::Later)),
                ("Metadata", None, None),
            ]
        );
        assert_eq!(found[0].replacement, Replacement::Conditional);
    }
}
