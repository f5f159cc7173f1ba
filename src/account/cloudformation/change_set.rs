//! Change sets: computed first, executed later or never.

use super::begin::{begin, check_name, check_updatable, reserve};
use super::engine::spawn;
use super::model::{ChangeSet, ChangeSetStatus, CloudFormationState, Phase, Stack};
use super::spec::{Submitted, parse};
use super::{changes, look};
use crate::account::clock::Timestamp;
use crate::account::shared::Shared;
use crate::account::{Account, ApiError};

const NOTHING: &str =
    "The submitted information didn't contain changes. Submit different information to create a change set.";

/// What a change set is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeSetKind {
    /// A stack that is not there.
    Create,
    /// A stack that is.
    Update,
}

/// What a client submits.
#[derive(Clone, Debug)]
pub struct ChangeSetRequest {
    /// The stack's name or ARN.
    pub stack: String,
    /// The change set's name.
    pub name: String,
    /// What it is for.
    pub kind: ChangeSetKind,
    /// What it says of itself.
    pub description: Option<String>,
    /// Template and values.
    pub submitted: Submitted,
}

/// Makes a change set; gives its ARN and the stack's.
pub fn create_change_set(account: &Account, request: ChangeSetRequest) -> Result<(String, String), ApiError> {
    let (stack_name, name) = (request.stack.as_str(), request.name.as_str());
    let live = |stack: &&Stack| stack.is_live();
    let found = account.read(|state| look::find(&state.cloudformation, stack_name).filter(live).cloned());
    match (request.kind, &found) {
        (ChangeSetKind::Create, None) => check_name(stack_name)?,
        (ChangeSetKind::Create, Some(stack)) if stack.status != "REVIEW_IN_PROGRESS" => {
            return Err(ApiError::validation(format!(
                "Stack [{stack_name}] already exists and cannot be created again with the changeSet [{name}]."
            )));
        }
        (ChangeSetKind::Create, Some(_)) => {}
        (ChangeSetKind::Update, None) => {
            return Err(ApiError::validation(format!("Stack [{stack_name}] does not exist")));
        }
        (ChangeSetKind::Update, Some(stack)) => check_updatable(stack)?,
    }
    let (spec, template) = request.submitted.check(found.as_ref())?;
    let id = account.arn("cloudformation", &format!("changeSet/{name}/{}", account.ids().uuid()));
    let change_set = ChangeSet {
        id: id.clone(),
        name: name.to_owned(),
        created: Timestamp::now(),
        spec,
        description: request.description.clone(),
        creates: request.kind == ChangeSetKind::Create,
        status: ChangeSetStatus::Pending,
        reason: None,
        changes: Vec::new(),
    };
    let stack_id = account.update(|state| {
        let stack_id = match look::find(&state.cloudformation, stack_name).filter(live) {
            Some(stack) => {
                if stack.change_sets.values().any(|other| other.name == name) {
                    return Err(ApiError::new(
                        "AlreadyExistsException",
                        format!("ChangeSet {name} cannot be created due to a mismatch with existing attribute Name"),
                    ));
                }
                stack.id.clone()
            }
            None => {
                let stack_id = reserve(account, state, stack_name);
                let event = account.ids().uuid();
                if let Some(stack) = state.cloudformation.stack_mut(&stack_id) {
                    stack.description.clone_from(&template.description);
                    stack.tell(event, "REVIEW_IN_PROGRESS", Some("User Initiated".to_owned()));
                }
                stack_id
            }
        };
        if let Some(stack) = state.cloudformation.stack_mut(&stack_id) {
            stack.change_sets.insert(id.clone(), Shared::new(change_set));
        }
        Ok(stack_id)
    })?;
    compute(account, stack_id.clone(), id.clone());
    Ok((id, stack_id))
}

/// Goes on with the change sets that were not computed.
pub(super) fn resume(account: &Account) {
    let pending: Vec<(String, String)> = account.read(|state| {
        let all = state.cloudformation.stacks.values();
        let sets = all.flat_map(|stack| stack.change_sets.values().map(|set| (stack.id.clone(), set)));
        sets.filter(|(_, set)| set.status == ChangeSetStatus::Pending).map(|(id, set)| (id, set.id.clone())).collect()
    });
    for (stack_id, id) in pending {
        compute(account, stack_id, id);
    }
}

