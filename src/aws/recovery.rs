//! CloudFormation's calls for what went wrong, or was broken off.

use aws_sdk_cloudformation::types as wire;

use super::{Cloud, CloudError};

/// A change set that waits on a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingChangeSet {
    /// The ARN.
    pub id: String,
    /// The name.
    pub name: String,
    /// Whether it is being worked out just now.
    pub is_pending: bool,
    /// Whether it is being carried out just now.
    pub is_executing: bool,
}

impl Cloud {
    /// The change sets of a stack that were not carried out; none where the
    /// stack is not there.
    pub async fn change_sets(&self, stack: &str) -> Result<Vec<WaitingChangeSet>, CloudError> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let call = self
                .cloudformation
                .list_change_sets()
                .stack_name(stack)
                .set_next_token(next);
            let operation = "cloudformation:ListChangeSets";
            let answer = match self.ask(operation, || call.clone().send()).await {
                Ok(answer) => answer,
                Err(error) if error.is_absent() => return Ok(found),
                Err(error) => return Err(error),
            };
            let waiting = answer.summaries().iter().filter(|set| !is_over(set));
            found.extend(waiting.map(WaitingChangeSet::from));
            next = answer.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    /// Starts to take back what a failed update left half-way.
    pub async fn roll_back_stack(
        &self,
        stack: &str,
        token: &str,
        role: Option<&str>,
    ) -> Result<(), CloudError> {
        let call = self
            .cloudformation
            .rollback_stack()
            .stack_name(stack)
            .set_role_arn(role.map(str::to_owned))
            .client_request_token(token);
        let operation = "cloudformation:RollbackStack";
        self.ask(operation, || call.clone().send())
            .await
            .map(|_| ())
    }

    /// Starts to go on with a roll-back that failed; the named resources are
    /// left as they are.
    pub async fn continue_roll_back(
        &self,
        stack: &str,
        skip: Vec<String>,
        token: &str,
        role: Option<&str>,
    ) -> Result<(), CloudError> {
        let call = self
            .cloudformation
            .continue_update_rollback()
            .stack_name(stack)
            .set_role_arn(role.map(str::to_owned))
            .set_resources_to_skip((!skip.is_empty()).then_some(skip))
            .client_request_token(token);
        let operation = "cloudformation:ContinueUpdateRollback";
        self.ask(operation, || call.clone().send())
            .await
            .map(|_| ())
    }

    /// Protects a stack from deletion, or no longer.
    pub async fn protect(&self, stack: &str, protected: bool) -> Result<(), CloudError> {
        let call = self
            .cloudformation
            .update_termination_protection()
            .stack_name(stack)
            .enable_termination_protection(protected);
        let operation = "cloudformation:UpdateTerminationProtection";
        self.ask(operation, || call.clone().send())
            .await
            .map(|_| ())
    }

    /// Starts to take back an update that is under way.
    pub async fn cancel_update(&self, stack: &str, token: &str) -> Result<(), CloudError> {
        let call = self
            .cloudformation
            .cancel_update_stack()
            .stack_name(stack)
            .client_request_token(token);
        let operation = "cloudformation:CancelUpdateStack";
        self.ask(operation, || call.clone().send())
            .await
            .map(|_| ())
    }
}

/// Whether it was carried out. It is listed all the same.
fn is_over(summary: &wire::ChangeSetSummary) -> bool {
    matches!(
        summary.execution_status(),
        Some(wire::ExecutionStatus::ExecuteComplete | wire::ExecutionStatus::ExecuteFailed)
    )
}

impl From<&wire::ChangeSetSummary> for WaitingChangeSet {
    fn from(summary: &wire::ChangeSetSummary) -> Self {
        let name = summary.change_set_name().unwrap_or_default();
        let is_pending = matches!(
            summary.status(),
            Some(
                wire::ChangeSetStatus::CreatePending
                    | wire::ChangeSetStatus::CreateInProgress
                    | wire::ChangeSetStatus::DeletePending
                    | wire::ChangeSetStatus::DeleteInProgress
            )
        );
        let is_executing = matches!(
            summary.execution_status(),
            Some(wire::ExecutionStatus::ExecuteInProgress)
        );
        Self {
            id: summary.change_set_id().unwrap_or(name).to_owned(),
            name: name.to_owned(),
            is_pending,
            is_executing,
        }
    }
}
