//! Brings one stack up, whatever it is in.

use super::cause::CauseFinder;
use super::change::Changed;
use super::run::Run;
use super::tail::{Batch, Start, Tail};
use super::watched::{Settled, Watch};
use super::{Cause, Outcome, Progress, StepError};
use crate::aws::{ChangeSetKind, ResourceStatus, StackStatus};
use crate::plan::{DeployedStack, KnownImage, StepId, UpStanding, compare};
use crate::stack::{RenderedStack, StackName};

/// How often a stack that others change is looked at anew.
const ATTEMPTS: usize = 6;

impl Run {
    /// Makes a stack what it should be.
    pub(super) async fn bring_up(
        &self,
        step: &StepId,
        name: &StackName,
    ) -> Result<Outcome, StepError> {
        let stack = self.rendered(name);
        let mut there = self.deployed(name);
        let mut last = StackStatus::ReviewInProgress;
        for _ in 0..ATTEMPTS {
            let status = there.as_ref().map(|there| there.stack.status.clone());
            let kind = match (UpStanding::of(status.as_ref()), &there) {
                (UpStanding::Create, _) | (_, None) => ChangeSetKind::Create,
                (UpStanding::Compare, Some(there)) if self.is_as_wanted(stack, there) => {
                    return Ok(Outcome::Unchanged);
                }
                (UpStanding::Compare | UpStanding::Force, Some(_)) => ChangeSetKind::Update,
                (UpStanding::Wait, Some(busy)) => {
                    self.attach(step, busy).await?;
                    there = self.look(stack).await?;
                    continue;
                }
                (UpStanding::Replace, Some(broken)) => {
                    self.clear_away(step, broken).await?;
                    there = None;
                    continue;
                }
                (UpStanding::Blocked(hint), Some(there)) => {
                    return Err(StepError::Blocked {
                        status: there.stack.status.clone(),
                        cause: self.why(&there.stack.id).await,
                        hint: hint.to_owned(),
                    });
                }
            };
            self.remember_stopped(stack.role).await;
            match self.change(step, stack, kind).await? {
                Changed::Settled(settled) => {
                    return self.explained(finished(stack, kind, settled)).await;
                }
                Changed::Nothing => return nothing_changed(status),
                Changed::Conflict => there = self.look(stack).await?,
            }
            last = there.as_ref().map_or(StackStatus::DeleteComplete, |there| {
                there.stack.status.clone()
            });
        }
        Err(StepError::Contended { status: last })
    }

    fn is_as_wanted(&self, stack: &RenderedStack, there: &DeployedStack) -> bool {
        let image = self
            .app_image
            .get()
            .map_or(KnownImage::Nothing, |image| KnownImage::Reference(image));
        compare(stack, image, there).is_empty()
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
        };
        Ok(self.watcher.watch(watch).await?)
    }

    /// Why the last operation on a stack failed, as far as its events tell.
    async fn why(&self, stack_id: &str) -> Option<Box<Cause>> {
        let (mut tail, mut batch, mut next) =
            (Tail::new(Start::LastOperation), Batch::default(), None);
        loop {
            self.pace.turn().await;
            let page = self.cloud.events(stack_id, next).await.ok()?;
            let wants_older = tail.add(&mut batch, page.events);
            next = page.next;
            if !wants_older || next.is_none() {
                break;
            }
        }
        let mut finder = CauseFinder::default();
        for event in tail.commit(batch) {
            finder.take(&event);
        }
        finder.cause().map(Box::new)
    }

    /// Deletes a stack whose creation failed, if that is allowed.
    async fn clear_away(&self, step: &StepId, broken: &DeployedStack) -> Result<(), StepError> {
        let status = broken.stack.status.clone();
        if !self.work.replace_failed {
            let cause = self.why(&broken.stack.id).await;
            return Err(StepError::MayNotReplace { status, cause });
        }
        self.tell(step, Progress::Replacing { status });
        self.delete(step, &broken.stack.id).await
    }
}

/// A change set found nothing to do. That is well, unless the last update
/// failed half-way, which a change set does not see.
fn nothing_changed(status: Option<StackStatus>) -> Result<Outcome, StepError> {
    match status {
        Some(status @ StackStatus::UpdateFailed) => Err(StepError::Blocked {
            status,
            cause: None,
            hint: "its last update failed half-way and nothing in the settings differs: run \
                   `aws cloudformation rollback-stack --stack-name` with its name, then `colormesh up`"
                .into(),
        }),
        _ => Ok(Outcome::Unchanged),
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
    } = settled;
    let cause = cause.unwrap_or_else(|| Cause {
        logical_id: stack.name.to_string(),
        resource_type: "AWS::CloudFormation::Stack".into(),
        status: ResourceStatus::new(status.as_str()),
        reason: reason.unwrap_or_else(|| "no reason was given".into()),
        others: 0,
        details: Vec::new(),
    });
    StepError::Failed {
        status,
        cause: Box::new(cause),
    }
}
