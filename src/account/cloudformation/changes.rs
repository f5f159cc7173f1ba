//! What lies between a stack and what it would become.

use super::change::{changed, or_empty};
use super::engine::outputs;
use super::forward::wanted;
use super::model::{ChangeSet, Spec, Stack, StackResource};
use super::scope::{StackScope, UNKNOWN, values};
use super::validation::unknown;
use crate::account::handle::Options;
use crate::account::resources::describe;
use crate::account::store::State;
use crate::template::Template;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One change of a change set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// What is done.
    pub action: ChangeAction,
    /// The resource.
    pub logical_id: String,
    /// Its id, when it is there.
    pub physical_id: Option<String>,
    /// Its type.
    pub resource_type: String,
    /// Whether a new one takes its place; only of a modified one.
    pub replacement: Option<Replacement>,
    /// The properties that change, each with whether it needs a new one.
    pub properties: BTreeMap<String, Replacement>,
}

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeAction {
    /// Makes a resource.
    Add,
    /// Changes one.
    Modify,
    /// Takes one away.
    Remove,
}

/// Whether a resource is replaced; the later, the surer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Replacement {
    /// It is not.
    False,
    /// That depends on values known later.
    Conditional,
    /// It is.
    True,
}

/// The difference.
pub(super) struct Between {
    /// Whether there is any, in resources, outputs, tags or terms.
    pub(super) any: bool,
    /// The resources that would change.
    pub(super) changes: Vec<Change>,
}

/// Compares a stack with what it would become. Values that are known only
/// once a resource is made count as changed.
pub(super) fn between(
    options: &Options,
    state: &State,
    stack: &Stack,
    spec: &Spec,
    template: &Template,
) -> Result<Between, String> {
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
        let scope = StackScope::new(options, state, stack, &parameters).before(&unknown);
        let change = of_resource(template, stack, id, &scope)?;
        if let Some(change) = change {
            // Whoever refers to it will see another id.
            if change.physical_id.is_none() || change.replacement > Some(Replacement::False) {
                unknown.insert(id.to_owned());
            }
            changes.push(change);
        }
    }
    changes.extend(removed(stack, &needs));
    // Tags alone make a change set without changes, which can be executed
    // (envato/stack_master issue 302 has AWS's events of one).
    let of_stack = spec.tags != stack.spec.tags || spec.terms.differ(&stack.spec.terms);
    let any = !changes.is_empty() || of_stack || {
        let scope = StackScope::new(options, state, stack, &parameters).before(&unknown);
        outputs(template, &scope)? != stack.outputs
    };
    Ok(Between { any, changes })
}

/// What a resource's properties are, and what they would be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    /// Nothing when it is not there.
    pub before: Option<Value>,
    /// Nothing when it would not be there.
    pub after: Option<Value>,
}

/// The values around these changes of a change set, by logical id.
pub fn values_of(
    options: &Options,
    state: &State,
    stack: &Stack,
    set: &ChangeSet,
    changes: &[Change],
) -> BTreeMap<String, Values> {
    let after = |template: &Template, id: &str| {
        let parameters = values(template, &set.spec, state).ok()?;
        let unknown = unknown(&set.changes);
        let scope = StackScope::new(options, state, stack, &parameters).before(&unknown);
        let resource = template.resources.get(id)?;
        let properties = template.evaluate(&resource.properties, &scope).ok()?;
        Some(or_empty(properties))
    };
    let template = super::spec::parse(&set.spec.template).ok();
    let of = |change: &Change| {
        let there = stack.resources.get(&change.logical_id);
        let there = there.filter(|_| change.physical_id.is_some());
        let wanted = template
            .as_ref()
            .filter(|_| change.action != ChangeAction::Remove);
        Values {
            before: there.map(|resource| (*resource.properties).clone()),
            after: wanted.and_then(|template| after(template, &change.logical_id)),
        }
    };
    changes
        .iter()
        .map(|change| (change.logical_id.clone(), of(change)))
        .collect()
}

fn of_resource(
    template: &Template,
    stack: &Stack,
    id: &str,
    scope: &StackScope<'_>,
) -> Result<Option<Change>, String> {
    let Some(resource) = template.resources.get(id) else {
        return Ok(None);
    };
    let resource_type = resource.resource_type.clone();
    let there = stack
        .resources
        .get(id)
        .filter(|there| there.physical_id.is_some());
    let Some(there) = there else {
        return Ok(Some(Change {
            action: ChangeAction::Add,
            logical_id: id.to_owned(),
            physical_id: None,
            resource_type,
            replacement: None,
            properties: BTreeMap::new(),
        }));
    };
    let properties = template.evaluate(&resource.properties, scope);
    let properties = or_empty(properties.map_err(|error| error.to_string())?);
    if there.resource_type == resource_type && *there.properties == properties {
        return Ok(None);
    }
    Ok(Some(modified(id, there, resource_type, &properties)))
}

fn modified(id: &str, there: &StackResource, resource_type: String, properties: &Value) -> Change {
    let descriptor = describe(&resource_type);
    let needs_new = |name: &str| descriptor.is_some_and(|descriptor| descriptor.replaced_by(name));
    let unknown = |name: &str| {
        properties
            .get(name)
            .is_some_and(|value| value.to_string().contains(UNKNOWN))
    };
    let names: BTreeMap<String, Replacement> = changed(&there.properties, properties)
        .map(|name| {
            let replacement = match (needs_new(name), unknown(name)) {
                (false, _) => Replacement::False,
                (true, true) => Replacement::Conditional,
                (true, false) => Replacement::True,
            };
            (name.to_owned(), replacement)
        })
        .collect();
    let replacement = names.values().max().copied().unwrap_or(Replacement::False);
    Change {
        action: ChangeAction::Modify,
        logical_id: id.to_owned(),
        physical_id: there.physical_id.clone(),
        resource_type,
        replacement: Some(replacement),
        properties: names,
    }
}

fn removed(stack: &Stack, needs: &BTreeMap<String, BTreeSet<String>>) -> Vec<Change> {
    let there = |resource: &StackResource| resource.physical_id.is_some() && !resource.is_over();
    let gone = stack
        .resources
        .iter()
        .filter(|(id, resource)| !needs.contains_key(*id) && there(resource));
    gone.map(|(id, resource)| Change {
        action: ChangeAction::Remove,
        logical_id: id.clone(),
        physical_id: resource.physical_id.clone(),
        resource_type: resource.resource_type.clone(),
        replacement: None,
        properties: BTreeMap::new(),
    })
    .collect()
}
