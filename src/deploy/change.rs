//! One change of a stack: change set, execution, watch.

use std::collections::BTreeMap;

use tokio::time::timeout;

use super::holds_data::losses;
use super::ledger::Begun;
use super::made::{Waiting, is_busy};
use super::run::Run;
use super::tail::Start;
use super::watched::{Settled, Watch};
use super::{Progress, Ready, StepError};
use crate::aws::{ChangeSet, ChangeSetKind, ChangeSetState, CloudError};
use crate::plan::StepId;
use crate::stack::{RenderedStack, Role};

/// What became of a change.
#[derive(Debug)]
pub(super) enum Changed {
    /// There was nothing to change.
    Nothing,
    /// It was carried out, for better or worse.
    Settled(Box<Settled>),
    /// The stack is not as it was thought to be: look again.
    Conflict,
}

impl Run {
    /// Changes a stack, or makes it.
    pub(super) async fn change(
        &self,
        step: &StepId,
        stack: &RenderedStack,
        kind: ChangeSetKind,
    ) -> Result<Changed, StepError> {
        let parameters = self.parameters(stack);
        let reviewed = self.reviewed(stack, kind, &parameters).await;
        let waited = kind == ChangeSetKind::Create && !stack.imports.is_empty();
        if waited && reviewed.is_none() {
            let made = self.create_at_once(step, stack, &parameters).await;
            self.ledger.end(step);
            if let Some(settled) = made? {
                return Ok(Changed::Settled(Box::new(settled)));
            }
        }
        self.tell(step, Progress::ChangeSet);
        let set = match reviewed {
            Some(ready) => ready.waiting.clone(),
            None => match self.create_change_set(stack, kind, &parameters).await {
                Ok(set) => set,
                Err(error) if is_conflict(&error) => return Ok(Changed::Conflict),
                Err(error) => return Err(self.refusal(stack, error)),
            },
        };
        let change_set = match reviewed {
            Some(ready) => ready.change_set.clone(),
            None => self.settled_change_set(&set).await?,
        };
        if change_set.state == ChangeSetState::Failed {
            return self.refused(stack, &set, &change_set).await;
        }
        let changed = self.carry_out(step, stack, &set, change_set).await;
        self.ledger.end(step);
        changed
    }

    /// Carries a change set out that is worked out.
    async fn carry_out(
        &self,
        step: &StepId,
        stack: &RenderedStack,
        set: &Waiting,
        change_set: ChangeSet,
    ) -> Result<Changed, StepError> {
        if let Err(losses) = self.agreed_losses(step, stack, &change_set).await {
            let _ = self.remove(set).await;
            return Err(losses);
        }
        self.tell(
            step,
            Progress::Executing {
                changes: change_set.changes,
                has_more: change_set.has_more,
            },
        );
        let (start, token) = match self.execute(step, set).await {
            Ok(started) => started,
            Err(error) => {
                self.not_executed(set).await;
                return match error {
                    error if is_conflict(&error) => Ok(Changed::Conflict),
                    error => Err(error.into()),
                };
            }
        };
        let watch = Watch {
            step: step.clone(),
            stack_id: set.stack_id.clone(),
            token: Some(token),
            start,
            places: self.places(stack),
        };
        let settled = self.in_time(step, stack.role, watch).await?;
        Ok(Changed::Settled(Box::new(settled)))
    }

    /// Removes a change set that could not be carried out, and the empty stack
    /// around it. One that is carried out after all cannot be removed, and
    /// waits no more.
    async fn not_executed(&self, set: &Waiting) {
        self.work.made.answer(set);
        if let Err(error) = self.remove(set).await
            && error.code() == Some("InvalidChangeSetStatus")
            && !is_busy(&error)
        {
            self.work.made.strike(&set.name);
        }
    }

    /// The change set of the review, if it is of the same wish; else it goes.
    async fn reviewed(
        &self,
        stack: &RenderedStack,
        kind: ChangeSetKind,
        parameters: &BTreeMap<String, String>,
    ) -> Option<&Ready> {
        let ready = self.work.review.ready.get(&stack.name)?;
        let is_first = self
            .used
            .lock()
            .is_ok_and(|mut used| used.insert(stack.name.clone()));
        if !is_first {
            return None;
        }
        if kind == ready.waiting.kind && ready.parameters == *parameters {
            return Some(ready);
        }
        self.work.made.drop_alone(&self.cloud, &ready.waiting).await;
        None
    }

