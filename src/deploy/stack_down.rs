//! Takes one stack down, whatever it is in.

use super::ledger::Begun;
use super::run::Run;
use super::tail::Start;
use super::watched::{Settled, Watch};
use super::{Outcome, Progress, StepError};
use crate::aws::{CloudError, StackStatus};
use crate::plan::{DeployedStack, DownStanding, StepId};
use crate::stack::StackName;

/// How often a stack that others change is looked at anew.
const ATTEMPTS: usize = 6;

impl Run {
    /// Makes a stack be gone.
    pub(super) async fn take_down(
        &self,
        step: &StepId,
        name: &StackName,
    ) -> Result<Outcome, StepError> {
        let mut there = self.deployed(name);
        let mut was_there = false;
        for _ in 0..ATTEMPTS {
            let status = there.as_ref().map(|there| there.stack.status.clone());
            match (DownStanding::of(status.as_ref()), &there) {
                (DownStanding::Absent, _) | (_, None) => {
                    return Ok(if was_there {
                        Outcome::Deleted
                    } else {
                        Outcome::Absent
                    });
                }
                (DownStanding::Wait, Some(busy)) => {
                    self.attach(step, busy).await?;
                }
                (DownStanding::Delete | DownStanding::Again, Some(there)) => {
                    if DownStanding::of(status.as_ref()) == DownStanding::Again {
                        self.tell_why_again(step, name, there).await;
                    }
                    self.tell(step, Progress::Deleting);
                    match self.delete(step, &there.stack.id).await {
                        Ok(()) => return Ok(Outcome::Deleted),
                        Err(StepError::Cloud(error)) if is_busy(&error) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            was_there = true;
            let found = self.cloud.stack(name.as_str()).await?;
            there = found.map(|stack| DeployedStack {
                stack,
                template: None,
            });
        }
        let status = there.map_or(StackStatus::DeleteComplete, |there| there.stack.status);
        Err(StepError::Contended { status })
    }

    /// Says why an earlier deletion failed, before it is tried again.
    async fn tell_why_again(&self, step: &StepId, name: &StackName, there: &DeployedStack) {
        let cause = self.why(self.rendered(name), &there.stack.id).await;
        let status = there.stack.status.clone();
        self.tell(step, Progress::DeletingAgain { status, cause });
    }

    /// Deletes a stack by its ARN and waits until it is gone.
    pub(super) async fn delete(&self, step: &StepId, stack_id: &str) -> Result<(), StepError> {
        let token = self.token();
        let asked = self.cloud.delete_stack(stack_id, &token, self.acting());
        self.begin(step, Begun::other(stack_id), asked).await?;
        let watch = Watch {
            step: step.clone(),
            stack_id: stack_id.to_owned(),
            start: Start::Request(token.clone()),
            token: Some(token),
            places: self.rendered_places(step),
        };
        let settled = self.waited_for(watch).await?;
        if settled.status == StackStatus::DeleteComplete {
            return Ok(());
        }
        Err(not_deleted(settled))
    }
}

/// A stack whose export is in use does not fail to be deleted: it goes back to
/// where it was, with a reason.
fn not_deleted(settled: Settled) -> StepError {
    let Settled {
        status,
        reason,
        cause,
        ..
    } = settled;
    match cause {
        Some(cause) if !status.is_complete() => StepError::Failed {
            status,
            cause: Box::new(cause),
        },
        cause => {
            let reason = reason.or_else(|| cause.map(|cause| cause.reason));
            StepError::NotDeleted {
                reason: reason.unwrap_or_else(|| format!("it is in {status} again")),
            }
        }
    }
}

fn is_busy(error: &CloudError) -> bool {
    error.message().contains("_IN_PROGRESS") || error.code() == Some("OperationInProgressException")
}
