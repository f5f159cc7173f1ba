//! The way down: resources deleted, each after all that need it.

use super::forward::Stop;
use super::model::{Retention, Stack, StackResource};
use super::operation::Phase;
use super::running::Running;
use super::step::{TakenOver, Worker, mark_done, subject};
use super::walk::Walk;
use crate::account::lab::{Moment, Verb};
use crate::account::resources::{self, Failure, Settled, describe};
use crate::account::shared::Shared;
use crate::account::store::State;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Which resources of a stack are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// All that it has.
    Resources,
    /// What an update left over.
    Leftovers,
}

impl Which {
    fn of(self, stack: &mut Stack) -> &mut BTreeMap<String, Shared<StackResource>> {
        match self {
            Self::Resources => &mut stack.resources,
            Self::Leftovers => &mut stack.leftovers,
        }
    }

    pub(super) fn look(self, stack: &Stack) -> &BTreeMap<String, Shared<StackResource>> {
        match self {
            Self::Resources => &stack.resources,
            Self::Leftovers => &stack.leftovers,
        }
    }
}

enum Began {
    Done,
    Running,
    /// Something needs it still; it may not for long.
    Held(String),
    /// It cannot be deleted.
    Failed(String),
}

/// Deletes them. What cannot be deleted stays, with its reason, and with it
/// all that it needs.
pub(super) async fn all(worker: &Worker, which: Which) -> Result<(), Stop> {
    let needs: BTreeMap<String, BTreeSet<String>> = worker.look(|_, stack, _| {
        let left = which
            .look(stack)
            .iter()
            .filter(|(_, resource)| !resource.is_over());
        left.map(|(id, resource)| (id.clone(), resource.needs.clone()))
            .collect()
    })?;
    let pace = worker.account.options().pace;
    let mut walk = Walk::reversed(&needs);
    let mut running = Running::default();
    let mut held: BTreeMap<String, String> = BTreeMap::new();
    let mut failed: BTreeMap<String, String> = BTreeMap::new();
    let mut again: Vec<String> = Vec::new();
    loop {
        let mut moved = false;
        while running.count() < pace.parallel.max(1) {
            let Some(id) = walk.next().or_else(|| again.pop()) else {
                break;
            };
            moved = true;
            match worker.change(|state, stack| begin(worker, which, &id, state, stack))? {
                Began::Done => walk.done(&id),
                Began::Running => {
                    let span = worker.span(&id, Verb::Delete, which)?;
                    running.begin(id, Duration::ZERO, span);
                }
                Began::Held(reason) => _ = held.insert(id, reason),
                Began::Failed(reason) => _ = failed.insert(id, reason),
            }
        }
        for id in running.due() {
            match finish(worker, which, &id)? {
                Settled::Waiting => continue,
                Settled::Yes => {
                    walk.done(&id);
                    again.extend(std::mem::take(&mut held).into_keys());
                }
                Settled::Failed(reason) => _ = failed.insert(id.clone(), reason),
            }
            running.end(&id);
            moved = true;
        }
        if running.count() == 0 && !moved {
            held.extend(failed);
            return give_up(worker, which, held);
        }
        if moved {
            tokio::task::yield_now().await;
        } else {
            worker.rest().await;
        }
    }
}

fn tell(stack: &mut Stack, which: Which, id: &str, status: &str, reason: Option<String>) {
    let Some(mut resource) = which.look(stack).get(id).cloned() else {
        return;
    };
    resource.make_mut().set(status, reason);
    stack.tell_of(id, &resource);
    which.of(stack).insert(id.to_owned(), resource);
}

fn begin(worker: &Worker, which: Which, id: &str, state: &mut State, stack: &mut Stack) -> Began {
    let Some(resource) = which.look(stack).get(id).cloned() else {
        return Began::Done;
    };
    let (Some(physical), Some(descriptor)) =
        (&resource.physical_id, describe(&resource.resource_type))
    else {
        if let Some(resource) = which.of(stack).get_mut(id) {
            resource.make_mut().set("DELETE_COMPLETE", None);
        }
        return Began::Done;
    };
    if stays(stack, id, &resource) {
        tell(stack, which, id, "DELETE_SKIPPED", None);
        mark_done(stack, id);
        return Began::Done;
    }
    if resource.status != "DELETE_IN_PROGRESS" {
        tell(stack, which, id, "DELETE_IN_PROGRESS", None);
    }
    let subject = subject(stack, which, id, Verb::Delete);
    let failing = subject.and_then(|subject| worker.account.lab().failure(subject, Moment::Begin));
    if let Some(reason) = failing {
        return Began::Failed(general(worker, reason));
    }
    match resources::delete(state, descriptor, physical) {
        Ok(()) => Began::Running,
        Err(failure) => Began::Held(failure.reason(&worker.operation_id)),
    }
}

fn general(worker: &Worker, reason: String) -> String {
    Failure::general(reason).reason(&worker.account.ids().uuid())
}

fn stays(stack: &Stack, id: &str, resource: &StackResource) -> bool {
    let Some(operation) = &stack.operation else {
        return false;
    };
    match resource.retention {
        _ if operation.retain.contains(id) => true,
        Retention::No => false,
        Retention::Yes => {
            let keeps = operation.phase != Phase::RollBackCreate;
            keeps || !stack.spec.terms.retain_except_on_create
        }
        Retention::ExceptOnCreate => operation.phase != Phase::RollBackCreate,
    }
}

/// Whether it has really ended; tells it when it has.
fn finish(worker: &Worker, which: Which, id: &str) -> Result<Settled, TakenOver> {
    let gone = worker.look(|state, stack, _| {
        let Some(resource) = which.look(stack).get(id) else {
            return true;
        };
        match (describe(&resource.resource_type), &resource.physical_id) {
            (Some(descriptor), Some(physical)) => descriptor.family.gone(state, physical),
            _ => true,
        }
    })?;
    if !gone {
        return Ok(Settled::Waiting);
    }
    let lab = worker.account.lab();
    let settled = worker.look(
        |_, stack, _| match subject(stack, which, id, Verb::Delete) {
            Some(subject) if lab.is_stuck(subject) => Settled::Waiting,
            Some(subject) => lab
                .failure(subject, Moment::End)
                .map_or(Settled::Yes, |reason| {
                    Settled::Failed(general(worker, reason))
                }),
            None => Settled::Yes,
        },
    )?;
    if settled == Settled::Yes {
        worker.change(|_, stack| {
            tell(stack, which, id, "DELETE_COMPLETE", None);
            mark_done(stack, id);
        })?;
    }
    Ok(settled)
}

fn give_up(worker: &Worker, which: Which, held: BTreeMap<String, String>) -> Result<(), Stop> {
    if held.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = held.keys().cloned().collect();
    let forced = worker.change(|_, stack| {
        let forced = stack
            .operation
            .as_ref()
            .is_some_and(|operation| operation.force);
        let status = if forced {
            "DELETE_SKIPPED"
        } else {
            "DELETE_FAILED"
        };
        for (id, reason) in held {
            tell(stack, which, &id, status, Some(reason));
        }
        forced
    })?;
    if forced {
        return Ok(());
    }
    Err(Stop::Failed(format!(
        "The following resource(s) failed to delete: [{}]. ",
        names.join(", ")
    )))
}
