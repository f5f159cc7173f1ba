//! One resource on the way forward: left alone, changed, replaced or made.

use super::forward::Target;
use super::model::{Retention, Stack, StackResource};
use super::operation::Phase;
use super::scope::StackScope;
use super::step::{Worker, mark_done};
use crate::account::lab::{Moment, Subject, Verb};
use crate::account::resources::{self, Failure, Request, check_properties, describe};
use crate::account::shared::Shared;
use crate::account::store::State;
use crate::template::{DeletionPolicy, Resource};
use serde_json::Value;
use std::collections::BTreeSet;

/// What became of a resource.
pub(super) enum Began {
    /// Nothing has to be done, or all is done.
    Nothing,
    /// It is in progress.
    Running,
    /// It failed.
    Failed,
}

/// Begins with one resource, or finds that it was begun or needs nothing.
pub(super) fn begin(
    worker: &Worker,
    target: &Target,
    id: &str,
    state: &mut State,
    stack: &mut Stack,
) -> Began {
    if stack
        .operation
        .as_ref()
        .is_some_and(|operation| operation.done.contains(id))
    {
        return Began::Nothing;
    }
    if let Some(begun) = stack.resources.get(id).filter(|resource| resource.touched) {
        return if begun.status.ends_with("_FAILED") {
            Began::Failed
        } else {
            Began::Running
        };
    }
    let Some(made) = target.template.resources.get(id) else {
        return Began::Nothing;
    };
    let before = stack.resources.get(id).cloned();
    let scope = StackScope::new(worker.account.options(), state, stack, &target.parameters);
    let evaluated = target.template.evaluate(&made.properties, &scope);
    let mut resource = wanted(made, target, id);
    resource.before.clone_from(&before);
    match evaluated {
        Ok(properties) => resource.properties = Shared::new(or_empty(properties)),
        Err(error) => {
            resource.physical_id = before.and_then(|before| before.physical_id.clone());
            return fail(stack, id, resource, error.to_string());
        }
    }
    if let Some(before) = before.filter(|before| same(before, &resource)) {
        let kept = StackResource {
            retention: resource.retention,
            needs: resource.needs,
            ..(*before).clone()
        };
        stack.resources.insert(id.to_owned(), Shared::new(kept));
        mark_done(stack, id);
        return Began::Nothing;
    }
    apply(worker, id, resource, state, stack)
}

fn wanted(made: &Resource, target: &Target, id: &str) -> StackResource {
    StackResource {
        resource_type: made.resource_type.clone(),
        needs: target.needs.get(id).cloned().unwrap_or_default(),
        retention: match made.deletion_policy {
            DeletionPolicy::Retain => Retention::Yes,
            DeletionPolicy::RetainExceptOnCreate => Retention::ExceptOnCreate,
            DeletionPolicy::Delete | DeletionPolicy::Snapshot => Retention::No,
        },
        replaced_is_retained: made.update_replace_policy == DeletionPolicy::Retain,
        touched: true,
        ..StackResource::default()
    }
}

/// A resource without properties has none, which is not the same as `null`.
pub(super) fn or_empty(properties: Value) -> Value {
    if properties.is_null() {
        Value::Object(serde_json::Map::new())
    } else {
        properties
    }
}

