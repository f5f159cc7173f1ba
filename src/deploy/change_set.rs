//! One change set: asked for, worked out, or refused.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::timeout;

use super::StepError;
use super::change::Changed;
use super::made::Waiting;
use super::origin::Places;
use super::run::Run;
use crate::aws::{
    ChangeSet, ChangeSetKind, ChangeSetRequest, ChangeSetState, CloudError, Template,
};
use crate::stack::{RenderedStack, Role};

/// How often a change set may fail to be read for other reasons than throttling.
const MISSES: usize = 60;
/// How long a change set is waited for, unless operations may take less.
const WORKED_OUT: Duration = Duration::from_mins(5);

impl Run {
    /// What is asked for, on the user's terms.
    pub(super) fn request<'a>(
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

    /// Has a change set made.
    pub(super) async fn create_change_set(
        &self,
        stack: &RenderedStack,
        kind: ChangeSetKind,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Waiting, CloudError> {
        let (name, template) = (self.token(), self.template(stack).await?);
        let request = self.request(stack, kind, &name, template, parameters);
        let mut set = Waiting::new(&name, stack.name.as_str(), kind);
        let (made, _whole) = (&self.work.made, self.gate.enter().await);
        made.ask(set.clone());
        match self.cloud.create_change_set(request).await {
            Ok((id, stack_id)) => {
                (set.id, set.stack_id) = (id, stack_id);
                made.answer(&set);
                Ok(set)
            }
            // It may be there all the same.
            Err(error) if error.is_transient() => {
                made.answer(&set);
                Err(error)
            }
            Err(error) => {
                made.strike(&name);
                Err(error)
            }
        }
    }

    /// Waits until a change set is worked out. One that cannot be read, or is
    /// never done, is removed again with the empty stack that was made for it.
    pub(super) async fn settled_change_set(&self, set: &Waiting) -> Result<ChangeSet, StepError> {
        let terms = &self.work.terms;
        let limit = terms.timeout.map_or(WORKED_OUT, |own| own.min(WORKED_OUT));
        let settled = match timeout(limit, self.worked_out(set)).await {
            Ok(settled) => settled.map_err(StepError::from),
            Err(_) => Err(StepError::NotWorkedOut { limit }),
        };
        if settled.is_err() {
            let _ = self.remove(set).await;
        }
        settled
    }

    async fn worked_out(&self, set: &Waiting) -> Result<ChangeSet, CloudError> {
        let (mut misses, mut pauses) = (0, self.pace.pauses());
        loop {
            pauses.pause().await;
            self.pace.urgent_turn().await;
            let answer = self.reader.change_set(&set.id).await;
            self.pace.learn(&answer);
            match answer {
                Ok(change_set) if change_set.state != ChangeSetState::Pending => {
                    return Ok(change_set);
                }
                Ok(_) | Err(CloudError::Throttled { .. }) => {}
                Err(error) if error.is_transient() && misses < MISSES => misses += 1,
                Err(error) => return Err(error),
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
        set: &Waiting,
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
        let _ = self.remove(set).await;
        if change_set.is_empty() {
            return Ok(Changed::Nothing);
        }
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
