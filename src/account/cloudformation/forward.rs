//! The way forward: resources made and changed until they are as the target
//! says.

use super::change::{Began, begin};
use super::delete::Which;
use super::model::{Spec, Stack};
use super::running::Running;
use super::scope::{StackScope, values};
use super::step::{TakenOver, Worker, mark_done, subject};
use super::walk::Walk;
use crate::account::lab::{Latency, Moment, Verb, starts_early};
use crate::account::resources::{Failure, Settled, describe};
use crate::template::Template;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Why a way ended before its end.
pub(super) enum Stop {
    /// Something failed; the reason as the stack's next event has it.
    Failed(String),
    /// The operation is no longer ours.
    TakenOver,
}

impl From<TakenOver> for Stop {
    fn from(_: TakenOver) -> Self {
        Self::TakenOver
    }
}

/// The template and values that an operation goes towards.
pub(super) struct Target {
    pub(super) template: Template,
    pub(super) parameters: BTreeMap<String, Value>,
    /// The resources that are wanted, with what each needs.
    pub(super) needs: BTreeMap<String, BTreeSet<String>>,
}

impl Target {
    /// Reads what was checked when it was submitted; what may have changed
    /// since is looked up again.
    pub(super) fn read(worker: &Worker, spec: &Spec) -> Result<Self, Stop> {
        let template = super::spec::parse(&spec.template).map_err(Stop::Failed)?;
        let made = worker.look(|state, stack, _| {
            let parameters = values(&template, spec, state)?;
            let scope = StackScope::new(worker.account.options(), state, stack, &parameters);
            let needs = wanted(&template, &scope)?;
            Ok((parameters.clone(), needs))
        })?;
        let (parameters, needs) = made.map_err(Stop::Failed)?;
        Ok(Self {
            template,
            parameters,
            needs,
        })
    }
}

/// The resources whose conditions hold, each with what it needs.
pub(super) fn wanted(
    template: &Template,
    scope: &StackScope<'_>,
) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let mut needs = BTreeMap::new();
    for (id, resource) in &template.resources {
        if template
            .wants(resource, scope)
            .map_err(|error| error.to_string())?
        {
            let mine = template
                .dependencies(id)
                .iter()
                .map(ToString::to_string)
                .collect();
            needs.insert(id.to_string(), mine);
        }
    }
    Ok(needs)
}

/// Makes and changes all that the target wants.
pub(super) async fn go(worker: &Worker, target: &Target) -> Result<(), Stop> {
    let pace = worker.account.options().pace;
    let mut walk = Walk::new(&target.needs);
    let mut running = Running::default();
    loop {
        let mut moved = false;
        while running.count() < pace.parallel.max(1) {
            let Some(id) = walk.next() else { break };
            moved = true;
            match worker.change(|state, stack| begin(worker, target, &id, state, stack))? {
                Began::Nothing => walk.done(&id),
                Began::Running => {
                    let waited = target.needs.get(&id).is_some_and(|needs| !needs.is_empty());
                    let latency = worker.account.lab().latency().filter(|_| waited);
                    let gap = latency.map_or(Duration::ZERO, Latency::gap);
                    let mut span = worker.span(&id, verb(worker, &id)?, Which::Resources)?;
                    if worker.look(|_, stack, _| is_express(stack))? {
                        let latency = worker.account.lab().latency();
                        let least = latency.map_or(span.complete, Latency::configuration);
                        span.complete = span.configured.take().unwrap_or(least);
                    }
                    running.begin(id, gap, span);
                }
                Began::Failed => return Err(cancel(worker, &id)?),
            }
        }
        for id in running.configured() {
            moved = true;
            worker.change(|_, stack| tell_configured(stack, &id))?;
            walk.done_for(&id, |then| early(target, &id, then));
        }
        for id in running.due() {
            match settle(worker, &id)? {
                Settled::Yes => {
                    running.end(&id);
                    walk.done(&id);
                    moved = true;
                }
                Settled::Waiting => {}
                Settled::Failed(_) => return Err(cancel(worker, &id)?),
            }
        }
        if running.count() == 0 && !moved {
            return Ok(());
        }
        if moved {
            tokio::task::yield_now().await;
        } else {
            worker.rest().await;
        }
    }
}

/// Whether one resource waits only for the other's configuration.
fn early(target: &Target, needed: &str, dependant: &str) -> bool {
    let kind = |id: &str| {
        let resource = target.template.resources.get(id);
        resource.map_or("", |resource| resource.resource_type.as_str())
    };
    starts_early(kind(needed), kind(dependant))
}

/// What is being done to a resource on this way.
fn verb(worker: &Worker, id: &str) -> Result<Verb, TakenOver> {
    worker.look(|_, stack, _| verb_of(stack, id))
}

