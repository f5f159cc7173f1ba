//! Drift: what resources are, compared with what their templates say.

use super::begin::live;
use super::model::{Stack, StackResource};
use crate::account::clock::Timestamp;
use crate::account::resources::describe;
use crate::account::shared::Shared;
use crate::account::store::State;
use crate::account::{Account, ApiError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One comparison of a stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftCheck {
    /// Its id.
    pub id: String,
    /// When it began.
    pub started: Timestamp,
    /// When it is done.
    pub ready: Timestamp,
    /// What came of it, by logical id.
    pub resources: BTreeMap<String, ResourceDrift>,
}

/// What came of the comparison of one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceDrift {
    /// Whether it differs.
    pub status: DriftStatus,
    /// Its type.
    pub resource_type: String,
    /// Its id.
    pub physical_id: String,
    /// What the template comes to.
    pub expected: Shared<Value>,
    /// What is there.
    pub actual: Option<Value>,
    /// Where they differ.
    pub differences: Vec<Difference>,
}

/// Whether a resource differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DriftStatus {
    /// It is as it should be.
    InSync,
    /// It is not.
    Modified,
    /// It is gone.
    Deleted,
}

/// A place where a resource differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// A JSON pointer into the properties.
    pub path: String,
    /// How it differs.
    pub kind: DifferenceKind,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub actual: String,
}

/// How a place differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DifferenceKind {
    /// It is there and should not be.
    Add,
    /// It should be there.
    Remove,
    /// It has another value.
    NotEqual,
}

// === impl DriftCheck ===

impl DriftCheck {
    /// How many resources differ.
    pub fn drifted(&self) -> usize {
        let differ = |drift: &&ResourceDrift| drift.status != DriftStatus::InSync;
        self.resources.values().filter(differ).count()
    }

    /// Whether it is done.
    pub fn is_ready(&self) -> bool {
        Timestamp::now() >= self.ready
    }
}

/// Begins to compare a stack with what is there; gives the comparison's id.
pub fn begin_drift_check(account: &Account, name: &str) -> Result<String, ApiError> {
    let stack = live(account, name)?;
    let fits = matches!(
        stack.status.as_str(),
        "CREATE_COMPLETE"
            | "UPDATE_COMPLETE"
            | "UPDATE_ROLLBACK_COMPLETE"
            | "UPDATE_ROLLBACK_FAILED"
            | "IMPORT_COMPLETE"
            | "IMPORT_ROLLBACK_COMPLETE"
    );
    if !fits {
        let (id, status) = (&stack.id, &stack.status);
        return Err(ApiError::validation(format!(
            "Drift detection operation cannot be performed on stack [{id}] in status [{status}]."
        )));
    }
    let id = account.ids().uuid();
    let now = Timestamp::now();
    let step = u64::try_from(account.options().pace.step.as_millis()).unwrap_or(u64::MAX);
    account.update(|state| {
        let resources = compare(state, &stack);
        let check = DriftCheck {
            id: id.clone(),
            started: now,
            ready: Timestamp(now.0.saturating_add(step)),
            resources,
        };
        if let Some(stack) = state.cloudformation.stack_mut(&stack.id) {
            stack.drift = Some(check);
        }
    });
    Ok(id)
}

/// A comparison, and its stack.
pub fn find_drift_check(
    account: &Account,
    id: &str,
) -> Result<(Shared<Stack>, DriftCheck), ApiError> {
    account.read(|state| {
        let mut stacks = state.cloudformation.stacks.values();
        let found = stacks.find_map(|stack| {
            let check = stack.drift.as_ref().filter(|check| check.id == id)?;
            Some((stack.clone(), check.clone()))
        });
        found.ok_or_else(|| ApiError::validation(format!("Drift detection [{id}] does not exist")))
    })
}

fn compare(state: &State, stack: &Stack) -> BTreeMap<String, ResourceDrift> {
    let there = stack
        .resources
        .iter()
        .filter(|(_, resource)| !resource.is_over());
    there
        .filter_map(|(id, resource)| Some((id.clone(), of_resource(state, resource)?)))
        .collect()
}

fn of_resource(state: &State, resource: &StackResource) -> Option<ResourceDrift> {
    let physical_id = resource.physical_id.clone()?;
    let descriptor = describe(&resource.resource_type)?;
    let actual = descriptor
        .family
        .actual(state, descriptor.name, &physical_id);
    let mut differences = Vec::new();
    let status = match &actual {
        None => DriftStatus::Deleted,
        Some(actual) => {
            differ(&resource.properties, actual, "", &mut differences);
            if differences.is_empty() {
                DriftStatus::InSync
            } else {
                DriftStatus::Modified
            }
        }
    };
    Some(ResourceDrift {
        status,
        resource_type: resource.resource_type.clone(),
        physical_id,
        expected: resource.properties.clone(),
        actual,
        differences,
    })
}

