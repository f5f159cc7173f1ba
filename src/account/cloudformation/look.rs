//! Finding stacks.

use super::model::{CloudFormationState, Stack, StackResource};
use crate::account::ApiError;

/// A stack by its name, or by its ARN, also when it is deleted.
pub fn find<'a>(state: &'a CloudFormationState, name: &str) -> Option<&'a Stack> {
    let id = if name.starts_with("arn:") {
        name
    } else {
        state.names.get(name)?
    };
    state.stacks.get(id).map(|stack| &**stack)
}

/// The same, or the error that DescribeStacks gives.
pub fn find_readable<'a>(
    state: &'a CloudFormationState,
    name: &str,
) -> Result<&'a Stack, ApiError> {
    find(state, name)
        .ok_or_else(|| ApiError::validation(format!("Stack with id {name} does not exist")))
}

/// The resources of a stack, those that came to be.
pub fn find_resources(stack: &Stack) -> impl Iterator<Item = (&String, &StackResource)> {
    stack
        .resources
        .iter()
        .map(|(id, resource)| (id, &**resource))
}
