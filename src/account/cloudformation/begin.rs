//! Requests that begin an operation.

use super::checks::{check_deletable, check_name, check_updatable, is_repeated};
use super::engine::spawn;
use super::model::{OnFailure, Spec, Stack, StackResource};
use super::operation::{Operation, OperationKind, Phase};
use super::spec::{Submitted, check_types_stay};
use super::{changes, look};
use crate::account::clock::Timestamp;
use crate::account::shared::Shared;
use crate::account::store::State;
use crate::account::{Account, ApiError};
use serde_json::Value;
use std::collections::BTreeSet;

/// What an operation is to do.
#[derive(Default)]
pub(super) struct Work {
    pub(super) target: Spec,
    pub(super) token: Option<String>,
    pub(super) on_failure: OnFailure,
    /// What clients are told that it is, when the phase does not say it.
    pub(super) kind: Option<OperationKind>,
}

/// What a client asks for when it makes or changes a stack.
#[derive(Clone, Debug, Default)]
pub struct StackRequest {
    /// The stack's name, or its ARN for an update.
    pub name: String,
    /// Template and values.
    pub submitted: Submitted,
    /// The client's name for the operation.
    pub token: Option<String>,
    /// What becomes of a failure.
    pub on_failure: OnFailure,
    /// Whether a new stack is protected from deletion.
    pub protected: bool,
}

/// What a client asks for when it deletes a stack.
#[derive(Clone, Debug, Default)]
pub struct DeleteRequest {
    /// The stack's name or ARN.
    pub name: String,
    /// The client's name for the operation.
    pub token: Option<String>,
    /// Resources that are left behind.
    pub retain: BTreeSet<String>,
    /// Whether all that cannot be deleted is left behind.
    pub force: bool,
}

/// A stack that has a name and an ARN, and nothing else yet.
pub(super) fn reserve(account: &Account, state: &mut State, name: &str) -> String {
    let id = account.arn(
        "cloudformation",
        &format!("stack/{name}/{}", account.ids().uuid()),
    );
    let stack = Stack {
        id: id.clone(),
        name: name.to_owned(),
        created: Timestamp::now(),
        ..Stack::default()
    };
    state
        .cloudformation
        .stacks
        .insert(id.clone(), Shared::new(stack));
    state
        .cloudformation
        .names
        .insert(name.to_owned(), id.clone());
    id
}

/// Puts an operation into the state and tells it; the caller spawns it.
pub(super) fn begin(
    account: &Account,
    state: &mut State,
    stack_id: &str,
    phase: Phase,
    work: Work,
) -> Option<String> {
    let stack = state.cloudformation.stack_mut(stack_id)?;
    let id = install(account, stack, phase, work);
    let status = match phase {
        Phase::Create => {
            stack.created = Timestamp::now();
            if let Some(operation) = &stack.operation {
                stack.spec = operation.target.clone();
            }
            "CREATE_IN_PROGRESS"
        }
        Phase::Delete => "DELETE_IN_PROGRESS",
        _ => {
            stack.updated = Some(Timestamp::now());
            forget_failures(stack);
            "UPDATE_IN_PROGRESS"
        }
    };
    stack.tell(
        account.ids().uuid(),
        status,
        Some("User Initiated".to_owned()),
    );
    Some(id)
}

/// Makes an operation the stack's; whatever worked for another one stops.
pub(super) fn install(account: &Account, stack: &mut Stack, phase: Phase, work: Work) -> String {
    let id = account.ids().uuid();
    let (verb, kind) = match phase {
        Phase::Create => ("CREATE", OperationKind::CreateStack),
        Phase::Delete => ("DELETE", OperationKind::DeleteStack),
        Phase::Update | Phase::CleanUp => ("UPDATE", OperationKind::UpdateStack),
        Phase::RollBackCreate | Phase::RollBackUpdate | Phase::CleanUpRollBack => {
            ("ROLLBACK", OperationKind::Rollback)
        }
    };
    if let Some(token) = &work.token {
        stack.tokens.insert(token.clone(), verb.to_owned());
    }
    stack.on_failure = work.on_failure;
    stack.begin_operation(id.clone(), work.kind.unwrap_or(kind));
    stack.operation = Some(Operation {
        id: id.clone(),
        phase,
        token: work.token,
        target: work.target,
        previous_status: stack.status.clone(),
        done: BTreeSet::new(),
        on_failure: work.on_failure,
        retain: BTreeSet::new(),
        force: false,
    });
    id
}

/// What an operation that failed left half done is done anew.
fn forget_failures(stack: &mut Stack) {
    stack
        .resources
        .retain(|_, resource| resource.physical_id.is_some() && !resource.is_over());
    for resource in stack
        .resources
        .values_mut()
        .filter(|resource| resource.touched)
    {
        let resource: &mut StackResource = resource.make_mut();
        resource.touched = false;
        resource.before = None;
        if resource.status.ends_with("_FAILED") {
            resource.properties = Shared::new(Value::Null);
        }
    }
}

