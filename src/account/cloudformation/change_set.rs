//! Change sets: submitted, computed, executed, deleted.

use super::begin::{Work, begin, live, reserve};
use super::checks::{check_name, check_updatable, is_repeated};
use super::engine::spawn;
use super::model::{ChangeSet, ChangeSetStatus, OnFailure, Stack};
use super::operation::Phase;
use super::spec::{Submitted, check_types_stay, parse};
use super::{changes, look, validation};
use crate::account::clock::Timestamp;
use crate::account::lab::Latency;
use crate::account::shared::Shared;
use crate::account::{Account, ApiError};

/// The text that clients match.
const NO_CHANGES: &str = "The submitted information didn't contain changes. Submit different \
                          information to create a change set.";
const REVIEW: &str = "REVIEW_IN_PROGRESS";

/// What a change set is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeSetKind {
    /// A stack that is not there, or waits in review.
    Create,
    /// A stack that stands.
    Update,
}

/// A change set as it is submitted.
#[derive(Clone, Debug)]
pub struct ChangeSetRequest {
    /// The stack, by name or ARN.
    pub stack: String,
    /// The change set's name.
    pub name: String,
    /// What it is for.
    pub kind: ChangeSetKind,
    /// What the stack would become.
    pub submitted: Submitted,
    /// What it says of itself.
    pub description: Option<String>,
    /// What becomes of a failure when it is executed.
    pub on_failure: OnFailure,
    /// Whether resources are not checked beforehand.
    pub is_unchecked: bool,
    /// The client's name for the request: the same again is no other one.
    pub token: Option<String>,
}

/// Takes a change set in; gives the ARNs of its stack and its own. It is
/// computed a little later.
pub fn create_change_set(
    account: &Account,
    request: ChangeSetRequest,
) -> Result<(String, String), ApiError> {
    let stack = live(account, &request.stack).ok();
    if let Some(ids) = stack.as_deref().and_then(|stack| repeated(stack, &request)) {
        return Ok(ids);
    }
    check_stack(&request, stack.as_deref())?;
    let (spec, template) = request.submitted.check(stack.as_deref())?;
    let arn = account.arn(
        "cloudformation",
        &format!("changeSet/{}/{}", request.name, account.ids().uuid()),
    );
    let change_set = ChangeSet {
        id: arn.clone(),
        name: request.name,
        created: Timestamp::now(),
        spec,
        description: request.description,
        creates: request.kind == ChangeSetKind::Create,
        on_failure: request.on_failure,
        status: ChangeSetStatus::Pending,
        reason: None,
        changes: Vec::new(),
        token: request.token,
        operation: account.ids().uuid(),
        computed: None,
        is_validated: !request.is_unchecked,
        faults: Vec::new(),
    };
    let event = account.ids().uuid();
    drop(stack);
    let stack_id = account.update(|state| {
        // Somebody else may have come first.
        let known =
            look::find(&state.cloudformation, &request.stack).filter(|stack| stack.is_live());
        let known = known.map(|stack| stack.id.clone());
        let id = known
            .clone()
            .unwrap_or_else(|| reserve(account, state, &request.stack));
        if let Some(stack) = state.cloudformation.stack_mut(&id) {
            if known.is_none() {
                stack.description = template.description;
                stack.tell(event, REVIEW, Some("User Initiated".to_owned()));
            }
            stack
                .change_sets
                .insert(arn.clone(), Shared::new(change_set));
        }
        id
    });
    compute_soon(account, stack_id.clone(), arn.clone());
    Ok((stack_id, arn))
}

/// The ARNs that were given when this request came before.
fn repeated(stack: &Stack, request: &ChangeSetRequest) -> Option<(String, String)> {
    let token = request.token.as_ref()?;
    let mut sets = stack.change_sets.values();
    let set = sets.find(|set| set.name == request.name && set.token.as_ref() == Some(token))?;
    Some((stack.id.clone(), set.id.clone()))
}

