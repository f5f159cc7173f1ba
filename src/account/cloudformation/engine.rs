//! Operations, from phase to phase.

use super::delete::{self, Which};
use super::exports;
use super::forward::{self, Stop, Target};
use super::model::{OnFailure, Spec, Stack, StackOutput};
use super::operation::{Operation, OperationStatus, Phase};
use super::roll_back;
use super::scope::{StackScope, values};
use super::step::{TakenOver, Worker};
use crate::account::Account;
use crate::account::clock::Timestamp;
use crate::account::lab::Latency;
use crate::template::Template;
use std::collections::BTreeSet;
use std::time::Duration;

/// Goes on with all operations that were not at their end.
pub fn resume(account: &Account) {
    let open: Vec<(String, String)> = account.read(|state| {
        let stacks = state.cloudformation.stacks.values();
        stacks
            .filter_map(|stack| Some((stack.id.clone(), stack.operation.as_ref()?.id.clone())))
            .collect()
    });
    for (stack_id, operation_id) in open {
        spawn(account, stack_id, operation_id);
    }
    super::change_set::resume(account);
}

/// Starts the task of an operation that stands in the state.
pub(super) fn spawn(account: &Account, stack_id: String, operation_id: String) {
    let worker = Worker {
        account: account.clone(),
        stack_id,
        operation_id,
    };
    account.spawn(async move {
        // Whoever took over has a task of its own.
        let _ = run(&worker).await;
    });
}

async fn run(worker: &Worker) -> Result<(), TakenOver> {
    loop {
        let operation = worker.look(|_, _, operation| operation.clone())?;
        let over = match operation.phase {
            Phase::Create => create(worker, &operation).await?,
            Phase::RollBackCreate => roll_back_create(worker).await?,
            Phase::Update => update(worker, &operation).await?,
            Phase::CleanUp => clean_up(worker, "UPDATE_COMPLETE").await?,
            Phase::RollBackUpdate => roll_back_update(worker).await?,
            Phase::CleanUpRollBack => clean_up(worker, "UPDATE_ROLLBACK_COMPLETE").await?,
            Phase::Delete => delete(worker, &operation).await?,
        };
        if over {
            return Ok(());
        }
    }
}

/// Ends the operation with this status.
fn end(worker: &Worker, status: &str, reason: Option<String>) -> Result<bool, TakenOver> {
    let event = worker.account.ids().uuid();
    worker.change(|state, stack| {
        // A deletion that is not done goes back to where the stack was.
        let deletes = stack
            .operation
            .as_ref()
            .is_some_and(|operation| operation.phase == Phase::Delete);
        let failed = status.ends_with("_FAILED") || deletes && status != "DELETE_COMPLETE";
        stack.tell(event, status, reason.clone());
        if failed {
            stack.end_operation(OperationStatus::Failed, reason);
        } else {
            stack.end_operation(OperationStatus::Succeeded, None);
        }
        stack.operation = None;
        if matches!(status, "DELETE_COMPLETE" | "ROLLBACK_COMPLETE") {
            stack.imports.clear();
            stack.outputs.clear();
            exports::withdraw(&mut state.cloudformation, &stack.id);
        }
        if status == "DELETE_COMPLETE" {
            stack.deleted = Some(Timestamp::now());
            stack.change_sets.clear();
            state.cloudformation.names.remove(&stack.name);
        }
    })?;
    Ok(true)
}

/// Reads the target, notes what it imports, makes all resources.
async fn towards(worker: &Worker, spec: &Spec) -> Result<Target, Stop> {
    let target = Target::read(worker, spec)?;
    let noted = worker.change(|state, stack| {
        let scope = StackScope::new(worker.account.options(), state, stack, &target.parameters);
        let imports = target
            .template
            .imports(&scope)
            .map_err(|error| error.to_string())?;
        if let Some(absent) = imports
            .iter()
            .find(|name| !state.cloudformation.exports.contains_key(*name))
        {
            return Err(format!("No export named {absent} found."));
        }
        stack.imports.extend(imports);
        Ok(())
    })?;
    noted.map_err(Stop::Failed)?;
    worker.pause(Latency::stack_start).await;
    forward::go(worker, &target).await?;
    worker.pause(Latency::stack_end).await;
    Ok(target)
}

