//! What is asked before an operation begins.

use super::begin::DeleteRequest;
use super::model::Stack;
use crate::account::ApiError;

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

/// Whether a request was made before: the same token for the same operation.
pub(super) fn is_repeated(
    stack: &Stack,
    token: Option<&str>,
    verb: &str,
) -> Result<bool, ApiError> {
    let known = token.and_then(|token| Some((token, stack.tokens.get(token)?)));
    match known {
        None => Ok(false),
        Some((_, before)) if before == verb => Ok(true),
        Some((token, _)) => Err(ApiError::new(
            "TokenAlreadyExistsException",
            format!("A client request token [{token}] already exists for another operation"),
        )),
    }
}

/// Whether there is something to do, and it may be done.
pub(super) fn check_deletable(stack: &Stack, request: &DeleteRequest) -> Result<bool, ApiError> {
    let (name, status) = (&stack.name, stack.status.as_str());
    if stack.protected {
        return Err(ApiError::validation(format!(
            "Stack [{name}] cannot be deleted while TerminationProtection is enabled"
        )));
    }
    if is_repeated(stack, request.token.as_deref(), "DELETE")? || status == "DELETE_IN_PROGRESS" {
        return Ok(false);
    }
    if status.starts_with("UPDATE_") && stack.is_busy() {
        return Err(ApiError::validation(format!(
            "Stack [{name}] cannot be deleted while in status {status}"
        )));
    }
    if (!request.retain.is_empty() || request.force) && status != "DELETE_FAILED" {
        return Err(ApiError::validation(format!(
            "Invalid operation on stack [{}]. When you delete a stack, specify which resources to retain only when \
             the stack is in the DELETE_FAILED state.",
            stack.id
        )));
    }
    let over = |id: &String| {
        stack
            .resources
            .get(id)
            .is_none_or(|resource| resource.is_over())
    };
    if request.retain.iter().any(over) {
        return Err(ApiError::validation(
            "The specified resources to retain must be in a valid state. Do not specify resources that are in the \
             DELETE_COMPLETE state.",
        ));
    }
    Ok(true)
}