fn check_stack(request: &ChangeSetRequest, stack: Option<&Stack>) -> Result<(), ApiError> {
    let (name, set) = (&request.stack, &request.name);
    match (request.kind, stack) {
        (ChangeSetKind::Create, None) => check_name(name),
        (ChangeSetKind::Create, Some(stack)) if stack.status == REVIEW => unused(stack, set),
        (ChangeSetKind::Create, Some(_)) => Err(ApiError::validation(format!(
            "Stack [{name}] already exists and cannot be created again with the changeSet [{set}]."
        ))),
        (ChangeSetKind::Update, None) => Err(ApiError::validation(format!(
            "Stack [{name}] does not exist"
        ))),
        (ChangeSetKind::Update, Some(stack)) => {
            check_updatable(stack).and_then(|()| unused(stack, set))
        }
    }
}

fn unused(stack: &Stack, name: &str) -> Result<(), ApiError> {
    if stack
        .change_sets
        .values()
        .any(|set| set.name == name && set.status != ChangeSetStatus::Executed)
    {
        let message = format!("ChangeSet [{name}] already exists");
        return Err(ApiError::new("AlreadyExistsException", message));
    }
    Ok(())
}

/// Goes on with the change sets that were not computed.
pub(super) fn resume(account: &Account) {
    let pending: Vec<(String, String)> = account.read(|state| {
        let stacks = state.cloudformation.stacks.values();
        let sets = stacks.flat_map(|stack| {
            stack
                .change_sets
                .values()
                .map(|set| (stack.id.clone(), Shared::clone(set)))
        });
        let open = [ChangeSetStatus::Pending, ChangeSetStatus::InProgress];
        sets.filter(|(_, set)| open.contains(&set.status))
            .map(|(stack, set)| (stack, set.id.clone()))
            .collect()
    });
    for (stack, set) in pending {
        compute_soon(account, stack, set);
    }
}

fn compute_soon(account: &Account, stack_id: String, id: String) {
    let worker = account.clone();
    account.spawn(async move {
        let step = worker.options().pace.step;
        tokio::time::sleep(step).await;
        change(&worker, &stack_id, &id, |set| {
            set.status = ChangeSetStatus::InProgress;
        });
        let latency = worker.lab().latency().map(Latency::change_set);
        tokio::time::sleep(latency.unwrap_or_default().max(step)).await;
        compute(&worker, &stack_id, &id);
    });
}

fn compute(account: &Account, stack_id: &str, id: &str) {
    let found = account.read(|state| {
        let stack = state.cloudformation.stacks.get(stack_id)?;
        Some((stack.clone(), stack.change_sets.get(id)?.clone()))
    });
    let Some((stack, set)) = found else { return };
    let computed = parse(&set.spec.template).and_then(|template| {
        check_types_stay(&stack, &template)?;
        account.read(|state| {
            let options = account.options();
            let found = changes::between(options, state, &stack, &set.spec, &template)?;
            let checked = set.is_validated.then_some(&found.changes);
            let faults = checked.map_or_else(Vec::new, |changes| {
                validation::faults(options, state, &stack, &set.spec, &template, changes)
            });
            Ok((found, faults))
        })
    });
    // A new stack is made even when there is nothing in it.
    let creates = set.creates;
    drop((stack, set));
    change(account, stack_id, id, |set| {
        set.computed = Some(Timestamp::now());
        set.status = ChangeSetStatus::Failed;
        match computed {
            Ok((_, faults)) if faults.iter().any(|fault| !fault.is_warning) => {
                set.reason = Some(validation::reason(&faults));
                set.faults = faults;
            }
            Ok((found, warnings)) if found.any || creates => {
                set.status = ChangeSetStatus::Complete;
                set.changes = found.changes;
                set.faults = warnings;
            }
            Ok(_) => set.reason = Some(NO_CHANGES.to_owned()),
            Err(why) => set.reason = Some(why),
        }
    });
}

fn change(account: &Account, stack_id: &str, id: &str, change: impl FnOnce(&mut ChangeSet)) {
    account.update(|state| {
        let stack = state.cloudformation.stack_mut(stack_id);
        if let Some(set) = stack.and_then(|stack| stack.change_sets.get_mut(id)) {
            change(set.make_mut());
        }
    });
}

