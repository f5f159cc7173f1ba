//! Ways out of an operation that failed, or that takes too long.

use super::begin::{Work, install, live};
use super::engine::spawn;
use super::model::Stack;
use super::operation::{OperationKind, Phase};
use super::roll_back;
use crate::account::{Account, ApiError};

/// Takes back what a failed create or update left; gives the stack's ARN.
pub fn roll_back_stack(
    account: &Account,
    name: &str,
    token: Option<String>,
) -> Result<String, ApiError> {
    let stack = live(account, name)?;
    let creates = match stack.status.as_str() {
        "CREATE_FAILED" => true,
        "UPDATE_FAILED" => false,
        status => return Err(wrong_state(&stack, "RollbackStack", status)),
    };
    let id = stack.id.clone();
    drop(stack);
    take_over(account, &id, token, |account, stack, work| {
        let event = account.ids().uuid();
        let reason = Some("User Initiated".to_owned());
        if creates {
            let operation = install(account, stack, Phase::RollBackCreate, work);
            stack.tell(event, "ROLLBACK_IN_PROGRESS", reason);
            operation
        } else {
            let operation = install(account, stack, Phase::RollBackUpdate, work);
            roll_back::turn_stack(stack, event, reason);
            operation
        }
    });
    Ok(id)
}

/// Takes up a roll-back that failed; these resources are left as they are.
pub fn continue_roll_back(
    account: &Account,
    name: &str,
    skip: &[String],
    token: Option<String>,
) -> Result<String, ApiError> {
    let stack = live(account, name)?;
    if stack.status != "UPDATE_ROLLBACK_FAILED" {
        return Err(wrong_state(&stack, "ContinueUpdateRollback", &stack.status));
    }
    let id = stack.id.clone();
    drop(stack);
    take_over(account, &id, token, |account, stack, work| {
        for name in skip {
            if let Some(resource) = stack.resources.get_mut(name) {
                resource.make_mut().touched = false;
            }
        }
        let work = Work {
            kind: Some(OperationKind::ContinueRollback),
            ..work
        };
        let operation = install(account, stack, Phase::RollBackUpdate, work);
        stack.tell(
            account.ids().uuid(),
            "UPDATE_ROLLBACK_IN_PROGRESS",
            Some("User Initiated".to_owned()),
        );
        operation
    });
    Ok(id)
}

/// Takes back an update that is under way.
pub fn cancel_update(
    account: &Account,
    name: &str,
    token: Option<String>,
) -> Result<String, ApiError> {
    let stack = live(account, name)?;
    if stack.status != "UPDATE_IN_PROGRESS" {
        return Err(ApiError::validation(
            "CancelUpdateStack cannot be called from current stack status",
        ));
    }
    let id = stack.id.clone();
    drop(stack);
    take_over(account, &id, token, |account, stack, work| {
        let operation = install(account, stack, Phase::RollBackUpdate, work);
        roll_back::turn_stack(
            stack,
            account.ids().uuid(),
            Some("User Initiated".to_owned()),
        );
        operation
    });
    Ok(id)
}

fn take_over(
    account: &Account,
    id: &str,
    token: Option<String>,
    install: impl FnOnce(&Account, &mut Stack, Work) -> String,
) {
    let operation = account.update(|state| {
        let stack = state.cloudformation.stack_mut(id)?;
        let target = stack.spec.clone();
        Some(install(
            account,
            stack,
            Work {
                target,
                token,
                ..Work::default()
            },
        ))
    });
    if let Some(operation) = operation {
        spawn(account, id.to_owned(), operation);
    }
}

fn wrong_state(stack: &Stack, operation: &str, status: &str) -> ApiError {
    ApiError::validation(format!(
        "Stack:{} is in {status} state and {operation} cannot be called.",
        stack.id
    ))
}
