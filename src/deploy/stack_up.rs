//! Brings one stack up, whatever it is in.

use super::change::Changed;
use super::ledger::Begun;
use super::run::Run;
use super::tail::Start;
use super::watched::{Settled, Watch};
use super::{Cause, Outcome, Progress, StepError};
use crate::aws::{ChangeSetKind, ResourceStatus, StackStatus};
use crate::plan::{Change, DeployedStack, KnownImage, StepId, Term, UpStanding, compare};
use crate::stack::{RenderedStack, Role, StackName};

/// How often a stack that others change is looked at anew.
const ATTEMPTS: usize = 6;

impl Run {
    /// Makes a stack what it should be, and as protected as it should be.
    pub(super) async fn bring_up(
        &self,
        step: &StepId,
        name: &StackName,
    ) -> Result<Outcome, StepError> {
        let outcome = self.bring_about(step, name).await?;
        let Some(wanted) = self.rendered(name).terms.termination_protection else {
            return Ok(outcome);
        };
        let there = self.deployed(name).filter(|_| outcome != Outcome::Created);
        if wanted == there.is_some_and(|there| there.stack.is_protected) {
            return Ok(outcome);
        }
        self.cloud.protect(name.as_str(), wanted).await?;
        Ok(match outcome {
            Outcome::Unchanged => Outcome::Updated,
            outcome => outcome,
        })
    }

    /// Makes a stack what it should be.
    async fn bring_about(&self, step: &StepId, name: &StackName) -> Result<Outcome, StepError> {
        let stack = self.rendered(name);
        let mut there = self.deployed(name);
        let mut last = StackStatus::ReviewInProgress;
        for _ in 0..ATTEMPTS {
            let status = there.as_ref().map(|there| there.stack.status.clone());
            let kind = match (UpStanding::of(status.as_ref()), &there) {
                (UpStanding::Create, _) | (_, None) => ChangeSetKind::Create,
                (UpStanding::Compare, Some(there)) if self.is_as_wanted(stack, there) => {
                    self.learn_outputs(name, Some(there.stack.outputs.clone()));
                    return Ok(Outcome::Unchanged);
                }
                (UpStanding::Compare | UpStanding::Force, Some(_)) => ChangeSetKind::Update,
                (UpStanding::Wait, Some(busy)) => {
                    self.attach(step, busy).await?;
                    there = self.look(stack).await?;
                    continue;
                }
                (UpStanding::Replace, Some(broken)) => {
                    self.clear_away(step, stack, broken).await?;
                    there = None;
                    continue;
                }
                (UpStanding::Continue, Some(stuck)) => {
                    self.continue_roll_back(step, stack, &stuck.stack).await?;
                    there = self.look(stack).await?;
                    continue;
                }
                (UpStanding::Blocked(hint), Some(there)) => {
                    return Err(StepError::Blocked {
                        status: there.stack.status.clone(),
                        cause: self.why(stack, &there.stack.id).await,
                        hint: hint.to_owned(),
                    });
                }
            };
            if there.is_some() {
                self.sweep(name.as_str()).await;
            }
            self.remember_stopped(stack.role).await;
            match self.change(step, stack, kind).await? {
                Changed::Settled(mut settled) => {
                    self.learn_outputs(name, settled.outputs.take());
                    let outcome = self.explained(finished(stack, kind, *settled)).await?;
                    if let (Role::EcrRepositories, Outcome::Updated, Some(there)) =
                        (stack.role, outcome, &there)
                    {
                        self.tell_left_behind(step, &there.stack.id).await;
                    }
                    return Ok(outcome);
                }
                Changed::Nothing => match &there {
                    // A change set does not see what a failed update left half-way.
                    Some(half) if status == Some(StackStatus::UpdateFailed) => {
                        self.take_back(step, stack, &half.stack).await?;
                        there = self.look(stack).await?;
                    }
                    there => {
                        self.tell_terms_left(step, stack, there.as_ref());
                        return Ok(Outcome::Unchanged);
                    }
                },
                Changed::Conflict => there = self.look(stack).await?,
            }
            last = there.as_ref().map_or(StackStatus::DeleteComplete, |there| {
                there.stack.status.clone()
            });
        }
        Err(StepError::Contended { status: last })
    }

