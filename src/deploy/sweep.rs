//! Removes what was made for a change that is not carried out: the change sets
//! of earlier runs, and stacks that never had anything else.

use tokio::task::JoinSet;

use super::made::delete;
use super::run::Run;
use super::work::{PREFIX, RunId};
use crate::aws::{Cloud, CloudError, StackStatus, WaitingChangeSet};

/// Removes a stack that only ever had change sets, and has none any more. It
/// stays where somebody else's waits on it, and where that may not be seen.
pub(super) async fn remove_empty(
    cloud: &Cloud,
    stack: &str,
    token: &str,
    acting: Option<&str>,
) -> Result<(), CloudError> {
    let left = match tokio::try_join!(cloud.stack(stack), cloud.change_sets(stack)) {
        Err(CloudError::AccessDenied { .. }) => return Ok(()),
        read => read?,
    };
    match left {
        (Some(left), sets) if left.status == StackStatus::ReviewInProgress && sets.is_empty() => {
            cloud.delete_stack(&left.id, token, acting).await
        }
        _ => Ok(()),
    }
}

/// Removes what a run that is over left on these stacks: change sets, and the
/// empty stacks around them. Says how many there were.
pub async fn sweep(
    cloud: &Cloud,
    run: &RunId,
    stacks: &[String],
    acting: Option<&str>,
) -> Result<usize, CloudError> {
    let mut sweeping = JoinSet::new();
    for stack in stacks {
        let (cloud, run, stack) = (cloud.clone(), run.clone(), stack.clone());
        let acting = acting.map(str::to_owned);
        sweeping.spawn(async move { sweep_one(&cloud, &run, &stack, acting.as_deref()).await });
    }
    sweeping.join_all().await.into_iter().sum()
}

async fn sweep_one(
    cloud: &Cloud,
    run: &RunId,
    stack: &str,
    acting: Option<&str>,
) -> Result<usize, CloudError> {
    let prefix = format!("{PREFIX}-{run}-");
    let mut left = cloud.change_sets(stack).await?;
    // What is carried out by now is an operation, which is waited for.
    left.retain(|set| set.name.starts_with(&prefix) && !set.is_executing);
    for set in &left {
        delete(cloud, stack, &set.name).await?;
    }
    let token = format!("{prefix}sweep");
    remove_empty(cloud, stack, &token, acting).await?;
    Ok(left.len())
}

impl Run {
    /// Removes what earlier runs left on a stack. It is in nobody's way, so
    /// that a run goes on when it cannot be removed.
    pub(super) async fn sweep(&self, stack: &str) {
        let left = self.cloud.change_sets(stack).await.unwrap_or_default();
        for change_set in left.iter().filter(|set| self.is_left_over(set)) {
            let _: Result<(), CloudError> =
                self.cloud.delete_change_set(stack, &change_set.name).await;
        }
    }

    /// Ours, but not of this run, and nobody works on it now.
    fn is_left_over(&self, set: &WaitingChangeSet) -> bool {
        let of_this_run = format!("{PREFIX}-{}-", self.work.run);
        set.name.starts_with(&format!("{PREFIX}-"))
            && !set.name.starts_with(&of_this_run)
            && !set.is_pending
            && !set.is_executing
    }
}