/// Collects where two values differ. A property that the template leaves to
/// its default is not looked at.
fn differ(expected: &Value, actual: &Value, path: &str, found: &mut Vec<Difference>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            if !path.is_empty() {
                let more = actual
                    .iter()
                    .filter(|(key, _)| !expected.contains_key(*key));
                for (key, value) in more {
                    let path = format!("{path}/{key}");
                    found.push(difference(path, DifferenceKind::Add, None, Some(value)));
                }
            }
            for (key, value) in expected {
                let path = format!("{path}/{key}");
                match actual.get(key) {
                    None => found.push(difference(path, DifferenceKind::Remove, Some(value), None)),
                    Some(actual) => differ(value, actual, &path, found),
                }
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            differ_in_items(expected, actual, path, found);
        }
        _ if expected == actual => {}
        _ => {
            let path = path.to_owned();
            let kind = DifferenceKind::NotEqual;
            found.push(difference(path, kind, Some(expected), Some(actual)));
        }
    }
}

/// Collects where two lists differ: in what one has and the other has not,
/// whatever the order.
fn differ_in_items(expected: &[Value], actual: &[Value], path: &str, found: &mut Vec<Difference>) {
    let lost = without(expected, actual);
    let new = without(actual, expected);
    for (index, (at, item)) in lost.iter().enumerate() {
        match new.get(index) {
            Some((_, actual)) => differ(item, actual, &format!("{path}/{at}"), found),
            None => found.push(difference(
                format!("{path}/{at}"),
                DifferenceKind::Remove,
                Some(item),
                None,
            )),
        }
    }
    for (at, item) in new.iter().skip(lost.len()) {
        let path = format!("{path}/{at}");
        found.push(difference(path, DifferenceKind::Add, None, Some(item)));
    }
}

/// The items of a list that another does not have, with their places.
fn without<'a>(list: &'a [Value], other: &[Value]) -> Vec<(usize, &'a Value)> {
    let mut others: Vec<&Value> = other.iter().collect();
    let is_missing = |(_, item): &(usize, &Value)| {
        let at = others.iter().position(|other| other == item);
        at.map(|at| others.swap_remove(at)).is_none()
    };
    list.iter().enumerate().filter(is_missing).collect()
}

fn difference(
    path: String,
    kind: DifferenceKind,
    expected: Option<&Value>,
    actual: Option<&Value>,
) -> Difference {
    let text = |value: Option<&Value>| match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    Difference {
        path,
        kind,
        expected: text(expected),
        actual: text(actual),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn items_are_compared_whatever_their_order() {
        let differences = |expected: Value, actual: Value| {
            let mut found = Vec::new();
            differ(&expected, &actual, "/L", &mut found);
            let told = |it: &Difference| {
                format!("{} {:?} {}>{}", it.path, it.kind, it.expected, it.actual)
            };
            found.iter().map(told).collect::<Vec<_>>()
        };
        let none: [&str; 0] = [];
        assert_eq!(differences(json!([1, 2]), json!([2, 1])), none);
        assert_eq!(
            differences(json!([1, 2]), json!([3, 2, 1])),
            ["/L/0 Add >3"]
        );
        assert_eq!(differences(json!([1, 1]), json!([1])), ["/L/1 Remove 1>"]);
        let (is, was) = (json!([9, {"A": 2}]), json!([{"A": 1}, 9]));
        assert_eq!(differences(was, is), ["/L/0/A NotEqual 1>2"]);
    }

    #[test]
    fn places_that_differ() {
        let expected = json!({"A": 1, "B": {"C": "x", "D": 2}, "L": [1, 2], "Gone": true});
        let actual = json!({"A": 1, "B": {"C": "y", "E": 3, "D": 2}, "L": [1, 3], "Default": 9});
        let mut found = Vec::new();
        differ(&expected, &actual, "", &mut found);
        let mut lines: Vec<String> = found
            .iter()
            .map(|it| format!("{} {:?} {}>{}", it.path, it.kind, it.expected, it.actual))
            .collect();
        lines.sort();
        let wanted = [
            "/B/C NotEqual x>y",
            "/B/E Add >3",
            "/Gone Remove true>",
            "/L/1 NotEqual 2>3",
        ];
        assert_eq!(lines, wanted);
    }
}