fn verb_of(stack: &Stack, id: &str) -> Verb {
    let changed = stack.resources.get(id).is_some_and(|resource| {
        let before = resource.before.as_ref();
        before.is_some_and(|before| before.physical_id == resource.physical_id)
    });
    if changed { Verb::Update } else { Verb::Create }
}

/// Whether nobody waits until resources have come to rest.
fn is_express(stack: &Stack) -> bool {
    let operation = stack.operation.as_ref();
    operation.is_some_and(|operation| operation.target.terms.is_express)
}

fn tell_configured(stack: &mut Stack, id: &str) {
    let Some(resource) = stack.resources.get(id).cloned() else {
        return;
    };
    let mut told = (*resource).clone();
    told.reason = Some("Eventual consistency check initiated".to_owned());
    stack.tell_configured(id, &told);
}

/// What the laboratory makes of a resource that has settled.
fn at_the_end(worker: &Worker, stack: &Stack, id: &str) -> Settled {
    let lab = worker.account.lab();
    let Some(subject) = subject(stack, Which::Resources, id, verb_of(stack, id)) else {
        return Settled::Yes;
    };
    if lab.is_stuck(subject) {
        return Settled::Waiting;
    }
    lab.failure(subject, Moment::End)
        .map_or(Settled::Yes, Settled::Failed)
}

/// Looks whether a resource that was begun is ready.
fn settle(worker: &Worker, id: &str) -> Result<Settled, TakenOver> {
    let settled = worker.look(|state, stack, _| {
        let resource = stack.resources.get(id)?;
        let descriptor = describe(&resource.resource_type)?;
        let physical = resource.physical_id.as_deref()?;
        Some(match descriptor.family.settled(state, physical) {
            Settled::Waiting if is_express(stack) => at_the_end(worker, stack, id),
            Settled::Yes => at_the_end(worker, stack, id),
            other => other,
        })
    })?;
    let settled = settled.unwrap_or(Settled::Yes);
    match &settled {
        Settled::Waiting => {}
        Settled::Yes => worker.change(|_, stack| {
            set(stack, id, "COMPLETE", None);
            mark_done(stack, id);
        })?,
        Settled::Failed(message) => {
            let failure = Failure::not_stabilized(message.clone());
            let reason = failure.reason(&worker.account.ids().uuid());
            worker.change(|_, stack| set(stack, id, "FAILED", Some(reason)))?;
        }
    }
    Ok(settled)
}

/// Sets and tells the end of what was begun with a resource.
fn set(stack: &mut Stack, id: &str, end: &str, reason: Option<String>) {
    let Some(mut resource) = stack.resources.get(id).cloned() else {
        return;
    };
    let verb = resource.verb();
    resource.make_mut().set(&format!("{verb}_{end}"), reason);
    stack.tell_of(id, &resource);
    stack.resources.insert(id.to_owned(), resource);
}

/// Cancels what is in progress.
pub(super) fn give_up(worker: &Worker) -> Result<(), TakenOver> {
    worker.change(|_, stack| _ = cancel_running(stack))
}

/// The same for a stack in hand; gives what was in progress.
fn cancel_running(stack: &mut Stack) -> Vec<String> {
    let in_progress = |status: &str| status.ends_with("_IN_PROGRESS");
    let running: Vec<String> = stack
        .resources
        .iter()
        .filter(|(_, resource)| resource.touched && in_progress(&resource.status))
        .map(|(id, _)| id.clone())
        .collect();
    for id in &running {
        let creates = stack
            .resources
            .get(id)
            .is_some_and(|resource| resource.before.is_none());
        let what = if creates { "creation" } else { "update" };
        let reason = format!("Resource {what} cancelled");
        set(stack, id, "FAILED", Some(reason));
    }
    running
}

/// Cancels what is in progress and gives the reason for the stack.
fn cancel(worker: &Worker, failed: &str) -> Result<Stop, TakenOver> {
    worker.change(|_, stack| {
        let running = cancel_running(stack);
        let names = |verb: &str| {
            let of_verb = |id: &&str| {
                stack
                    .resources
                    .get(*id)
                    .is_some_and(|resource| resource.verb() == verb)
            };
            let all = std::iter::once(failed).chain(running.iter().map(String::as_str));
            let names: Vec<&str> = all.filter(of_verb).collect();
            let doing = verb.to_lowercase();
            (!names.is_empty()).then(|| {
                format!(
                    "The following resource(s) failed to {doing}: [{}].",
                    names.join(", ")
                )
            })
        };
        let both = [names("CREATE"), names("UPDATE")].into_iter().flatten();
        Stop::Failed(both.collect::<Vec<_>>().join(" "))
    })
}
