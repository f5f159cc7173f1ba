//! Removes what was made for a change that is not carried out: the change sets
//! of earlier runs, and stacks that never had anything else.

use super::run::Run;
use super::work::PREFIX;
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

impl Run {
    /// Removes what earlier runs left on a stack. It is in nobody's way, so
    /// that a run goes on when it cannot be removed.
    pub(super) async fn sweep(&self, stack: &str) {
        let left = self.cloud.change_sets(stack).await.unwrap_or_default();
        for change_set in left.iter().filter(|set| self.is_left_over(set)) {
            let _: Result<(), CloudError> = self.cloud.delete_change_set(&change_set.id).await;
        }
    }

    /// Ours, but not of this run, and nobody works on it now.
    fn is_left_over(&self, set: &WaitingChangeSet) -> bool {
        let of_this_run = format!("{PREFIX}-{}-", self.work.run);
        set.name.starts_with(&format!("{PREFIX}-"))
            && !set.name.starts_with(&of_this_run)
            && !set.is_busy
    }
}