/// Takes over the outputs, and with them the spec.
fn conclude(
    worker: &Worker,
    target: &Target,
    spec: &Spec,
    status: &str,
    phase: Option<Phase>,
) -> Result<(), Stop> {
    let event = worker.account.ids().uuid();
    let concluded = worker.change(|state, stack| {
        let template = &target.template;
        let scope = StackScope::new(worker.account.options(), state, stack, &target.parameters);
        let outputs = outputs(template, &scope)?;
        let imports = template
            .imports(&scope)
            .map_err(|error| error.to_string())?;
        exports::publish(&mut state.cloudformation, stack, &outputs)?;
        stack.outputs = outputs;
        stack.imports = imports;
        stack.spec = spec.clone();
        stack.description.clone_from(&template.description);
        keep(stack, target);
        stack.tell(event, status, None);
        match phase {
            None => {
                stack.end_operation(OperationStatus::Succeeded, None);
                stack.operation = None;
            }
            Some(phase) => {
                if let Some(operation) = &mut stack.operation {
                    operation.phase = phase;
                    operation.done.clear();
                }
            }
        }
        Ok(())
    })?;
    concluded.map_err(Stop::Failed)
}

/// What the target wants is kept; the rest is left over.
fn keep(stack: &mut Stack, target: &Target) {
    for (id, mut resource) in std::mem::take(&mut stack.resources) {
        if resource.touched || resource.before.is_some() {
            let resource = resource.make_mut();
            resource.touched = false;
            resource.before = None;
        }
        if target.needs.contains_key(&id) {
            stack.resources.insert(id, resource);
        } else {
            stack.leftovers.insert(id, resource);
        }
    }
}

/// The outputs of a target.
pub(super) fn outputs(
    template: &Template,
    scope: &StackScope<'_>,
) -> Result<Vec<StackOutput>, String> {
    let exports = template
        .exports_by_output(scope)
        .map_err(|error| error.to_string())?;
    let mut outputs = Vec::new();
    for (key, output) in &template.outputs {
        if !template
            .tells(output, scope)
            .map_err(|error| error.to_string())?
        {
            continue;
        }
        let value = template.evaluate(&output.value, scope);
        let value = value.map_err(|error| format!("[Error] /Outputs/{key}/Value: {error}"))?;
        let value = match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        outputs.push(StackOutput {
            key: key.clone(),
            value,
            description: output.description.clone(),
            export: exports.get(key).cloned(),
        });
    }
    Ok(outputs)
}

async fn create(worker: &Worker, operation: &Operation) -> Result<bool, TakenOver> {
    let made = match in_time(worker, &operation.target).await {
        Ok(target) => conclude(worker, &target, &operation.target, "CREATE_COMPLETE", None),
        Err(stop) => Err(stop),
    };
    match made {
        Ok(()) => Ok(true),
        Err(Stop::TakenOver) => Err(TakenOver),
        Err(Stop::Failed(reason)) => {
            match operation.on_failure {
                OnFailure::Keep => return end(worker, "CREATE_FAILED", Some(reason)),
                OnFailure::Delete => {
                    let reason = format!("{reason} Delete requested by user.");
                    worker.turn(Phase::Delete, "DELETE_IN_PROGRESS", Some(reason))?;
                }
                OnFailure::RollBack => {
                    let reason = format!("{reason} Rollback requested by user.");
                    worker.turn(Phase::RollBackCreate, "ROLLBACK_IN_PROGRESS", Some(reason))?;
                }
            }
            Ok(false)
        }
    }
}