/// Makes, changes or replaces a resource.
fn apply(
    worker: &Worker,
    id: &str,
    mut resource: StackResource,
    state: &mut State,
    stack: &mut Stack,
) -> Began {
    let before = resource.before.clone();
    let replaced = before
        .as_ref()
        .is_some_and(|before| replaces(before, &resource));
    resource.physical_id = before
        .as_ref()
        .filter(|_| !replaced)
        .and_then(|before| before.physical_id.clone());
    let told = replaced.then(|| {
        "Requested update requires the creation of a new physical resource; hence creating one."
            .to_owned()
    });
    tell(stack, id, &mut resource, "IN_PROGRESS", told);
    let Some(descriptor) = describe(&resource.resource_type) else {
        let message = format!("Unrecognized resource types: [{}]", resource.resource_type);
        return fail(stack, id, resource, message);
    };
    if let Err(message) = check_properties(descriptor, &resource.properties) {
        return fail(stack, id, resource, message);
    }
    let operation = stack.operation.as_ref();
    let stack_tags = operation.map_or(&stack.spec.tags, |operation| &operation.target.tags);
    let request = Request {
        options: worker.account.options(),
        resource_type: descriptor.name,
        logical_id: id,
        stack_name: &stack.name,
        stack_id: &stack.id,
        stack_tags,
        properties: &resource.properties,
    };
    let verb = match &resource.physical_id {
        Some(_) => Verb::Update,
        None => Verb::Create,
    };
    let subject = Subject {
        stack: &stack.name,
        logical_id: id,
        resource_type: descriptor.name,
        verb,
    };
    if let Some(reason) = worker.account.lab().failure(subject, Moment::Begin) {
        let failure = Failure::general(reason).reason(&worker.account.ids().uuid());
        return fail(stack, id, resource, failure);
    }
    let outcome = match &resource.physical_id {
        Some(physical) => resources::update(state, descriptor, &request, physical).map(|()| None),
        None => resources::create(state, descriptor, &request).map(Some),
    };
    match outcome {
        Ok(None) => {}
        Ok(Some(made)) => {
            resource.physical_id = Some(made);
            tell(
                stack,
                id,
                &mut resource,
                "IN_PROGRESS",
                Some("Resource creation Initiated".to_owned()),
            );
        }
        Err(failure) => {
            return fail(
                stack,
                id,
                resource,
                failure.reason(&worker.account.ids().uuid()),
            );
        }
    }
    if let Some(before) = before.filter(|_| replaced && updates(stack)) {
        let retention = if resource.replaced_is_retained {
            Retention::Yes
        } else {
            Retention::No
        };
        let leftover = StackResource {
            retention,
            ..(*before).clone()
        };
        stack.leftovers.insert(id.to_owned(), Shared::new(leftover));
    }
    Began::Running
}

fn updates(stack: &Stack) -> bool {
    stack
        .operation
        .as_ref()
        .is_some_and(|operation| operation.phase == Phase::Update)
}

fn same(before: &StackResource, after: &StackResource) -> bool {
    before.resource_type == after.resource_type && *before.properties == *after.properties
}

/// Whether a new resource must take the place of the old one.
pub(super) fn replaces(before: &StackResource, after: &StackResource) -> bool {
    before.resource_type != after.resource_type
        || before.physical_id.is_none()
        || changed(&before.properties, &after.properties).any(|name| {
            describe(&after.resource_type).is_some_and(|descriptor| descriptor.replaced_by(name))
        })
}

/// The properties that differ.
pub(super) fn changed<'a>(before: &'a Value, after: &'a Value) -> impl Iterator<Item = &'a str> {
    let names = |value: &'a Value| {
        value
            .as_object()
            .into_iter()
            .flat_map(|map| map.keys().map(String::as_str))
    };
    let all: BTreeSet<&str> = names(before).chain(names(after)).collect();
    all.into_iter()
        .filter(move |name| before.get(*name) != after.get(*name))
}

/// Sets and tells the status of a resource.
fn tell(
    stack: &mut Stack,
    id: &str,
    resource: &mut StackResource,
    end: &str,
    reason: Option<String>,
) {
    resource.set(&format!("{}_{end}", resource.verb()), reason);
    stack.tell_of(id, resource);
    stack
        .resources
        .insert(id.to_owned(), Shared::new(resource.clone()));
}

fn fail(stack: &mut Stack, id: &str, mut resource: StackResource, message: String) -> Began {
    tell(stack, id, &mut resource, "FAILED", Some(message));
    Began::Failed
}
