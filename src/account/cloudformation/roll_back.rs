//! An update taken back: what it changed gets its old properties, what it
//! made is left over.

use super::delete::Which;
use super::forward::Stop;
use super::model::{Retention, Stack, StackResource};
use super::operation::{OperationKind, OperationStatus, Phase};
use super::running::Running;
use super::step::{TakenOver, Worker, subject};
use super::walk::Walk;
use crate::account::lab::{Moment, Subject, Verb};
use crate::account::resources::{self, Failure, Request, Settled, describe};
use crate::account::shared::Shared;
use crate::account::store::State;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Turns to the way back.
pub(super) fn turn(worker: &Worker, reason: String) -> Result<(), TakenOver> {
    let ids = worker.account.ids();
    let (event, id) = (ids.uuid(), ids.uuid());
    worker.change(|_, stack| {
        stack.end_operation(OperationStatus::Failed, Some(reason.clone()));
        stack.begin_operation(id, OperationKind::Rollback);
        turn_stack(stack, event, Some(reason));
    })
}

/// The same for a stack in hand.
pub(super) fn turn_stack(stack: &mut Stack, event: String, reason: Option<String>) {
    take_back(stack);
    stack.tell(event, "UPDATE_ROLLBACK_IN_PROGRESS", reason);
    if let Some(operation) = &mut stack.operation {
        operation.phase = Phase::RollBackUpdate;
        operation.done.clear();
    }
}

/// New resources are left over, replaced ones stand again; what was changed
/// in place keeps its mark.
fn take_back(stack: &mut Stack) {
    stack.leftovers.clear();
    for (id, resource) in std::mem::take(&mut stack.resources) {
        let kept = match &resource.before {
            None if resource.touched => None,
            Some(before) if before.physical_id != resource.physical_id => Some(before.clone()),
            _ => Some(resource.clone()),
        };
        let same = kept
            .as_ref()
            .is_some_and(|kept| kept.physical_id == resource.physical_id);
        if !same && resource.physical_id.is_some() {
            let leftover = StackResource {
                retention: Retention::No,
                before: None,
                ..(*resource).clone()
            };
            stack.leftovers.insert(id.clone(), Shared::new(leftover));
        }
        if let Some(kept) = kept {
            stack.resources.insert(id, kept);
        }
    }
}

/// Gives the changed resources their old properties.
pub(super) async fn go(worker: &Worker) -> Result<(), Stop> {
    let needs: BTreeMap<String, BTreeSet<String>> = worker.look(|_, stack, _| {
        let changed = stack
            .resources
            .iter()
            .filter(|(_, resource)| resource.touched);
        changed
            .map(|(id, resource)| (id.clone(), resource.needs.clone()))
            .collect()
    })?;
    let mut walk = Walk::new(&needs);
    let mut running = Running::default();
    loop {
        let mut moved = false;
        while let Some(id) = walk.next() {
            moved = true;
            worker
                .change(|state, stack| begin(worker, &id, state, stack))?
                .map_err(Stop::Failed)?;
            let span = worker.span(&id, Verb::RollBack, Which::Resources)?;
            running.begin(id, Duration::ZERO, span);
        }
        for id in running.due() {
            if finish(worker, &id)? {
                running.end(&id);
                walk.done(&id);
                moved = true;
            }
        }
        if running.count() == 0 && !moved {
            return Ok(());
        }
        if !moved {
            worker.rest().await;
        }
    }
}

fn set(stack: &mut Stack, id: &str, status: &str, reason: Option<String>) {
    let Some(mut resource) = stack.resources.get(id).cloned() else {
        return;
    };
    resource.make_mut().set(status, reason);
    stack.tell_of(id, &resource);
    stack.resources.insert(id.to_owned(), resource);
}

fn failed(id: &str) -> String {
    format!("The following resource(s) failed to update: [{id}].")
}

fn begin(worker: &Worker, id: &str, state: &mut State, stack: &mut Stack) -> Result<(), String> {
    let Some(resource) = stack.resources.get_mut(id) else {
        return Ok(());
    };
    let Some(before) = resource.before.clone() else {
        return Ok(());
    };
    let (Some(descriptor), Some(physical)) = (describe(&before.resource_type), &before.physical_id)
    else {
        return Ok(());
    };
    resource.make_mut().properties = before.properties.clone();
    set(stack, id, "UPDATE_IN_PROGRESS", None);
    let request = Request {
        options: worker.account.options(),
        resource_type: descriptor.name,
        logical_id: id,
        stack_name: &stack.name,
        stack_id: &stack.id,
        stack_tags: &stack.spec.tags,
        properties: &before.properties,
    };
    let subject = Subject {
        stack: &stack.name,
        logical_id: id,
        resource_type: descriptor.name,
        verb: Verb::RollBack,
    };
    let failing = worker.account.lab().failure(subject, Moment::Begin);
    let outcome = match failing {
        Some(reason) => Err(Failure::general(reason)),
        None => resources::update(state, descriptor, &request, physical),
    };
    outcome.map_err(|failure| {
        set(
            stack,
            id,
            "UPDATE_FAILED",
            Some(failure.reason(&worker.account.ids().uuid())),
        );
        failed(id)
    })
}

/// What the laboratory makes of a resource that has settled.
fn at_the_end(worker: &Worker, stack: &Stack, id: &str) -> Settled {
    let lab = worker.account.lab();
    let Some(subject) = subject(stack, Which::Resources, id, Verb::RollBack) else {
        return Settled::Yes;
    };
    if lab.is_stuck(subject) {
        return Settled::Waiting;
    }
    lab.failure(subject, Moment::End)
        .map_or(Settled::Yes, Settled::Failed)
}

fn finish(worker: &Worker, id: &str) -> Result<bool, Stop> {
    let settled = worker.look(|state, stack, _| {
        let resource = stack.resources.get(id)?;
        let descriptor = describe(&resource.resource_type)?;
        let physical = resource.physical_id.as_deref()?;
        Some(match descriptor.family.settled(state, physical) {
            Settled::Yes => at_the_end(worker, stack, id),
            other => other,
        })
    })?;
    match settled.unwrap_or(Settled::Yes) {
        Settled::Waiting => return Ok(false),
        Settled::Failed(reason) => {
            worker.change(|_, stack| set(stack, id, "UPDATE_FAILED", Some(reason)))?;
            return Err(Stop::Failed(failed(id)));
        }
        Settled::Yes => {}
    }
    worker.change(|_, stack| {
        if let Some(resource) = stack.resources.get_mut(id) {
            restore(resource.make_mut());
        }
        set(stack, id, "UPDATE_COMPLETE", None);
    })?;
    Ok(true)
}

/// Takes over what no property says.
fn restore(resource: &mut StackResource) {
    if let Some(before) = resource.before.take() {
        resource.needs.clone_from(&before.needs);
        resource.retention = before.retention;
        resource.replaced_is_retained = before.replaced_is_retained;
    }
    resource.touched = false;
}
