//! What a new spec would change in a stack.

use super::engine::outputs;
use super::forward::{Target, changed, wanted};
use super::model::{Change, ChangeAction, Replacement, Spec, Stack};
use super::scope::{StackScope, UNKNOWN, values};
use crate::account::handle::Options;
use crate::account::resources::describe;
use crate::account::store::State;
use crate::template::Template;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What would change.
pub(super) struct Changes {
    /// The changes of resources, in the order of the template.
    pub(super) changes: Vec<Change>,
    /// Whether anything changes at all: resources, outputs or tags.
    pub(super) any: bool,
}

/// Compares a stack as it is with a spec.
pub(super) fn between(
    options: &Options,
    state: &State,
    stack: &Stack,
    spec: &Spec,
    template: &Template,
) -> Result<Changes, String> {
    let parameters = values(template, spec, state)?;
    let none = BTreeSet::new();
    let scope = StackScope::new(options, state, stack, &parameters).before(&none);
    let needs = wanted(template, &scope)?;
    let mut unknown = BTreeSet::new();
    let mut changes = Vec::new();
    for id in template.order() {
        let id = id.as_str();
        if !needs.contains_key(id) {
            continue;
        }
        let change = of_one(options, state, stack, (template, &parameters), id, &unknown)?;
        if let Some(change) = change {
            if change.replacement != Some(Replacement::False) {
                unknown.insert(id.to_owned());
            }
            changes.push(change);
        }
    }
    let removed = stack.resources.iter().filter(|(id, _)| !needs.contains_key(*id));
    changes.extend(removed.map(|(id, resource)| Change {
        action: ChangeAction::Remove,
        logical_id: id.clone(),
        physical_id: resource.physical_id.clone(),
        resource_type: resource.resource_type.clone(),
        replacement: None,
        properties: BTreeMap::new(),
    }));
    let any = !changes.is_empty() || spec.tags != stack.spec.tags || {
        let target = Target { template: template.clone(), parameters: parameters.clone(), needs };
        let scope = StackScope::new(options, state, stack, &parameters).before(&unknown);
        outputs(&target, &scope)? != stack.outputs
    };
    Ok(Changes { changes, any })
}

fn of_one(
    options: &Options,
    state: &State,
    stack: &Stack,
    (template, parameters): (&Template, &BTreeMap<String, Value>),
    id: &str,
    unknown: &BTreeSet<String>,
) -> Result<Option<Change>, String> {
    let Some(resource) = template.resources.get(id) else { return Ok(None) };
    let mut change = Change {
        action: ChangeAction::Add,
        logical_id: id.to_owned(),
        physical_id: None,
        resource_type: resource.resource_type.clone(),
        replacement: None,
        properties: BTreeMap::new(),
    };
    let Some(before) = stack.resources.get(id).filter(|before| before.physical_id.is_some()) else {
        return Ok(Some(change));
    };
    let scope = StackScope::new(options, state, stack, parameters).before(unknown);
    let after = template.evaluate(&resource.properties, &scope).map_err(|error| error.to_string())?;
    let after = if after.is_null() { Value::Object(serde_json::Map::new()) } else { after };
    change.action = ChangeAction::Modify;
    change.physical_id.clone_from(&before.physical_id);
    if before.resource_type != resource.resource_type {
        change.replacement = Some(Replacement::True);
        return Ok(Some(change));
    }
    let descriptor = describe(&resource.resource_type);
    let mut replacement = Replacement::False;
    for name in changed(&before.properties, &after) {
        let replaces = descriptor.is_some_and(|descriptor| descriptor.replaced_by(name));
        change.properties.insert(name.to_owned(), replaces);
        let surely = after.get(name).is_none_or(|value| !is_unknown(value));
        replacement = match (replaces, surely) {
            (true, true) => Replacement::True,
            (true, false) if replacement == Replacement::False => Replacement::Conditional,
            _ => replacement,
        };
    }
    change.replacement = Some(replacement);
    Ok((!change.properties.is_empty()).then_some(change))
}

fn is_unknown(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(UNKNOWN),
        Value::Array(items) => items.iter().any(is_unknown),
        Value::Object(entries) => entries.values().any(is_unknown),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