/// Status as the interface writes it.
pub fn status_text(status: ChangeSetStatus) -> &'static str {
    match status {
        ChangeSetStatus::Pending => "CREATE_PENDING",
        ChangeSetStatus::InProgress => "CREATE_IN_PROGRESS",
        ChangeSetStatus::Failed => "FAILED",
        ChangeSetStatus::Complete | ChangeSetStatus::Executed => "CREATE_COMPLETE",
    }
}

/// A change set, by its ARN or by the names of its stack and its own, and its
/// stack.
pub fn describe_change_set(
    account: &Account,
    stack: Option<&str>,
    name: &str,
) -> Result<(Shared<Stack>, Shared<ChangeSet>), ApiError> {
    account.read(|state| {
        let state = &state.cloudformation;
        let absent = || {
            ApiError::new(
                "ChangeSetNotFound",
                format!("ChangeSet [{name}] does not exist"),
            )
            .with_status(404)
        };
        if name.starts_with("arn:") {
            let holder = state
                .stacks
                .values()
                .find(|stack| stack.change_sets.contains_key(name));
            let holder = holder.ok_or_else(absent)?;
            return Ok((holder.clone(), holder.change_sets[name].clone()));
        }
        let stack = stack.unwrap_or_default();
        let missing = || ApiError::validation(format!("Stack [{stack}] does not exist"));
        let stack = look::find(state, stack)
            .and_then(|stack| state.stacks.get(&stack.id))
            .ok_or_else(missing)?;
        let named = stack.change_sets.values().filter(|set| set.name == name);
        let newest = named.max_by_key(|set| set.created.0).ok_or_else(absent)?;
        Ok((stack.clone(), newest.clone()))
    })
}

/// Executes a change set; the others of its stack go.
pub fn execute_change_set(
    account: &Account,
    stack: Option<&str>,
    name: &str,
    token: Option<String>,
    on_failure: Option<OnFailure>,
) -> Result<(), ApiError> {
    let (stack, set) = describe_change_set(account, stack, name)?;
    let verb = if set.creates { "CREATE" } else { "UPDATE" };
    if set.status == ChangeSetStatus::Executed && is_repeated(&stack, token.as_deref(), verb)? {
        return Ok(());
    }
    if set.status != ChangeSetStatus::Complete {
        let status = status_text(set.status);
        let message = format!(
            "ChangeSet [{}] cannot be executed in its current status of [{status}]",
            set.id
        );
        return Err(ApiError::new("InvalidChangeSetStatus", message));
    }
    let phase = if set.creates {
        Phase::Create
    } else {
        Phase::Update
    };
    let (id, status) = (stack.id.clone(), stack.status.clone());
    drop(stack);
    let operation = account.update(|state| {
        let current = state.cloudformation.stack_mut(&id)?;
        let fits = if set.creates {
            current.status == REVIEW
        } else {
            check_updatable(current).is_ok()
        };
        if !fits {
            return None;
        }
        current.change_sets.retain(|other, _| *other == set.id);
        if let Some(kept) = current.change_sets.get_mut(&set.id) {
            kept.make_mut().status = ChangeSetStatus::Executed;
        }
        let on_failure = on_failure.unwrap_or(set.on_failure);
        let work = Work {
            target: set.spec.clone(),
            token,
            on_failure,
            ..Work::default()
        };
        begin(account, state, &id, phase, work)
    });
    let busy = || {
        ApiError::validation(format!(
            "Stack:{id} is in {status} state and can not be updated."
        ))
    };
    let operation = operation.ok_or_else(busy)?;
    spawn(account, id, operation);
    Ok(())
}

/// Deletes a change set that was not executed; not while it is computed.
pub fn delete_change_set(
    account: &Account,
    stack: Option<&str>,
    name: &str,
) -> Result<(), ApiError> {
    let (stack, set) = match describe_change_set(account, stack, name) {
        Err(error) if error.code == "ChangeSetNotFound" => return Ok(()),
        found => found?,
    };
    if set.status == ChangeSetStatus::InProgress {
        let message = format!(
            "Cannot delete ChangeSet in status {}",
            status_text(set.status)
        );
        return Err(ApiError::new("InvalidChangeSetStatus", message));
    }
    account.update(|state| {
        if let Some(stack) = state.cloudformation.stack_mut(&stack.id) {
            stack.change_sets.remove(&set.id);
        }
    });
    Ok(())
}
