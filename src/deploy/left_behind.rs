//! Repositories that an update replaced and could not delete, because there
//! are images in them. For CloudFormation the update is complete all the same,
//! and the stack knows nothing of them any more; only its events tell.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::pace::Pace;
use super::run::Run;
use super::{Progress, StepError};
use crate::aws::{Cloud, CloudError, Repository, StackEvent};
use crate::plan::StepId;
use crate::stack::{OWNER_TAG, StackName};

const REPOSITORY: &str = "AWS::ECR::Repository";

/// A resource that was replaced, and is still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftBehind {
    /// Its name in the template.
    pub logical_id: String,
    /// For example `AWS::ECR::Repository`.
    pub resource_type: String,
    /// Its name in the account.
    pub physical_id: String,
    /// Why it could not be deleted.
    pub reason: String,
}

impl fmt::Display for LeftBehind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` ({}) was replaced and is left behind: {}; `colormesh down` removes it with what \
             it holds, or `aws ecr delete-repository --force --repository-name {}`",
            self.physical_id, self.resource_type, self.reason, self.physical_id
        )
    }
}

/// The repositories of the environment that updates of a stack left behind;
/// `held` is the one that it holds.
pub(super) async fn repositories(
    cloud: &Cloud,
    pace: &Pace,
    stack_id: &str,
    held: Option<&str>,
    environment: &str,
) -> Result<Vec<Repository>, CloudError> {
    let reader = cloud.without_retries();
    let mut names = BTreeSet::new();
    let mut next = None;
    loop {
        let page = pace.patiently(|| reader.events(stack_id, next.clone()));
        let page = match page.await {
            Err(CloudError::AccessDenied { .. }) => break,
            Err(error) if error.is_absent() => break,
            page => page?,
        };
        names.extend(left(&page.events).map(|left| left.physical_id));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    let mut found = Vec::new();
    for name in names.iter().filter(|name| held != Some(name.as_str())) {
        found.extend(ours(cloud, name, environment).await?);
    }
    Ok(found)
}

/// The repository of that name, if it is there and carries the environment's
/// mark. What may not be looked at is not ours.
async fn ours(
    cloud: &Cloud,
    name: &str,
    environment: &str,
) -> Result<Option<Repository>, CloudError> {
    let look = async {
        let Some(repository) = cloud.repository(name).await? else {
            return Ok(None);
        };
        let tags = cloud.repository_tags(&repository).await?;
        let is_ours = tags.get(OWNER_TAG).map(String::as_str) == Some(environment);
        Ok(is_ours.then_some(repository))
    };
    match look.await {
        Err(CloudError::AccessDenied { .. }) => Ok(None),
        answer => answer,
    }
}

/// What the events say could not be deleted, of the type that is meant here.
fn left(events: &[StackEvent]) -> impl Iterator<Item = LeftBehind> {
    let failed = events.iter().filter(|event| {
        event.resource_type == REPOSITORY && event.status.as_str() == "DELETE_FAILED"
    });
    failed.filter_map(|event| {
        Some(LeftBehind {
            logical_id: event.logical_id.clone(),
            resource_type: event.resource_type.clone(),
            physical_id: event.physical_id.clone()?,
            reason: event.reason.clone().unwrap_or_default(),
        })
    })
}

/// What was left when an operation was over, by its events, oldest first:
/// `CloudFormation` tries a deletion more than once.
fn in_the_end(events: &[StackEvent]) -> Vec<LeftBehind> {
    let is_end = |event: &&StackEvent| {
        let status = event.status.as_str();
        event.resource_type == REPOSITORY && matches!(status, "DELETE_FAILED" | "DELETE_COMPLETE")
    };
    let mut latest: BTreeMap<&str, &StackEvent> = BTreeMap::new();
    for event in events.iter().filter(is_end) {
        if let Some(name) = &event.physical_id {
            latest.insert(name, event);
        }
    }
    let latest: Vec<StackEvent> = latest.into_values().cloned().collect();
    left(&latest).collect()
}

impl Run {
    /// Tells what the update of a stack, which is complete, left behind. That
    /// its events cannot be read is no failure of the update.
    pub(super) async fn tell_left_behind(&self, step: &StepId, stack_id: &str) {
        let events = self.history.last_operation(stack_id).await;
        for left in in_the_end(&events.unwrap_or_default()) {
            if let Ok(mut all) = self.left_behind.lock() {
                all.push(left.clone());
            }
            self.tell(step, Progress::LeftBehind(left));
        }
    }

    /// Removes the repositories that updates of a stack left behind, with
    /// their images; says whether there were any.
    pub(super) async fn remove_left_behind(
        &self,
        step: &StepId,
        stack: &StackName,
        held: Option<&str>,
    ) -> Result<bool, StepError> {
        let Some(there) = self.deployed(stack) else {
            return Ok(false);
        };
        let environment = &self.work.environment;
        let left =
            repositories(&self.cloud, &self.pace, &there.stack.id, held, environment).await?;
        for repository in &left {
            let images = self.cloud.images(&repository.name).await?;
            self.cloud.delete_repository(&repository.name).await?;
            let repository = repository.name.clone();
            self.tell(step, Progress::LeftBehindRemoved { repository, images });
        }
        Ok(!left.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::cause::tests::event;

    fn of(repository: &str, status: &str) -> StackEvent {
        StackEvent {
            resource_type: REPOSITORY.into(),
            physical_id: Some(repository.into()),
            ..event(
                &format!("{repository}-{status}"),
                "App",
                status,
                "holds images",
            )
        }
    }

    /// It was told of as left behind, and was gone.
    #[test]
    fn a_repository_that_is_deleted_at_a_second_try_is_not_left_behind() {
        let events = [
            of("one", "DELETE_IN_PROGRESS"),
            of("one", "DELETE_FAILED"),
            of("two", "DELETE_FAILED"),
            of("one", "DELETE_IN_PROGRESS"),
            of("two", "DELETE_IN_PROGRESS"),
            of("one", "DELETE_COMPLETE"),
            of("two", "DELETE_FAILED"),
        ];
        let told = in_the_end(&events);
        let names: Vec<&str> = told.iter().map(|left| left.physical_id.as_str()).collect();
        assert_eq!(names, ["two"]);
    }
}