    /// Whether there is nothing for a change set to do.
    fn is_as_wanted(&self, stack: &RenderedStack, there: &DeployedStack) -> bool {
        !self
            .differences(stack, there)
            .any(|it| it.is_of_change_set())
    }

    fn differences(
        &self,
        stack: &RenderedStack,
        there: &DeployedStack,
    ) -> impl Iterator<Item = Change> + use<> {
        let image = self
            .app_image
            .get()
            .map_or(KnownImage::Nothing, |image| KnownImage::Reference(image));
        compare(stack, image, there).into_iter()
    }

    /// Says which terms stay because the service took no update for them alone.
    /// AWS does for topics (the CDK's integration tests, against AWS, wait for
    /// such an update to complete) and for tags; of a role and of alarms alone
    /// nothing is written down.
    fn tell_terms_left(&self, step: &StepId, stack: &RenderedStack, there: Option<&DeployedStack>) {
        let Some(there) = there else { return };
        let left = self
            .differences(stack, there)
            .filter_map(|change| match change {
                Change::Term { term, .. } if change.is_of_change_set() => Some(term),
                _ => None,
            });
        let terms: Vec<Term> = left.collect();
        if !terms.is_empty() {
            self.tell(step, Progress::TermsLeft { terms });
        }
    }

    /// Reads the stack anew, with its template where that will be compared.
    async fn look(&self, stack: &RenderedStack) -> Result<Option<DeployedStack>, StepError> {
        let name = stack.name.as_str();
        let Some(found) = self.cloud.stack(name).await? else {
            return Ok(None);
        };
        let template = match UpStanding::of(Some(&found.status)) {
            UpStanding::Compare => self.cloud.template(name).await?,
            _ => None,
        };
        Ok(Some(DeployedStack {
            stack: found,
            template,
        }))
    }

    /// Waits for an operation that somebody else, or an earlier run, started.
    pub(super) async fn attach(
        &self,
        step: &StepId,
        busy: &DeployedStack,
    ) -> Result<Settled, StepError> {
        self.tell(
            step,
            Progress::Attached {
                status: busy.stack.status.clone(),
            },
        );
        let watch = Watch {
            step: step.clone(),
            stack_id: busy.stack.id.clone(),
            token: None,
            start: Start::LastOperation,
            places: self.rendered_places(step),
        };
        self.ledger.begin(step, Begun::other(&busy.stack.id));
        Ok(self.waited_for(watch).await?)
    }

    /// Deletes a stack that nothing else helps, if that is allowed.
    async fn clear_away(
        &self,
        step: &StepId,
        stack: &RenderedStack,
        broken: &DeployedStack,
    ) -> Result<(), StepError> {
        let status = broken.stack.status.clone();
        let cause = self.why(stack, &broken.stack.id).await;
        if !self.work.replace_failed {
            return Err(StepError::MayNotReplace { status, cause });
        }
        self.tell(step, Progress::Replacing { status, cause });
        self.delete(step, &broken.stack.id).await
    }
}

fn finished(
    stack: &RenderedStack,
    kind: ChangeSetKind,
    settled: Settled,
) -> Result<Outcome, StepError> {
    match (&settled.status, kind) {
        (StackStatus::CreateComplete, _) | (StackStatus::UpdateComplete, ChangeSetKind::Create) => {
            Ok(Outcome::Created)
        }
        (StackStatus::UpdateComplete, ChangeSetKind::Update) => Ok(Outcome::Updated),
        _ => Err(failure(stack, settled)),
    }
}

/// The failure of an operation, with the best cause there is.
pub(super) fn failure(stack: &RenderedStack, settled: Settled) -> StepError {
    let Settled {
        status,
        reason,
        cause,
        ..
    } = settled;
    let cause = cause.unwrap_or_else(|| Cause {
        logical_id: stack.name.to_string(),
        resource_type: "AWS::CloudFormation::Stack".into(),
        status: ResourceStatus::new(status.as_str()),
        reason: reason.unwrap_or_else(|| "no reason was given".into()),
        origin: None,
        others: 0,
        details: Vec::new(),
    });
    StepError::Failed {
        status,
        cause: Box::new(cause),
    }
}
