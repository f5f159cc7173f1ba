//! The way down: resources deleted, each after all that need it.

use super::forward::Stop;
use super::model::{Stack, StackResource};
use super::step::{TakenOver, Worker, mark_done};
use super::walk::Walk;
use crate::account::resources::{self, describe};
use std::collections::{BTreeMap, BTreeSet};

/// Which resources of a stack are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// All that it has.
    Resources,
    /// What an update left over.
    Leftovers,
}

impl Which {
    fn of(self, stack: &mut Stack) -> &mut BTreeMap<String, StackResource> {
        match self {
            Self::Resources => &mut stack.resources,
            Self::Leftovers => &mut stack.leftovers,
        }
    }

    fn look(self, stack: &Stack) -> &BTreeMap<String, StackResource> {
        match self {
            Self::Resources => &stack.resources,
            Self::Leftovers => &stack.leftovers,
        }
    }
}

enum Begun {
    Done,
    Running,
    /// Something needs it still; it may not for long.
    Held(String),
}

/// Deletes them. What cannot be deleted stays, with its reason, and with it
/// all that it needs.
pub(super) async fn all(worker: &Worker, which: Which) -> Result<(), Stop> {
    let needs: BTreeMap<String, BTreeSet<String>> = worker.look(|_, stack, _| {
        let left = which
            .look(stack)
            .iter()
            .filter(|(_, resource)| !is_over(resource));
        left.map(|(id, resource)| (id.clone(), resource.needs.clone()))
            .collect()
    })?;
    let mut walk = Walk::reversed(&needs);
    let mut running: Vec<String> = Vec::new();
    let mut held: BTreeMap<String, String> = BTreeMap::new();
    let mut again: Vec<String> = Vec::new();
    loop {
        let mut ended: Vec<String> = Vec::new();
        let mut moved = false;
        while let Some(id) = walk.next().or_else(|| again.pop()) {
            moved = true;
            match begin(worker, which, &id)? {
                Begun::Done => ended.push(id),
                Begun::Running => running.push(id),
                Begun::Held(reason) => _ = held.insert(id, reason),
            }
        }
        let mut waiting = Vec::new();
        for id in running {
            if finish(worker, which, &id)? {
                ended.push(id);
            } else {
                waiting.push(id);
            }
        }
        running = waiting;
        if !ended.is_empty() {
            moved = true;
            again.extend(std::mem::take(&mut held).into_keys());
        }
        for id in ended {
            walk.done(&id);
        }
        if running.is_empty() && !moved {
            return give_up(worker, which, held);
        }
        if !moved {
            worker.rest().await;
        }
    }
}

fn is_over(resource: &StackResource) -> bool {
    matches!(
        resource.status.as_str(),
        "DELETE_COMPLETE" | "DELETE_SKIPPED"
    )
}

fn tell(stack: &mut Stack, which: Which, id: &str, status: &str, reason: Option<String>) {
    let Some(mut resource) = which.look(stack).get(id).cloned() else {
        return;
    };
    resource.set(status, reason);
    stack.tell_of(id, &resource);
    which.of(stack).insert(id.to_owned(), resource);
}

fn begin(worker: &Worker, which: Which, id: &str) -> Result<Begun, TakenOver> {
    worker.change(|state| {
        let Some(stack) = state.cloudformation.stack_mut(&worker.stack_id) else {
            return Begun::Done;
        };
        let Some(resource) = which.look(stack).get(id).cloned() else {
            return Begun::Done;
        };
        let (Some(physical), Some(descriptor)) =
            (&resource.physical_id, describe(&resource.resource_type))
        else {
            if let Some(resource) = which.of(stack).get_mut(id) {
                resource.set("DELETE_COMPLETE", None);
            }
            return Begun::Done;
        };
        if resource.retained {
            tell(stack, which, id, "DELETE_SKIPPED", None);
            mark_done(stack, id);
            return Begun::Done;
        }
        if resource.status != "DELETE_IN_PROGRESS" {
            tell(stack, which, id, "DELETE_IN_PROGRESS", None);
        }
        match resources::delete(state, descriptor, physical) {
            Ok(()) => Begun::Running,
            Err(failure) => Begun::Held(failure.reason(&worker.operation_id)),
        }
    })
}

/// Whether it has really ended; tells it when it has.
fn finish(worker: &Worker, which: Which, id: &str) -> Result<bool, TakenOver> {
    let gone = worker.look(|state, stack, _| {
        let Some(resource) = which.look(stack).get(id) else {
            return true;
        };
        match (describe(&resource.resource_type), &resource.physical_id) {
            (Some(descriptor), Some(physical)) => descriptor.family.gone(state, physical),
            _ => true,
        }
    })?;
    if gone {
        worker.change_stack(|stack| {
            tell(stack, which, id, "DELETE_COMPLETE", None);
            mark_done(stack, id);
        })?;
    }
    Ok(gone)
}

fn give_up(worker: &Worker, which: Which, held: BTreeMap<String, String>) -> Result<(), Stop> {
    if held.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = held.keys().cloned().collect();
    worker.change_stack(|stack| {
        for (id, reason) in held {
            tell(stack, which, &id, "DELETE_FAILED", Some(reason));
        }
    })?;
    Err(Stop::Failed(format!(
        "The following resource(s) failed to delete: [{}]. ",
        names.join(", ")
    )))
}
