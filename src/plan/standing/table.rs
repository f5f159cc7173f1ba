//! The table of stack statuses.

use super::{DownStanding as Down, Shown, UpStanding as Up};
use crate::aws::StackStatus as S;

/// What is done about a stack in one status.
#[derive(Debug)]
pub struct Row {
    /// The status.
    pub status: S,
    /// By `up`, and so what `plan` shows.
    pub up: Up,
    /// By `down`.
    pub down: Down,
    /// By `status`.
    pub shown: Shown,
}

const fn row(status: S, up: Up, down: Down, shown: Shown) -> Row {
    Row {
        status,
        up,
        down,
        shown,
    }
}

const FAILED_TO_START: Shown = Shown::Advice(
    "its creation failed: `colormesh up --replace-failed` makes it anew, `colormesh down` removes it",
);
const HALF_UPDATED: Shown =
    Shown::Advice("its last update failed half-way: `colormesh up` finishes it or takes it back");
const TAKEN_BACK: Shown =
    Shown::Advice("its last update was taken back: `colormesh up` tries it again");
const STUCK: Shown = Shown::Advice(
    "an update failed and could not be taken back: mend what the reason names, then `colormesh up` \
     continues",
);
const HALF_DELETED: Shown = Shown::Advice(
    "its deletion failed: remove what stands in the way, then `colormesh down` tries it again",
);
const IMPORT_STUCK: &str = "an import of resources failed and could not be taken back, which only a \
     person can mend: look at its events, or remove it with `colormesh down`";

/// Every status that CloudFormation documents.
///
/// A creation may be broken off by a deletion, an update may not. After
/// `CREATE_FAILED`, `ROLLBACK_COMPLETE`, `ROLLBACK_FAILED` and `DELETE_FAILED`
/// CloudFormation takes nothing but a deletion, or what it takes leads nowhere.
pub static TABLE: [Row; 23] = [
    row(S::CreateInProgress, Up::Wait, Down::Delete, Shown::Busy),
    row(S::CreateFailed, Up::Replace, Down::Delete, FAILED_TO_START),
    row(S::CreateComplete, Up::Compare, Down::Delete, Shown::Good),
    row(S::RollbackInProgress, Up::Wait, Down::Wait, Shown::Busy),
    row(S::RollbackFailed, Up::Replace, Down::Again, FAILED_TO_START),
    row(
        S::RollbackComplete,
        Up::Replace,
        Down::Delete,
        FAILED_TO_START,
    ),
    row(S::DeleteInProgress, Up::Wait, Down::Wait, Shown::Busy),
    row(S::DeleteFailed, Up::Replace, Down::Again, HALF_DELETED),
    row(S::DeleteComplete, Up::Create, Down::Absent, Shown::Absent),
    row(S::UpdateInProgress, Up::Wait, Down::Wait, Shown::Busy),
    row(
        S::UpdateCompleteCleanupInProgress,
        Up::Wait,
        Down::Wait,
        Shown::Busy,
    ),
    row(S::UpdateComplete, Up::Compare, Down::Delete, Shown::Good),
    row(S::UpdateFailed, Up::Force, Down::Delete, HALF_UPDATED),
    row(
        S::UpdateRollbackInProgress,
        Up::Wait,
        Down::Wait,
        Shown::Busy,
    ),
    row(S::UpdateRollbackFailed, Up::Continue, Down::Delete, STUCK),
    row(
        S::UpdateRollbackCompleteCleanupInProgress,
        Up::Wait,
        Down::Wait,
        Shown::Busy,
    ),
    row(
        S::UpdateRollbackComplete,
        Up::Compare,
        Down::Delete,
        TAKEN_BACK,
    ),
    row(
        S::ReviewInProgress,
        Up::Create,
        Down::Delete,
        Shown::Advice("nothing of it was made yet: `colormesh up` begins again"),
    ),
    row(S::ImportInProgress, Up::Wait, Down::Wait, Shown::Busy),
    row(S::ImportComplete, Up::Compare, Down::Delete, Shown::Good),
    row(
        S::ImportRollbackInProgress,
        Up::Wait,
        Down::Wait,
        Shown::Busy,
    ),
    row(
        S::ImportRollbackFailed,
        Up::Blocked(IMPORT_STUCK),
        Down::Delete,
        Shown::Advice(IMPORT_STUCK),
    ),
    row(
        S::ImportRollbackComplete,
        Up::Compare,
        Down::Delete,
        Shown::Good,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_one_row_in_the_order_of_the_documentation() {
        assert!(TABLE.iter().map(|row| &row.status).eq(S::ALL.iter()));
    }

    #[test]
    fn what_is_busy_is_waited_for_or_broken_off() {
        for row in &TABLE {
            let busy = row.status.is_in_progress();
            assert_eq!(row.up == Up::Wait, busy, "{}", row.status);
            assert_eq!(row.shown == Shown::Busy, busy, "{}", row.status);
            let broken_off = row.status == S::CreateInProgress;
            assert_eq!(
                row.down == Down::Wait,
                busy && !broken_off,
                "{}",
                row.status
            );
        }
    }

    #[test]
    fn a_status_of_a_later_day_is_deleted_but_never_changed() {
        let unknown = S::Unknown("NEW_ONE".into());
        assert!(matches!(Up::of(Some(&unknown)), Up::Blocked(_)));
        assert_eq!(Down::of(Some(&unknown)), Down::Delete);
        assert!(matches!(Shown::of(Some(&unknown)), Shown::Advice(_)));
    }
}
