//! One change of a stack: change set, execution, watch.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::ledger::Begun;
use super::run::Run;
use super::tail::Start;
use super::watched::{Settled, Watch};
use super::{Progress, StepError};
use crate::aws::{
    ChangeSet, ChangeSetKind, ChangeSetRequest, ChangeSetState, CloudError, StackStatus,
};
use crate::plan::StepId;
use crate::stack::{LONGEST_TEMPLATE, ParameterValue, RenderedStack, Role};

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
        if kind == ChangeSetKind::Create {
            let made = self.create_at_once(step, stack, &parameters).await;
            self.ledger.end(step);
            if let Some(settled) = made? {
                return Ok(Changed::Settled(Box::new(settled)));
            }
        }
        self.tell(step, Progress::ChangeSet);
        let (id, stack_id) = match self.create_change_set(stack, kind, &parameters).await {
            Ok(ids) => ids,
            Err(error) if is_conflict(&error) => return Ok(Changed::Conflict),
            Err(error) => return Err(error.into()),
        };
        let begun = Begun {
            stack_id: stack_id.clone(),
            change_set: id.clone(),
            kind,
            is_executing: false,
        };
        self.ledger.begin(step, begun);
        let changed = self.carry_out(step, stack, kind, (&id, stack_id)).await;
        self.ledger.end(step);
        changed
    }

    /// Carries a change set out, once it is worked out.
    async fn carry_out(
        &self,
        step: &StepId,
        stack: &RenderedStack,
        kind: ChangeSetKind,
        (id, stack_id): (&str, String),
    ) -> Result<Changed, StepError> {
        let change_set = self.settled_change_set(id).await?;
        if change_set.state == ChangeSetState::Failed {
            return self.refused(stack, &change_set).await;
        }
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
        let settled = self.followed(stack.role, watch).await?;
        Ok(Changed::Settled(Box::new(settled)))
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

    /// Makes a stack that is not there without a change set, which would have
    /// nothing to compare: it would cost seconds of each stack that others wait
    /// for, and CloudFormation checks a new stack before it begins either way.
    /// Nothing when the stack waits in review, or only change sets are allowed.
    async fn create_at_once(
        &self,
        step: &StepId,
        stack: &RenderedStack,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Option<Settled>, StepError> {
        let token = self.token();
        let template = sent(stack);
        let request = self.request(stack, ChangeSetKind::Create, &token, &template, parameters);
        // It counts from the moment before the call, under the only name that
        // is known then.
        self.ledger
            .begin(step, Begun::creation(stack.name.as_str()));
        let stack_id = match self.cloud.create_stack(request).await {
            Ok(stack_id) => stack_id,
            Err(CloudError::AccessDenied { .. }) => return Ok(None),
            Err(error) if error.code() == Some("AlreadyExistsException") => return Ok(None),
            Err(error) => return Err(error.into()),
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
        Ok(Some(self.followed(stack.role, watch).await?))
    }

    /// What is asked for, on the user's terms.
    fn request<'a>(
        &'a self,
        stack: &'a RenderedStack,
        kind: ChangeSetKind,
        name: &'a str,
        template: &'a str,
        parameters: &'a BTreeMap<String, String>,
    ) -> ChangeSetRequest<'a> {
        let terms = &self.work.terms;
        let capabilities = stack.capabilities.iter();
        ChangeSetRequest {
            stack: stack.name.as_str(),
            name,
            kind,
            template,
            parameters,
            capabilities: capabilities.map(|one| one.as_str().to_owned()).collect(),
            tags: &stack.tags,
            role_arn: terms.role_arn.as_deref(),
            notification_arns: &terms.notification_arns,
            rollback_alarms: &terms.rollback_alarms,
            // In express mode a service may stay on the old task definition.
            express: terms.express && stack.role != Role::EcsService,
        }
    }

    async fn create_change_set(
        &self,
        stack: &RenderedStack,
        kind: ChangeSetKind,
        parameters: &BTreeMap<String, String>,
    ) -> Result<(String, String), CloudError> {
        let (name, template) = (self.token(), sent(stack));
        let request = self.request(stack, kind, &name, &template, parameters);
        self.cloud.create_change_set(request).await
    }

    /// Waits until a change set is worked out. One that cannot be read is
    /// removed again.
    async fn settled_change_set(&self, id: &str) -> Result<ChangeSet, StepError> {
        let mut misses = 0;
        loop {
            self.pace.urgent_turn().await;
            let answer = self.reader.change_set(id).await;
            self.pace.learn(&answer);
            match answer {
                Ok(change_set) if change_set.state != ChangeSetState::Pending => {
                    return Ok(change_set);
                }
                Ok(_) => self.pace.gap().await,
                Err(CloudError::Throttled { .. }) => {}
                Err(error) if error.is_transient() && misses < MISSES => {
                    misses += 1;
                    self.pace.gap().await;
                }
                Err(error) => {
                    let _ = self.cloud.delete_change_set(id).await;
                    return Err(error.into());
                }
            }
        }
    }

    /// Removes a change set that failed, and the empty stack around it.
    async fn refused(
        &self,
        stack: &RenderedStack,
        change_set: &ChangeSet,
    ) -> Result<Changed, StepError> {
        let mut reason = change_set
            .reason
            .clone()
            .unwrap_or_else(|| "no reason was given".into());
        if reason.contains("Validation") && !change_set.is_empty() {
            // An endpoint, or a caller, without this call has the reason alone.
            let faults = self
                .cloud
                .change_set_faults(&change_set.id)
                .await
                .unwrap_or_default();
            reason = std::iter::once(reason)
                .chain(faults)
                .collect::<Vec<_>>()
                .join("; ");
        }
        self.cloud.delete_change_set(&change_set.id).await?;
        if change_set.is_empty() {
            return Ok(Changed::Nothing);
        }
        let left = self.cloud.stack(stack.name.as_str()).await?;
        if left.is_some_and(|left| left.status == StackStatus::ReviewInProgress) {
            self.cloud
                .delete_stack(stack.name.as_str(), &self.token())
                .await?;
        }
        Err(StepError::ChangeSet { reason })
    }

    /// The values of a stack's parameters, as far as they are known.
    pub(super) fn known_parameters(&self, stack: &RenderedStack) -> BTreeMap<String, String> {
        let known = |(name, value): (&String, &ParameterValue)| match value {
            ParameterValue::Known(value) => Some((name.clone(), value.clone())),
            ParameterValue::AppImage => {
                let image = self.app_image.get()?;
                Some((name.clone(), image.clone()))
            }
            ParameterValue::PushedImage(digest) => {
                let repository = self.repository.get()?;
                Some((name.clone(), format!("{repository}@{digest}")))
            }
        };
        stack.parameters.iter().filter_map(known).collect()
    }

    /// The values of a stack's parameters, all of which are known by now.
    pub(super) fn parameters(&self, stack: &RenderedStack) -> BTreeMap<String, String> {
        let value = |value: &ParameterValue| match value {
            ParameterValue::Known(value) => value.clone(),
            ParameterValue::AppImage => self
                .app_image
                .get()
                .expect("the image is pushed before a stack names it")
                .clone(),
            ParameterValue::PushedImage(digest) => {
                let repository = self.repository.get();
                let repository = repository.expect("it is pushed before a stack names it");
                format!("{repository}@{digest}")
            }
        };
        stack
            .parameters
            .iter()
            .map(|(name, of)| (name.clone(), value(of)))
            .collect()
    }
}

/// The template as it is sent: as it is written, unless that is too long.
fn sent(stack: &RenderedStack) -> Cow<'_, str> {
    if stack.template.len() > LONGEST_TEMPLATE {
        stack.minified().into()
    } else {
        stack.template.as_str().into()
    }
}

/// Whether the endpoint refuses because the stack is not in the state that we
/// think it is in.
fn is_conflict(error: &CloudError) -> bool {
    let message = error.message();
    matches!(
        error.code(),
        Some("InvalidChangeSetStatus" | "OperationInProgressException" | "ChangeSetNotFound")
    ) || message.contains("already exists and cannot be created again")
        || message.contains("can not be updated")
        || (error.is_absent() && message.contains("tack"))
}
