//! Removes the change sets that earlier runs made and never carried out.

use super::run::Run;
use super::work::PREFIX;
use crate::aws::{CloudError, WaitingChangeSet};

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
