//! What is done with what a run has begun, when it is broken off.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::ledger::Kind;
use super::made::{LEAVING, Removals};
use super::run::Run;
use super::tail::Start;
use super::watched::Watch;
use super::{OnInterrupt, Outcome, Progress, StepError};
use crate::aws::StackStatus;
use crate::plan::StepId;

/// How much of that time is for the answers to calls that are under way.
const ANSWERS: Duration = Duration::from_millis(400);
/// How long they are waited for where what they begin is to be called off: it
/// has to be there for that.
const ALL_ANSWERS: Duration = Duration::from_secs(30);

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

/// Calls off what a run has begun, if that was chosen.
pub(super) async fn break_off(run: &Arc<Run>) -> Vec<CalledOff> {
    if run.work.choices.on_interrupt == OnInterrupt::Detach {
        return Vec::new();
    }
    let mut off = JoinSet::new();
    for (step, begun) in run.ledger.open() {
        if begun.kind == Kind::Change {
            let run = Arc::clone(run);
            off.spawn(async move { run.call_off(step, &begun.stack_id).await });
        }
    }
    let mut called_off: Vec<CalledOff> = off.join_all().await;
    called_off.sort_by(|one, other| one.step.cmp(&other.step));
    called_off
}

impl Run {
    /// Ends the tasks of a run that is broken off, without breaking off a call
    /// half-way, and removes the change sets that wait; all of it within
    /// [`LEAVING`], unless what has begun is to be called off. What could not be
    /// removed by then stays in the list.
    pub(super) async fn leave<T: 'static>(&self, tasks: &mut JoinSet<T>) {
        let (answers, rest) = match self.work.choices.on_interrupt {
            OnInterrupt::Detach => (ANSWERS, LEAVING.saturating_sub(ANSWERS)),
            OnInterrupt::Cancel => (ALL_ANSWERS, LEAVING),
        };
        let mut removals = Removals::default();
        self.gate.close();
        // The deletions go out at once, before anything is waited for.
        self.work.made.put_away(&self.caller(), &mut removals);
        let began = Instant::now();
        self.gate.emptied(answers).await;
        let end = began + began.elapsed().max(ANSWERS) + rest;
        tasks.shutdown().await;
        removals.with_unanswered = true;
        self.work.made.put_away(&self.caller(), &mut removals);
        let _ = timeout_at(end, removals.tasks.join_all()).await;
        self.gate.open();
    }

    async fn call_off(&self, step: StepId, stack_id: &str) -> CalledOff {
        match self.cancel(&step, stack_id).await {
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
        stack_id: &str,
    ) -> Result<StackStatus, StepError> {
        let Some(stack) = self.cloud.stack(stack_id).await? else {
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