/// Goes towards the target, as long as a creation may take.
async fn in_time(worker: &Worker, spec: &Spec) -> Result<Target, Stop> {
    let Some(minutes) = spec.terms.timeout_minutes else {
        return towards(worker, spec).await;
    };
    let limit = Duration::from_secs(u64::from(minutes) * 60);
    let latency = worker.account.lab().latency();
    let limit = latency.map_or(limit, |latency| latency.scale(limit));
    match tokio::time::timeout(limit, towards(worker, spec)).await {
        Ok(made) => made,
        Err(_) => {
            forward::give_up(worker)?;
            let reason = "Stack creation time exceeded the specified timeout.";
            Err(Stop::Failed(reason.to_owned()))
        }
    }
}

async fn roll_back_create(worker: &Worker) -> Result<bool, TakenOver> {
    match delete::all(worker, Which::Resources).await {
        Ok(()) => end(worker, "ROLLBACK_COMPLETE", None),
        Err(Stop::Failed(reason)) => end(worker, "ROLLBACK_FAILED", Some(reason)),
        Err(Stop::TakenOver) => Err(TakenOver),
    }
}

async fn update(worker: &Worker, operation: &Operation) -> Result<bool, TakenOver> {
    let status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS";
    let made = match towards(worker, &operation.target).await {
        Ok(target) => conclude(
            worker,
            &target,
            &operation.target,
            status,
            Some(Phase::CleanUp),
        ),
        Err(stop) => Err(stop),
    };
    match made {
        Ok(()) => Ok(false),
        Err(Stop::TakenOver) => Err(TakenOver),
        Err(Stop::Failed(reason)) if operation.on_failure == OnFailure::Keep => {
            end(worker, "UPDATE_FAILED", Some(reason))
        }
        Err(Stop::Failed(reason)) => {
            roll_back::turn(worker, reason)?;
            Ok(false)
        }
    }
}

async fn clean_up(worker: &Worker, status: &str) -> Result<bool, TakenOver> {
    match delete::all(worker, Which::Leftovers).await {
        Err(Stop::TakenOver) => return Err(TakenOver),
        // What cannot be cleaned up is no longer the stack's.
        Ok(()) | Err(Stop::Failed(_)) => worker.change(|_, stack| stack.leftovers.clear())?,
    }
    end(worker, status, None)
}

async fn roll_back_update(worker: &Worker) -> Result<bool, TakenOver> {
    match roll_back::go(worker).await {
        Err(Stop::TakenOver) => return Err(TakenOver),
        Err(Stop::Failed(reason)) => return end(worker, "UPDATE_ROLLBACK_FAILED", Some(reason)),
        Ok(()) => {}
    }
    let imports = imports_of(worker)?;
    worker.change(|_, stack| stack.imports = imports)?;
    worker.turn(
        Phase::CleanUpRollBack,
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        None,
    )?;
    Ok(false)
}

/// What the stack imports by the spec that it has.
fn imports_of(worker: &Worker) -> Result<BTreeSet<String>, TakenOver> {
    worker.look(|state, stack, _| {
        let known = || {
            let template = super::spec::parse(&stack.spec.template).ok()?;
            let parameters = values(&template, &stack.spec, state).ok()?;
            template
                .imports(&StackScope::new(
                    worker.account.options(),
                    state,
                    stack,
                    &parameters,
                ))
                .ok()
        };
        known().unwrap_or_else(|| stack.imports.clone())
    })
}

async fn delete(worker: &Worker, operation: &Operation) -> Result<bool, TakenOver> {
    if let Some(reason) =
        worker.look(|state, stack, _| exports::held(&state.cloudformation, stack))?
    {
        return end(worker, &operation.previous_status, Some(reason));
    }
    worker.pause(Latency::stack_start).await;
    match delete::all(worker, Which::Leftovers).await {
        Err(Stop::TakenOver) => return Err(TakenOver),
        Ok(()) | Err(Stop::Failed(_)) => {}
    }
    let deleted = delete::all(worker, Which::Resources).await;
    worker.pause(Latency::stack_end).await;
    match deleted {
        Ok(()) => end(worker, "DELETE_COMPLETE", None),
        Err(Stop::Failed(reason)) => end(worker, "DELETE_FAILED", Some(reason)),
        Err(Stop::TakenOver) => Err(TakenOver),
    }
}
