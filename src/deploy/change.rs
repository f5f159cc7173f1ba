//! One change of a stack: change set, execution, watch.

use std::collections::BTreeMap;

use tokio::time::timeout;

use super::holds_data::losses;
use super::ledger::Begun;
use super::origin::Places;
use super::run::Run;
use super::sweep::remove_empty;
use super::tail::Start;
use super::watched::{Settled, Watch};
use super::{Progress, StepError};
use crate::aws::{
    ChangeSet, ChangeSetKind, ChangeSetRequest, ChangeSetState, CloudError, Template,
};
use crate::plan::StepId;
use crate::stack::{RenderedStack, Role};

/// How often a change set may fail to be read for other reasons than throttling.
const MISSES: usize = 60;

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
        let (id, stack_id) = match &reviewed {
            Some(ready) => (ready.id.clone(), ready.stack_id.clone()),
            None => match self.create_change_set(stack, kind, &parameters).await {
                Ok(ids) => ids,
                Err(error) if is_conflict(&error) => return Ok(Changed::Conflict),
                Err(error) => return Err(self.refusal(stack, error)),
            },
        };
        let begun = Begun {
            stack_id,
            change_set: id,
            kind,
            is_executing: false,
        };
        self.ledger.begin(step, begun.clone());
        let changed = self.carry_out(step, stack, begun, reviewed).await;
        self.ledger.end(step);
        changed
    }

    /// Carries a change set out, once it is worked out, which it is already
    /// when it is a reviewed one.
    async fn carry_out(
        &self,
        step: &StepId,
        stack: &RenderedStack,
        begun: Begun,
        reviewed: Option<&ChangeSet>,
    ) -> Result<Changed, StepError> {
        let change_set = match reviewed {
            Some(ready) => ready.clone(),
            None => self.settled_change_set(&begun).await?,
        };
        let (kind, id, stack_id) = (begun.kind, begun.change_set.as_str(), begun.stack_id);
        if change_set.state == ChangeSetState::Failed {
            return self.refused(stack, &change_set).await;
        }
        self.check_losses(&change_set).await?;
        self.tell(
            step,
            Progress::Executing {
                changes: change_set.changes,
                has_more: change_set.has_more,
            },
        );
        let (start, token) = match self.execute(step, kind, id, &stack_id).await {
            Ok(started) => started,
            Err(error) => {
                // One that is carried out after all is not removed.
                let _ = self.cloud.delete_change_set(id).await;
                return match error {
                    error if is_conflict(&error) => Ok(Changed::Conflict),
                    error => Err(error.into()),
                };
            }
        };
        let watch = Watch {
            step: step.clone(),
            stack_id,
            token: Some(token),
            start,
            places: self.places(stack),
        };
        let settled = self.in_time(step, stack.role, watch).await?;
        Ok(Changed::Settled(Box::new(settled)))
    }

    /// The change set of the review, if it is of the same wish; else it goes.
    async fn reviewed(
        &self,
        stack: &RenderedStack,
        kind: ChangeSetKind,
        parameters: &BTreeMap<String, String>,
    ) -> Option<&ChangeSet> {
        let ready = self.work.review.ready.get(&stack.name)?;
        let change_set = &ready.change_set;
        let is_first = self
            .used
            .lock()
            .is_ok_and(|mut used| used.insert(stack.name.clone()));
        if kind == ready.kind && ready.parameters == *parameters && is_first {
            return Some(change_set);
        }
        let _ = self.cloud.delete_change_set(&change_set.id).await;
        None
    }

    /// Stops before data is lost that nobody said may be lost.
    async fn check_losses(&self, change_set: &ChangeSet) -> Result<(), StepError> {
        if self.work.choices.allow_replacement {
            return Ok(());
        }
        let losses = losses(&self.cloud, &change_set.changes).await;
        if losses.is_empty() {
            return Ok(());
        }
        self.cloud.delete_change_set(&change_set.id).await?;
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
        let open = self.ledger.open();
        let begun = open.into_iter().find(|(of, _)| of == step);
        let (_, begun) = begun.expect("what is followed was begun");
        let status = self.cancel(step, &begun).await?;
        Err(StepError::OverTime { limit, status })
    }

    /// Starts a change set; tells where its events begin, and its token.
    async fn execute(
        &self,
        step: &StepId,
        kind: ChangeSetKind,
        id: &str,
        stack_id: &str,
    ) -> Result<(Start, String), CloudError> {
        let start = match kind {
            ChangeSetKind::Create => Start::Beginning,
            ChangeSetKind::Update => Start::After(self.history.seen_so_far(stack_id).await?),
        };
        let token = self.token();
        self.ledger.execute(step);
        self.cloud.execute_change_set(id, &token).await?;
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
        // It counts from the moment before the call, under the only name that
        // is known then.
        self.ledger
            .begin(step, Begun::creation(stack.name.as_str()));
        let stack_id = match self.cloud.create_stack(request).await {
            Ok(stack_id) => stack_id,
            Err(CloudError::AccessDenied { .. }) => return Ok(None),
            Err(error) if error.code() == Some("AlreadyExistsException") => return Ok(None),
            Err(error) => return Err(self.refusal(stack, error)),
        };
        self.ledger.begin(step, Begun::creation(&stack_id));
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

    /// What is asked for, on the user's terms.
    fn request<'a>(
        &'a self,
        stack: &'a RenderedStack,
        kind: ChangeSetKind,
        name: &'a str,
        template: Template<'a>,
        parameters: &'a BTreeMap<String, String>,
    ) -> ChangeSetRequest<'a> {
        let terms = &self.work.terms;
        let capabilities = stack.capabilities.iter();
        // A stack that is not there has nothing to forget.
        let list = |list: &'a Option<Vec<String>>| {
            let list = list.as_deref();
            list.filter(|list| kind == ChangeSetKind::Update || !list.is_empty())
        };
        ChangeSetRequest {
            stack: stack.name.as_str(),
            name,
            kind,
            template,
            parameters,
            capabilities: capabilities.map(|one| one.as_str().to_owned()).collect(),
            tags: &stack.tags,
            role_arn: stack.terms.role_arn.as_deref(),
            notification_arns: list(&stack.terms.notification_arns),
            rollback_alarms: list(&stack.terms.rollback_alarms),
            timeout: terms.timeout,
            // In express mode a service may stay on the old task definition.
            express: terms.express && stack.role != Role::EcsService,
        }
    }

    pub(super) async fn create_change_set(
        &self,
        stack: &RenderedStack,
        kind: ChangeSetKind,
        parameters: &BTreeMap<String, String>,
    ) -> Result<(String, String), CloudError> {
        let (name, template) = (self.token(), self.template(stack).await?);
        let request = self.request(stack, kind, &name, template, parameters);
        self.cloud.create_change_set(request).await
    }

    /// Waits until a change set is worked out. One that cannot be read is
    /// removed again, with the empty stack that was made for it.
    pub(super) async fn settled_change_set(&self, begun: &Begun) -> Result<ChangeSet, StepError> {
        let (mut misses, mut pauses) = (0, self.pace.pauses());
        loop {
            pauses.pause().await;
            self.pace.urgent_turn().await;
            let answer = self.reader.change_set(&begun.change_set).await;
            self.pace.learn(&answer);
            match answer {
                Ok(change_set) if change_set.state != ChangeSetState::Pending => {
                    return Ok(change_set);
                }
                Ok(_) | Err(CloudError::Throttled { .. }) => {}
                Err(error) if error.is_transient() && misses < MISSES => misses += 1,
                Err(error) => {
                    let _ = self.clear(begun).await;
                    return Err(error.into());
                }
            }
        }
    }

    /// What the service has against a template, with the line of it.
    pub(super) fn refusal(&self, stack: &RenderedStack, error: CloudError) -> StepError {
        let reason = error.message();
        let origin = match error.code() {
            Some("ValidationError") => self.places(stack).of_template(reason),
            _ => None,
        };
        match origin {
            Some(origin) => StepError::ChangeSet {
                reason: format!("{reason} ({origin})"),
            },
            None => error.into(),
        }
    }

    /// Removes a change set that failed, and the empty stack around it.
    pub(super) async fn refused(
        &self,
        stack: &RenderedStack,
        change_set: &ChangeSet,
    ) -> Result<Changed, StepError> {
        let mut reason = change_set
            .reason
            .clone()
            .unwrap_or_else(|| "no reason was given".into());
        if let Some(origin) = self.places(stack).of_template(&reason) {
            reason = format!("{reason} ({origin})");
        } else if reason.contains("Validation") && !change_set.is_empty() {
            // An endpoint, or a caller, without this call has the reason alone.
            let faults = self
                .cloud
                .change_set_faults(&change_set.id)
                .await
                .unwrap_or_default();
            if !faults.is_empty() {
                let places = self.places(stack);
                let told = faults.iter().map(|fault| with_origin(&places, fault));
                reason = told.collect::<Vec<_>>().join("; ");
            }
        }
        self.cloud.delete_change_set(&change_set.id).await?;
        if change_set.is_empty() {
            return Ok(Changed::Nothing);
        }
        let name = stack.name.as_str();
        remove_empty(&self.cloud, name, &self.token(), self.acting()).await?;
        Err(StepError::ChangeSet { reason })
    }
}

/// What is wrong at `/Resources/<logical id>/…`, with the line of that place.
fn with_origin(places: &Places, fault: &str) -> String {
    let place = fault.strip_prefix("/Resources/");
    let logical_id = place.and_then(|place| place.split(['/', ':']).next());
    let origin = logical_id.and_then(|logical_id| places.find(logical_id, fault));
    origin.map_or_else(|| fault.to_owned(), |origin| format!("{fault} ({origin})"))
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