    /// Stops before data is lost that nobody agreed to lose. What came up only
    /// now is asked for, where somebody can be asked.
    async fn agreed_losses(
        &self,
        step: &StepId,
        stack: &RenderedStack,
        change_set: &ChangeSet,
    ) -> Result<(), StepError> {
        let choices = &self.work.choices;
        if choices.allow_replacement {
            return Ok(());
        }
        let mut losses = losses(&self.cloud, &change_set.changes).await;
        losses.retain(|loss| !choices.agreed.has(&stack.name, loss));
        let losses: Vec<String> = losses.iter().map(ToString::to_string).collect();
        if losses.is_empty() || self.work.person.may_lose(step, &losses).await {
            return Ok(());
        }
        Err(StepError::LosesData { losses })
    }

    /// Follows an operation, and calls it off when it takes too long.
    async fn in_time(&self, step: &StepId, role: Role, watch: Watch) -> Result<Settled, StepError> {
        let followed = self.followed(role, watch);
        let Some(limit) = self.work.terms.timeout else {
            return Ok(followed.await?);
        };
        if let Ok(settled) = timeout(limit, followed).await {
            return Ok(settled?);
        }
        let begun = self.ledger.of(step).expect("what is followed was begun");
        let status = self.cancel(step, &begun.stack_id).await?;
        Err(StepError::OverTime { limit, status })
    }

    /// Starts a change set; tells where its events begin, and its token.
    async fn execute(&self, step: &StepId, set: &Waiting) -> Result<(Start, String), CloudError> {
        let stack_id = set.stack_id.as_str();
        let start = match set.kind {
            ChangeSetKind::Create => Start::Beginning,
            ChangeSetKind::Update => Start::After(self.history.seen_so_far(stack_id).await?),
        };
        let token = self.token();
        let started = async {
            self.work.made.start(set);
            let started = self.cloud.execute_change_set(&set.id, &token).await;
            if started.is_ok() {
                self.work.made.strike(&set.name);
            }
            started
        };
        self.begin(step, Begun::change(stack_id), started).await?;
        Ok((start, token))
    }

    /// Makes a stack that is not there, and that others had to come before,
    /// without a change set: it would have nothing to compare, could not be
    /// checked before anything runs, and would cost seconds where others wait.
    /// Nothing when the stack waits in review, or only change sets are allowed.
    async fn create_at_once(
        &self,
        step: &StepId,
        stack: &RenderedStack,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Option<Settled>, StepError> {
        let token = self.token();
        let template = self.template(stack).await?;
        let request = self.request(stack, ChangeSetKind::Create, &token, template, parameters);
        // Under the only name that is known now.
        let begun = Begun::change(stack.name.as_str());
        let created = self.cloud.create_stack(request);
        let stack_id = match self.begin(step, begun, created).await {
            Ok(stack_id) => stack_id,
            Err(CloudError::AccessDenied { .. }) => return Ok(None),
            Err(error) if error.code() == Some("AlreadyExistsException") => return Ok(None),
            Err(error) => return Err(self.refusal(stack, error)),
        };
        self.ledger.begin(step, Begun::change(&stack_id));
        self.tell(step, Progress::Creating);
        let watch = Watch {
            step: step.clone(),
            stack_id,
            token: Some(token),
            start: Start::Beginning,
            places: self.places(stack),
        };
        Ok(Some(self.in_time(step, stack.role, watch).await?))
    }
}

/// Whether the endpoint refuses because the stack is not in the state that we
/// think it is in.
pub(super) fn is_conflict(error: &CloudError) -> bool {
    let message = error.message();
    matches!(
        error.code(),
        Some("InvalidChangeSetStatus" | "OperationInProgressException" | "ChangeSetNotFound")
    ) || message.contains("already exists and cannot be created again")
        || message.contains("can not be updated")
        || (error.is_absent() && message.contains("tack"))
}