/// Makes a stack without a change set; gives its ARN.
pub fn create_stack(account: &Account, request: StackRequest) -> Result<String, ApiError> {
    let name = request.name.as_str();
    check_name(name)?;
    let (spec, template) = request.submitted.check(None)?;
    let begun = account.update(|state| {
        if let Some(stack) = look::find(&state.cloudformation, name) {
            if is_repeated(stack, request.token.as_deref(), "CREATE")? {
                return Ok((stack.id.clone(), None));
            }
            return Err(ApiError::new(
                "AlreadyExistsException",
                format!("Stack [{name}] already exists"),
            ));
        }
        let id = reserve(account, state, name);
        if let Some(stack) = state.cloudformation.stack_mut(&id) {
            stack.description = template.description;
            stack.protected = request.protected;
        }
        let work = Work {
            target: spec,
            token: request.token,
            on_failure: request.on_failure,
            ..Work::default()
        };
        let operation = begin(account, state, &id, Phase::Create, work);
        Ok((id, operation))
    })?;
    Ok(start(account, begun))
}

fn start(account: &Account, (stack_id, operation): (String, Option<String>)) -> String {
    if let Some(operation) = operation {
        spawn(account, stack_id.clone(), operation);
    }
    stack_id
}

/// The live stack with this name.
pub(super) fn live(account: &Account, name: &str) -> Result<Shared<Stack>, ApiError> {
    let unknown = || ApiError::validation(format!("Stack [{name}] does not exist"));
    let found = account.read(|state| {
        let id = look::find(&state.cloudformation, name)
            .filter(|stack| stack.is_live())?
            .id
            .clone();
        state.cloudformation.stacks.get(&id).cloned()
    });
    found.ok_or_else(unknown)
}

/// Changes a stack without a change set; gives its ARN.
pub fn update_stack(account: &Account, request: StackRequest) -> Result<String, ApiError> {
    let stack = live(account, &request.name)?;
    if is_repeated(&stack, request.token.as_deref(), "UPDATE")? {
        return Ok(stack.id.clone());
    }
    check_updatable(&stack)?;
    let (spec, template) = request.submitted.check(Some(&stack))?;
    check_types_stay(&stack, &template).map_err(ApiError::validation)?;
    let changes =
        account.read(|state| changes::between(account.options(), state, &stack, &spec, &template));
    let unfinished = stack.status.ends_with("_FAILED");
    if !changes.map_err(ApiError::validation)?.any && !unfinished {
        return Err(ApiError::validation("No updates are to be performed."));
    }
    let id = stack.id.clone();
    drop(stack);
    let work = Work {
        target: spec,
        token: request.token,
        on_failure: request.on_failure,
        ..Work::default()
    };
    let operation = account.update(|state| {
        let stack = state.cloudformation.stacks.get(&id);
        stack.map_or(Ok(()), |stack| check_updatable(stack))?;
        Ok(begin(account, state, &id, Phase::Update, work))
    })?;
    Ok(start(account, (id, operation)))
}

/// Deletes a stack; one that is not there is deleted already.
pub fn delete_stack(account: &Account, request: DeleteRequest) -> Result<(), ApiError> {
    let begun = account.update(|state| {
        let found =
            look::find(&state.cloudformation, &request.name).filter(|stack| stack.is_live());
        let Some(stack) = found else { return Ok(None) };
        let id = stack.id.clone();
        if !check_deletable(stack, &request)? {
            return Ok(None);
        }
        let work = Work {
            token: request.token,
            ..Work::default()
        };
        let operation = begin(account, state, &id, Phase::Delete, work);
        let stack = state.cloudformation.stack_mut(&id);
        if let Some(operation) = stack.and_then(|stack| stack.operation.as_mut()) {
            operation.retain = request.retain;
            operation.force = request.force;
        }
        Ok(Some((id, operation)))
    })?;
    if let Some(begun) = begun {
        start(account, begun);
    }
    Ok(())
}

/// Protects a stack from deletion, or no longer; gives its ARN.
pub fn set_termination_protection(
    account: &Account,
    name: &str,
    protected: bool,
) -> Result<String, ApiError> {
    let id = live(account, name)?.id.clone();
    account.update(|state| {
        if let Some(stack) = state.cloudformation.stack_mut(&id) {
            stack.protected = protected;
        }
    });
    Ok(id)
}

/// Says what updates may do to which resource; it is kept, not enforced.
pub fn set_policy(account: &Account, name: &str, policy: &str) -> Result<(), ApiError> {
    let id = live(account, name)?.id.clone();
    account.update(|state| {
        if let Some(stack) = state.cloudformation.stack_mut(&id) {
            stack.policy = Some(policy.to_owned());
        }
    });
    Ok(())
}
