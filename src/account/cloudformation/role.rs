//! The role that CloudFormation acts as: the one that a request names, or else
//! the one that its stack had last.

use super::begin::live;
use crate::account::store::State;
use crate::account::{Account, ApiError};

const ROLE: &str = "AWS::IAM::Role";

/// Whether what a request asks for a stack can be done: its role is one of this
/// account that trusts CloudFormation. Who may pass it is not known here.
pub fn check_role(account: &Account, stack: &str, named: Option<&str>) -> Result<(), ApiError> {
    let stack = live(account, stack).ok();
    let last = stack
        .as_ref()
        .and_then(|it| it.spec.terms.role_arn.as_deref());
    let Some(role) = named.or(last) else {
        return Ok(());
    };
    let invalid = || ApiError::validation(format!("Role {role} is invalid or cannot be assumed"));
    let parts: Vec<&str> = role.splitn(6, ':').collect();
    let ["arn", _, "iam", "", owner, resource] = parts[..] else {
        return Err(invalid());
    };
    if owner != account.options().account_id {
        let message = "Cross-account pass role is not allowed.";
        return Err(ApiError::new("AccessDenied", message).with_status(403));
    }
    let name = resource.strip_prefix("role/").ok_or_else(invalid)?;
    account.read(|state| trusts_us(state, name).then_some(()).ok_or_else(invalid))
}

/// Whether a role is there and lets CloudFormation act as it. It is found by
/// the last part of its name, which goes without the path.
fn trusts_us(state: &State, name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name);
    let found = state.inventory.get(ROLE, name);
    let trust = found.and_then(|role| role.properties.get("AssumeRolePolicyDocument"));
    trust.is_some_and(|trust| trust.to_string().contains("cloudformation.amazonaws.com"))
}

/// The stack goes on with this role.
pub fn take_role(account: &Account, stack: &str, role: &str) {
    let Ok(stack) = live(account, stack) else {
        return;
    };
    let id = stack.id.clone();
    drop(stack);
    account.update(|state| {
        if let Some(stack) = state.cloudformation.stack_mut(&id) {
            stack.spec.terms.role_arn = Some(role.to_owned());
        }
    });
}