fn compute(account: &Account, stack_id: String, id: String) {
    let mine = account.clone();
    account.spawn(async move {
        tokio::time::sleep(mine.options().pace.step).await;
        let found = mine.read(|state| {
            let stack = state.cloudformation.stacks.get(&stack_id)?;
            let set = stack.change_sets.get(&id)?.clone();
            let computed = parse(&set.spec.template)
                .and_then(|template| changes::between(mine.options(), state, stack, &set.spec, &template));
            Some((set, computed))
        });
        let Some((mut set, computed)) = found else { return };
        let change = set.make_mut();
        match computed {
            Ok(computed) if computed.any || change.creates => {
                change.status = ChangeSetStatus::Complete;
                change.changes = computed.changes;
            }
            Ok(_) => {
                change.status = ChangeSetStatus::Failed;
                change.reason = Some(NOTHING.to_owned());
            }
            Err(reason) => {
                change.status = ChangeSetStatus::Failed;
                change.reason = Some(reason);
            }
        }
        mine.update(|state| {
            let sets = state.cloudformation.stack_mut(&stack_id).map(|stack| &mut stack.change_sets);
            if let Some(old) = sets.and_then(|sets| sets.get_mut(&id)) {
                *old = set;
            }
        });
    });
}

/// A change set by ARN, or by name and stack.
pub fn describe_change_set<'a>(
    state: &'a CloudFormationState,
    name: &str,
    stack: Option<&str>,
) -> Result<(&'a Stack, &'a ChangeSet), ApiError> {
    let absent = || ApiError::new("ChangeSetNotFound", format!("ChangeSet [{name}] does not exist")).with_status(404);
    if name.starts_with("arn:") {
        let found = state.stacks.values().find_map(|stack| Some((&**stack, &**stack.change_sets.get(name)?)));
        return found.ok_or_else(absent);
    }
    let stack_name = stack.ok_or_else(|| {
        ApiError::validation("StackName must be specified if ChangeSetName is not specified as an ARN.")
    })?;
    let unknown = || ApiError::validation(format!("Stack [{stack_name}] does not exist"));
    let stack = look::find(state, stack_name).ok_or_else(unknown)?;
    let set = stack.change_sets.values().find(|set| set.name == name);
    set.map(|set| (stack, &**set)).ok_or_else(absent)
}

/// Starts what a change set describes. The stack's other change sets go.
pub fn execute_change_set(
    account: &Account,
    name: &str,
    stack: Option<&str>,
    token: Option<String>,
    keeps_failures: bool,
) -> Result<(), ApiError> {
    let begun = account.update(|state| {
        let (stack, set) = describe_change_set(&state.cloudformation, name, stack)?;
        if set.status != ChangeSetStatus::Complete {
            let status = status_text(set.status);
            return Err(ApiError::new(
                "InvalidChangeSetStatus",
                format!("ChangeSet [{}] cannot be executed in its current status of [{status}]", set.id),
            ));
        }
        if !set.creates {
            check_updatable(stack)?;
        }
        let (stack_id, set) = (stack.id.clone(), set.clone());
        if let Some(stack) = state.cloudformation.stack_mut(&stack_id) {
            stack.keeps_failures = keeps_failures;
            stack.change_sets.clear();
            let executed = ChangeSet { status: ChangeSetStatus::Executed, ..set.clone() };
            stack.change_sets.insert(set.id.clone(), Shared::new(executed));
        }
        let phase = if set.creates { Phase::Create } else { Phase::Update };
        let operation = begin(account, state, &stack_id, phase, (set.spec, token));
        Ok(operation.map(|operation| (stack_id, operation)))
    })?;
    if let Some((stack_id, operation)) = begun {
        spawn(account, stack_id, operation);
    }
    Ok(())
}

/// Status as the interface writes it.
pub fn status_text(status: ChangeSetStatus) -> &'static str {
    match status {
        ChangeSetStatus::Pending => "CREATE_PENDING",
        ChangeSetStatus::Complete | ChangeSetStatus::Executed => "CREATE_COMPLETE",
        ChangeSetStatus::Failed => "FAILED",
    }
}

/// Takes a change set away; one that is not there is no mistake when it is
/// named by its ARN.
pub fn delete_change_set(account: &Account, name: &str, stack: Option<&str>) -> Result<(), ApiError> {
    account.update(|state| {
        let found = describe_change_set(&state.cloudformation, name, stack);
        let (stack_id, id) = match found {
            Ok((stack, set)) => (stack.id.clone(), set.id.clone()),
            Err(error) if error.code == "ChangeSetNotFound" => return Ok(()),
            Err(error) => return Err(error),
        };
        if let Some(stack) = state.cloudformation.stack_mut(&stack_id) {
            stack.change_sets.remove(&id);
        }
        Ok(())
    })
}
