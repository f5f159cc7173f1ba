//! Brings a stack out of a half-done update, where that needs no person.

use super::ledger::Begun;
use super::run::Run;
use super::stack_up::failure;
use super::tail::Start;
use super::watched::{Settled, Watch};
use super::{Progress, StepError};
use crate::aws::{Stack, StackStatus};
use crate::plan::StepId;
use crate::stack::RenderedStack;

impl Run {
    /// Continues a roll-back that failed, without what the user named.
    pub(super) async fn continue_roll_back(
        &self,
        step: &StepId,
        stack: &RenderedStack,
        stuck: &Stack,
    ) -> Result<(), StepError> {
        let named = self.work.choices.skip.iter();
        let skip: Vec<String> = named
            .filter(|skipped| skipped.stack == stack.name)
            .map(|skipped| skipped.logical_id.clone())
            .collect();
        self.tell(
            step,
            Progress::Continuing {
                cause: self.why(stack, &stuck.id).await,
                skipping: skip.clone(),
            },
        );
        let seen = self.history.seen_so_far(&stuck.id).await?;
        let token = self.token();
        let cloud = &self.cloud;
        let asked = cloud.continue_roll_back(&stuck.id, skip, &token, self.acting());
        self.begin(step, Begun::other(&stuck.id), asked).await?;
        let settled = self.follow(step, stack, &stuck.id, seen).await?;
        if settled.status == StackStatus::UpdateRollbackComplete {
            return Ok(());
        }
        let StepError::Failed { status, cause } = failure(stack, settled) else {
            unreachable!("a failure of a stack is one")
        };
        Err(StepError::StillStuck {
            stack: stack.name.clone(),
            status,
            cause,
        })
    }

    /// Takes back an update that failed half-way and was left there.
    pub(super) async fn take_back(
        &self,
        step: &StepId,
        stack: &RenderedStack,
        half: &Stack,
    ) -> Result<(), StepError> {
        self.tell(
            step,
            Progress::TakingBack {
                cause: self.why(stack, &half.id).await,
            },
        );
        let seen = self.history.seen_so_far(&half.id).await?;
        let token = self.token();
        let asked = self.cloud.roll_back_stack(&half.id, &token, self.acting());
        self.begin(step, Begun::other(&half.id), asked).await?;
        let settled = self.follow(step, stack, &half.id, seen).await?;
        match settled.status {
            StackStatus::UpdateRollbackComplete => Ok(()),
            _ => Err(failure(stack, settled)),
        }
    }

    /// Follows an operation on a stack that stands, by its events after these.
    /// Whether they carry the request's token is not said anywhere, so that any
    /// end counts.
    async fn follow(
        &self,
        step: &StepId,
        stack: &RenderedStack,
        stack_id: &str,
        seen: std::collections::HashSet<String>,
    ) -> Result<Settled, StepError> {
        let watch = Watch {
            step: step.clone(),
            stack_id: stack_id.to_owned(),
            token: None,
            start: Start::After(seen),
            places: self.places(stack),
        };
        Ok(self.waited_for(watch).await?)
    }
}
