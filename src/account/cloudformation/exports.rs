//! What stacks share: who exports a name, who imports it.

use super::model::{CloudFormationState, Export, Stack, StackOutput};
use crate::account::ApiError;
use std::collections::BTreeMap;

/// The names of the stacks that import a value.
pub fn importers(state: &CloudFormationState, export: &str) -> Result<Vec<String>, ApiError> {
    let found = using(state, export);
    if found.is_empty() {
        return Err(ApiError::validation(format!(
            "Export '{export}' is not imported by any stack."
        )));
    }
    Ok(found)
}

fn using(state: &CloudFormationState, export: &str) -> Vec<String> {
    let live = state.names.values().filter_map(|id| state.stacks.get(id));
    live.filter(|stack| stack.imports.contains(export))
        .map(|stack| stack.name.clone())
        .collect()
}

/// Why a stack may not be deleted.
pub(super) fn held(state: &CloudFormationState, stack: &Stack) -> Option<String> {
    let exported = stack
        .outputs
        .iter()
        .filter_map(|output| output.export.as_ref());
    exported.into_iter().find_map(|export| {
        let users = using(state, export);
        (!users.is_empty()).then(|| {
            format!(
                "Delete canceled. Cannot delete export {export} as it is in use by {}.",
                users.join(", ")
            )
        })
    })
}

/// Puts the exports of these outputs in the place of the stack's old ones, if
/// nobody minds.
pub(super) fn publish(
    state: &mut CloudFormationState,
    stack: &Stack,
    outputs: &[StackOutput],
) -> Result<(), String> {
    let exported = outputs
        .iter()
        .filter_map(|output| Some((output.export.as_ref()?, &output.value)));
    let wanted: BTreeMap<&String, &String> = exported.collect();
    for name in wanted.keys() {
        if let Some(other) = state
            .exports
            .get(*name)
            .filter(|export| export.stack_id != stack.id)
        {
            let other = state
                .stacks
                .get(&other.stack_id)
                .map_or("", |stack| stack.name.as_str());
            return Err(format!(
                "Export with name {name} is already exported by stack {other}."
            ));
        }
    }
    for old in &stack.outputs {
        let Some(name) = &old.export else { continue };
        let verb = match wanted.get(name) {
            Some(value) if **value == old.value => continue,
            Some(_) => "updated",
            None => "deleted",
        };
        let users = using(state, name);
        if !users.is_empty() {
            return Err(format!(
                "Export {name} cannot be {verb} as it is in use by {}",
                users.join(", ")
            ));
        }
    }
    withdraw(state, &stack.id);
    for (name, value) in wanted {
        let export = Export {
            value: value.clone(),
            stack_id: stack.id.clone(),
        };
        state.exports.insert(name.clone(), export);
    }
    Ok(())
}

/// Takes the exports of a stack away.
pub(super) fn withdraw(state: &mut CloudFormationState, stack_id: &str) {
    state
        .exports
        .retain(|_, export| export.stack_id != stack_id);
}
