//! The way forward: resources made and changed until they are as the target
//! says.

use super::model::{Phase, Spec, StackResource};
use super::scope::{StackScope, values};
use super::step::{TakenOver, Worker, mark_done};
use super::walk::Walk;
use crate::account::resources::{self, Request, Settled, check_properties, describe};
use crate::account::shared::Shared;
use crate::account::store::State;
use crate::template::{DeletionPolicy, Template};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

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

enum Started {
    Nothing,
    Running,
    Failed,
}

/// Makes and changes all that the target wants.
pub(super) async fn go(worker: &Worker, target: &Target) -> Result<(), Stop> {
    let pace = worker.account.options().pace;
    let mut walk = Walk::new(&target.needs);
    let mut running: BTreeMap<String, Instant> = BTreeMap::new();
    loop {
        let mut moved = false;
        while running.len() < pace.parallel.max(1) {
            let Some(id) = walk.next() else { break };
            moved = true;
            match start(worker, target, &id)? {
                Started::Nothing => walk.done(&id),
                Started::Running => _ = running.insert(id, Instant::now()),
                Started::Failed => return Err(cancel(worker, &id)?),
            }
        }
        let due: Vec<String> = running
            .iter()
            .filter(|(_, since)| since.elapsed() >= pace.step)
            .map(|(id, _)| id.clone())
            .collect();
        for id in due {
            match settle(worker, &id)? {
                Settled::Yes => {
                    running.remove(&id);
                    walk.done(&id);
                    moved = true;
                }
                Settled::Waiting => {}
                Settled::Failed(_) => return Err(cancel(worker, &id)?),
            }
        }
        if running.is_empty() && !moved {
            return Ok(());
        }
        if !moved {
            worker.rest().await;
        }
    }
}

/// Begins with one resource, or finds that it was begun or needs nothing.
fn start(worker: &Worker, target: &Target, id: &str) -> Result<Started, TakenOver> {
    let state = worker.look(|_, stack, operation| {
        let begun = stack.resources.get(id).filter(|resource| resource.touched);
        (
            operation.done.contains(id),
            begun.map(|resource| resource.status.ends_with("_FAILED")),
        )
    })?;
    match state {
        (true, _) => Ok(Started::Nothing),
        (false, Some(false)) => Ok(Started::Running),
        (false, Some(true)) => Ok(Started::Failed),
        (false, None) => {
            let token = worker.account.ids().uuid();
            worker.change(|state| begin(worker, target, id, state, &token))
        }
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "one resource from evaluation to creation, step by step"
)]
fn begin(worker: &Worker, target: &Target, id: &str, state: &mut State, token: &str) -> Started {
    let Some(made) = target.template.resources.get(id) else {
        return Started::Nothing;
    };
    let Some(stack) = state.cloudformation.stacks.get(&worker.stack_id).cloned() else {
        return Started::Nothing;
    };
    let before = stack.resources.get(id).cloned();
    let updating = stack
        .operation
        .as_ref()
        .is_some_and(|operation| operation.phase == Phase::Update);
    let scope = StackScope::new(worker.account.options(), state, &stack, &target.parameters);
    let evaluated = target.template.evaluate(&made.properties, &scope);
    let mut resource = StackResource {
        resource_type: made.resource_type.clone(),
        needs: target.needs.get(id).cloned().unwrap_or_default(),
        retained: matches!(
            made.deletion_policy,
            DeletionPolicy::Retain | DeletionPolicy::RetainExceptOnCreate
        ),
        replaced_is_retained: made.update_replace_policy == DeletionPolicy::Retain,
        touched: true,
        before: before.clone().map(Box::new),
        ..StackResource::default()
    };
    let verb = if before.is_some() { "UPDATE" } else { "CREATE" };
    let properties = match evaluated {
        Ok(Value::Null) => Value::Object(serde_json::Map::new()),
        Ok(properties) => properties,
        Err(error) => {
            resource.physical_id = before.and_then(|before| before.physical_id);
            let message = error.to_string();
            return fail(worker, state, id, resource, verb, message);
        }
    };
    if let Some(before) = &before
        && before.resource_type == made.resource_type
        && *before.properties == properties
    {
        resource = StackResource {
            touched: false,
            before: None,
            ..before.clone()
        }
        .policies_of(resource);
        if let Some(stack) = state.cloudformation.stack_mut(&worker.stack_id) {
            stack.resources.insert(id.to_owned(), resource);
            mark_done(stack, id);
        }
        return Started::Nothing;
    }
    resource.properties = Shared::new(properties);
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
    tell(
        worker,
        state,
        id,
        &mut resource,
        &format!("{verb}_IN_PROGRESS"),
        told,
    );
    let Some(descriptor) = describe(&made.resource_type) else {
        return fail(
            worker,
            state,
            id,
            resource,
            verb,
            format!("Unrecognized resource types: [{}]", made.resource_type),
        );
    };
    if let Err(message) = check_properties(descriptor, &resource.properties) {
        return fail(worker, state, id, resource, verb, message);
    }
    let properties = resource.properties.clone();
    let request = Request {
        options: worker.account.options(),
        resource_type: descriptor.name,
        logical_id: id,
        stack_name: &stack.name,
        stack_id: &stack.id,
        properties: &properties,
    };
    let outcome = match resource.physical_id.clone() {
        Some(physical) => {
            resources::update(state, descriptor, &request, &physical).map(|()| physical)
        }
        None => resources::create(state, descriptor, &request),
    };
    match outcome {
        Ok(physical) => {
            let made = resource.physical_id.is_none();
            resource.physical_id = Some(physical);
            if made {
                let reason = Some("Resource creation Initiated".to_owned());
                tell(
                    worker,
                    state,
                    id,
                    &mut resource,
                    &format!("{verb}_IN_PROGRESS"),
                    reason,
                );
            }
            if replaced
                && let (Some(mut before), true) = (before, updating)
                && let Some(stack) = state.cloudformation.stack_mut(&worker.stack_id)
            {
                before.retained = resource.replaced_is_retained;
                stack.leftovers.insert(id.to_owned(), before);
            }
            Started::Running
        }
        Err(failure) => fail(worker, state, id, resource, verb, failure.reason(token)),
    }
}

