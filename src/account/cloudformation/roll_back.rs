//! An update taken back: what it changed gets its old properties, what it
//! made is left over.

use super::forward::{Stop, tell};
use super::model::{Phase, Stack};
use super::step::{TakenOver, Worker};
use super::walk::Walk;
use crate::account::resources::{self, Request, Settled, describe};
use std::collections::{BTreeMap, BTreeSet};

/// Turns to the way back.
pub(super) fn turn(worker: &Worker, reason: String) -> Result<(), TakenOver> {
    let event = worker.account.ids().uuid();
    worker.change_stack(|stack| {
        take_back(stack);
        stack.tell(event, "UPDATE_ROLLBACK_IN_PROGRESS", Some(reason));
        if let Some(operation) = &mut stack.operation {
            operation.phase = Phase::RollBackUpdate;
            operation.done.clear();
        }
    })
}

/// New resources are left over, replaced ones stand again; what was changed
/// in place keeps its mark.
fn take_back(stack: &mut Stack) {
    stack.leftovers.clear();
    for (id, resource) in std::mem::take(&mut stack.resources) {
        let kept = match &resource.before {
            None if resource.touched => None,
            Some(before) if before.physical_id != resource.physical_id => Some((**before).clone()),
            _ => Some(resource.clone()),
        };
        let same = kept
            .as_ref()
            .is_some_and(|kept| kept.physical_id == resource.physical_id);
        if !same && resource.physical_id.is_some() {
            let leftover = super::model::StackResource {
                retained: false,
                before: None,
                ..resource
            };
            stack.leftovers.insert(id.clone(), leftover);
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
    let mut running: Vec<String> = Vec::new();
    loop {
        let mut moved = false;
        while let Some(id) = walk.next() {
            moved = true;
            begin(worker, &id)?;
            running.push(id);
        }
        let mut waiting = Vec::new();
        for id in running {
            if finish(worker, &id)? {
                walk.done(&id);
                moved = true;
            } else {
                waiting.push(id);
            }
        }
        running = waiting;
        if running.is_empty() && !moved {
            return Ok(());
        }
        if !moved {
            worker.rest().await;
        }
    }
}

fn begin(worker: &Worker, id: &str) -> Result<(), Stop> {
    let token = worker.account.ids().uuid();
    let failed = worker.change(|state| {
        let stack = state.cloudformation.stacks.get(&worker.stack_id).cloned()?;
        let mut resource = stack.resources.get(id).cloned()?;
        let before = resource.before.clone()?;
        let descriptor = describe(&before.resource_type)?;
        resource.properties = before.properties.clone();
        tell(worker, state, id, &mut resource, "UPDATE_IN_PROGRESS", None);
        let request = Request {
            options: worker.account.options(),
            resource_type: descriptor.name,
            logical_id: id,
            stack_name: &stack.name,
            stack_id: &stack.id,
            properties: &before.properties,
        };
        let failure =
            resources::update(state, descriptor, &request, before.physical_id.as_deref()?).err()?;
        tell(
            worker,
            state,
            id,
            &mut resource,
            "UPDATE_FAILED",
            Some(failure.reason(&token)),
        );
        Some(format!(
            "The following resource(s) failed to update: [{id}]."
        ))
    })?;
    failed.map_or(Ok(()), |reason| Err(Stop::Failed(reason)))
}

fn finish(worker: &Worker, id: &str) -> Result<bool, Stop> {
    let settled = worker.look(|state, stack, _| {
        let resource = stack.resources.get(id)?;
        let descriptor = describe(&resource.resource_type)?;
        Some(
            descriptor
                .family
                .settled(state, resource.physical_id.as_deref()?),
        )
    })?;
    match settled.unwrap_or(Settled::Yes) {
        Settled::Waiting => return Ok(false),
        Settled::Failed(_) => {
            return Err(Stop::Failed(format!(
                "The following resource(s) failed to update: [{id}]."
            )));
        }
        Settled::Yes => {}
    }
    worker.change(|state| {
        let found = state
            .cloudformation
            .stacks
            .get(&worker.stack_id)
            .and_then(|stack| stack.resources.get(id));
        let Some(mut resource) = found.cloned() else {
            return;
        };
        if let Some(before) = resource.before.take() {
            resource.needs = before.needs;
            resource.retained = before.retained;
            resource.replaced_is_retained = before.replaced_is_retained;
        }
        resource.touched = false;
        tell(worker, state, id, &mut resource, "UPDATE_COMPLETE", None);
    })?;
    Ok(true)
}
