//! Requests that begin an operation.

use super::engine::spawn;
use super::model::{Operation, Phase, Spec, Stack};
use super::spec::Submitted;
use super::{changes, look};
use crate::account::clock::Timestamp;
use crate::account::shared::Shared;
use crate::account::store::State;
use crate::account::{Account, ApiError};
use std::collections::BTreeSet;

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
    work: (Spec, Option<String>),
) -> Option<String> {
    let (target, token) = work;
    let stack = state.cloudformation.stack_mut(stack_id)?;
    let operation = Operation {
        id: account.ids().uuid(),
        phase,
        token,
        target,
        previous_status: stack.status.clone(),
        done: BTreeSet::new(),
    };
    let id = operation.id.clone();
    let status = match phase {
        Phase::Create => {
            stack.created = Timestamp::now();
            stack.spec = operation.target.clone();
            "CREATE_IN_PROGRESS"
        }
        Phase::Delete => "DELETE_IN_PROGRESS",
        _ => {
            stack.updated = Some(Timestamp::now());
            "UPDATE_IN_PROGRESS"
        }
    };
    stack.operation = Some(operation);
    stack.tell(
        account.ids().uuid(),
        status,
        Some("User Initiated".to_owned()),
    );
    Some(id)
}

/// The pattern of names.
pub(super) fn check_name(name: &str) -> Result<(), ApiError> {
    let mut letters = name.chars();
    let valid = letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
        && name.len() <= 128;
    if valid {
        return Ok(());
    }
    Err(ApiError::validation(format!(
        "1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"
    )))
}

/// Whether a stack may be updated now.
pub(super) fn check_updatable(stack: &Stack) -> Result<(), ApiError> {
    let fits = matches!(
        stack.status.as_str(),
        "CREATE_COMPLETE"
            | "UPDATE_COMPLETE"
            | "UPDATE_ROLLBACK_COMPLETE"
            | "UPDATE_FAILED"
            | "CREATE_FAILED"
    );
    if fits {
        return Ok(());
    }
    let (id, status) = (&stack.id, &stack.status);
    Err(ApiError::validation(format!(
        "Stack:{id} is in {status} state and can not be updated."
    )))
}

/// Makes a stack without a change set; gives its ARN.
pub fn create_stack(
    account: &Account,
    name: &str,
    submitted: Submitted,
    token: Option<String>,
    keeps_failures: bool,
) -> Result<String, ApiError> {
    check_name(name)?;
    let (spec, template) = submitted.check(None)?;
    let (stack_id, operation) = account.update(|state| {
        if look::find(&state.cloudformation, name).is_some() {
            return Err(ApiError::new(
                "AlreadyExistsException",
                format!("Stack [{name}] already exists"),
            ));
        }
        let id = reserve(account, state, name);
        if let Some(stack) = state.cloudformation.stack_mut(&id) {
            stack.description = template.description;
            stack.keeps_failures = keeps_failures;
        }
        let operation = begin(account, state, &id, Phase::Create, (spec, token));
        Ok((id, operation.unwrap_or_default()))
    })?;
    spawn(account, stack_id.clone(), operation);
    Ok(stack_id)
}

/// Changes a stack without a change set; gives its ARN.
pub fn update_stack(
    account: &Account,
    name: &str,
    submitted: Submitted,
    token: Option<String>,
) -> Result<String, ApiError> {
    let unknown = || ApiError::validation(format!("Stack [{name}] does not exist"));
    let stack = account.read(|state| look::find(&state.cloudformation, name).cloned());
    let stack = stack.filter(Stack::is_live).ok_or_else(unknown)?;
    check_updatable(&stack)?;
    let (spec, template) = submitted.check(Some(&stack))?;
    let changes =
        account.read(|state| changes::between(account.options(), state, &stack, &spec, &template));
    if !changes.map_err(ApiError::validation)?.any {
        return Err(ApiError::validation("No updates are to be performed."));
    }
    let operation =
        account.update(|state| begin(account, state, &stack.id, Phase::Update, (spec, token)));
    spawn(account, stack.id.clone(), operation.unwrap_or_default());
    Ok(stack.id)
}

/// Deletes a stack; one that is not there is deleted already.
pub fn delete_stack(account: &Account, name: &str, token: Option<String>) -> Result<(), ApiError> {
    let begun = account.update(|state| {
        let Some(stack) = look::find(&state.cloudformation, name)
            .filter(|stack| stack.is_live())
            .cloned()
        else {
            return Ok(None);
        };
        if stack.protected {
            return Err(ApiError::validation(format!(
                "Stack [{name}] cannot be deleted while TerminationProtection is enabled"
            )));
        }
        if stack.status == "DELETE_IN_PROGRESS" {
            return Ok(None);
        }
        if stack.status.starts_with("UPDATE_") && stack.is_busy() {
            return Err(ApiError::validation(format!(
                "Stack [{name}] cannot be deleted while in status {}",
                stack.status
            )));
        }
        let operation = begin(
            account,
            state,
            &stack.id,
            Phase::Delete,
            (Spec::default(), token),
        );
        Ok(operation.map(|operation| (stack.id, operation)))
    })?;
    if let Some((stack_id, operation)) = begun {
        spawn(account, stack_id, operation);
    }
    Ok(())
}

/// Protects a stack from deletion, or no longer; gives its ARN.
pub fn set_termination_protection(
    account: &Account,
    name: &str,
    protected: bool,
) -> Result<String, ApiError> {
    account.update(|state| {
        let found = look::find(&state.cloudformation, name).filter(|stack| stack.is_live());
        let unknown = || ApiError::validation(format!("Stack [{name}] does not exist"));
        let id = found.ok_or_else(unknown)?.id.clone();
        if let Some(stack) = state.cloudformation.stack_mut(&id) {
            stack.protected = protected;
        }
        Ok(id)
    })
}