impl StackResource {
    /// The same with the policies and needs of another.
    fn policies_of(mut self, other: Self) -> Self {
        self.needs = other.needs;
        self.retained = other.retained;
        self.replaced_is_retained = other.replaced_is_retained;
        self
    }
}

/// Whether a new resource must take the place of the old one.
pub(super) fn replaces(before: &StackResource, after: &StackResource) -> bool {
    before.resource_type != after.resource_type
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
pub(super) fn tell(
    worker: &Worker,
    state: &mut State,
    id: &str,
    resource: &mut StackResource,
    status: &str,
    reason: Option<String>,
) {
    resource.set(status, reason);
    if let Some(stack) = state.cloudformation.stack_mut(&worker.stack_id) {
        stack.tell_of(id, resource);
        stack.resources.insert(id.to_owned(), resource.clone());
    }
}

fn fail(
    worker: &Worker,
    state: &mut State,
    id: &str,
    mut resource: StackResource,
    verb: &str,
    message: String,
) -> Started {
    tell(
        worker,
        state,
        id,
        &mut resource,
        &format!("{verb}_FAILED"),
        Some(message),
    );
    Started::Failed
}

/// Looks whether a resource that was begun is ready.
fn settle(worker: &Worker, id: &str) -> Result<Settled, TakenOver> {
    let (settled, resource) = worker.look(|state, stack, _| {
        let resource = stack.resources.get(id).cloned().unwrap_or_default();
        let settled = match (describe(&resource.resource_type), &resource.physical_id) {
            (Some(descriptor), Some(physical)) => descriptor.family.settled(state, physical),
            _ => Settled::Yes,
        };
        (settled, resource)
    })?;
    let verb = if resource.before.is_some() {
        "UPDATE"
    } else {
        "CREATE"
    };
    let mut resource = resource;
    match &settled {
        Settled::Waiting => {}
        Settled::Yes => worker.change(|state| {
            tell(
                worker,
                state,
                id,
                &mut resource,
                &format!("{verb}_COMPLETE"),
                None,
            );
            if let Some(stack) = state.cloudformation.stack_mut(&worker.stack_id) {
                mark_done(stack, id);
            }
        })?,
        Settled::Failed(message) => {
            let failure = resources::Failure::not_stabilized(message.clone());
            let reason = failure.reason(&worker.account.ids().uuid());
            worker.change(|state| {
                tell(
                    worker,
                    state,
                    id,
                    &mut resource,
                    &format!("{verb}_FAILED"),
                    Some(reason),
                );
            })?;
        }
    }
    Ok(settled)
}

/// Cancels what is in progress and gives the reason for the stack.
fn cancel(worker: &Worker, failed: &str) -> Result<Stop, TakenOver> {
    worker.change_stack(|stack| {
        let mut names = vec![failed.to_owned()];
        let running: Vec<String> = stack
            .resources
            .iter()
            .filter(|(_, resource)| resource.touched && resource.status.ends_with("_IN_PROGRESS"))
            .map(|(id, _)| id.clone())
            .collect();
        for id in running {
            let Some(mut resource) = stack.resources.get(&id).cloned() else {
                continue;
            };
            let (status, reason) = match resource.before {
                Some(_) => ("UPDATE_FAILED", "Resource update cancelled"),
                None => ("CREATE_FAILED", "Resource creation cancelled"),
            };
            resource.set(status, Some(reason.to_owned()));
            stack.tell_of(&id, &resource);
            stack.resources.insert(id.clone(), resource);
            names.push(id);
        }
        let updating = stack
            .operation
            .as_ref()
            .is_some_and(|operation| operation.phase == Phase::Update);
        let verb = if updating { "update" } else { "create" };
        Stop::Failed(format!(
            "The following resource(s) failed to {verb}: [{}].",
            names.join(", ")
        ))
    })
}
