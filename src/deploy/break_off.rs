//! What is done with what a run has begun, when it is broken off.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::ledger::Begun;
use super::run::Run;
use super::sweep::remove_empty;
use super::tail::Start;
use super::watched::Watch;
use super::{OnInterrupt, Outcome, Progress, StepError};
use crate::aws::{ChangeSetKind, CloudError, StackStatus};
use crate::plan::StepId;

/// How long clearing away may take, for a run that leaves at once.
pub(super) const CLEARING: Duration = Duration::from_millis(700);

/// An operation that was called off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CalledOff {
    /// The step that had begun it.
    pub step: StepId,
    /// Where its stack ended; none when it could not be called off.
    pub status: Option<StackStatus>,
    /// Why not, in words.
    pub error: Option<String>,
}

/// Clears away the change sets that were not carried out yet and, if that was
/// chosen, calls off what was.
pub(super) async fn break_off(run: &Arc<Run>) -> Vec<CalledOff> {
    let mut off = JoinSet::new();
    for (step, begun) in run.ledger.open() {
        let run = Arc::clone(run);
        off.spawn(async move {
            if !begun.is_executing {
                // Whoever comes next removes what is left.
                let _ = timeout(CLEARING, run.clear(&begun)).await;
                return None;
            }
            match run.work.choices.on_interrupt {
                OnInterrupt::Detach => None,
                OnInterrupt::Cancel => Some(run.call_off(step, &begun).await),
            }
        });
    }
    let _ = timeout(CLEARING, run.forget_unused()).await;
    let mut called_off: Vec<CalledOff> = off.join_all().await.into_iter().flatten().collect();
    called_off.sort_by(|one, other| one.step.cmp(&other.step));
    called_off
}

impl Run {
    /// Removes a change set, and the empty stack that was made for it.
    pub(super) async fn clear(&self, begun: &Begun) -> Result<(), CloudError> {
        self.cloud.delete_change_set(&begun.change_set).await?;
        if begun.kind == ChangeSetKind::Create {
            let (token, acting) = (self.token(), self.acting());
            remove_empty(&self.cloud, &begun.stack_id, &token, acting).await?;
        }
        Ok(())
    }

    async fn call_off(&self, step: StepId, begun: &Begun) -> CalledOff {
        match self.cancel(&step, begun).await {
            Ok(status) => CalledOff {
                step,
                status: Some(status),
                error: None,
            },
            Err(error) => CalledOff {
                step,
                status: None,
                error: Some(error.to_string()),
            },
        }
    }

    /// Calls off an operation that this run began, and follows that to its
    /// end. What is over, or is taken back already, is left to end by itself.
    pub(super) async fn cancel(
        &self,
        step: &StepId,
        begun: &Begun,
    ) -> Result<StackStatus, StepError> {
        let Some(stack) = self.cloud.stack(&begun.stack_id).await? else {
            return Ok(StackStatus::DeleteComplete);
        };
        // The ledger may only know the name yet, which the watch would not find
        // again in what the account lists.
        let stack_id = stack.id;
        match stack.status {
            StackStatus::CreateInProgress | StackStatus::ReviewInProgress => {
                self.tell(
                    step,
                    Progress::Cancelling {
                        outcome: Outcome::Deleted,
                    },
                );
                self.delete(step, &stack_id).await?;
                Ok(StackStatus::DeleteComplete)
            }
            StackStatus::UpdateInProgress => {
                self.tell(
                    step,
                    Progress::Cancelling {
                        outcome: Outcome::Unchanged,
                    },
                );
                let seen = self.history.seen_so_far(&stack_id).await?;
                match self.cloud.cancel_update(&stack_id, &self.token()).await {
                    // It has just come to its end.
                    Err(error) if error.message().contains("CancelUpdateStack") => {}
                    answer => answer?,
                }
                self.see_end(step, stack_id, Start::After(seen)).await
            }
            status if status.is_in_progress() => {
                self.see_end(step, stack_id, Start::LastOperation).await
            }
            status => Ok(status),
        }
    }

    async fn see_end(
        &self,
        step: &StepId,
        stack_id: String,
        start: Start,
    ) -> Result<StackStatus, StepError> {
        let watch = Watch {
            step: step.clone(),
            stack_id,
            token: None,
            start,
            places: self.rendered_places(step),
        };
        Ok(self.watcher.watch(watch).await?.status)
    }
}
