//! The table of stack statuses: what each means for `up` and for `down`.

use crate::aws::StackStatus;

/// What `up` does about a stack in some status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpStanding {
    /// There is nothing, or nothing but a left-over review: create it.
    Create,
    /// It stands: compare, and update what differs.
    Compare,
    /// Its last update failed half-way: update it, whatever a comparison says.
    Force,
    /// Something goes on: wait, then look again.
    Wait,
    /// Its creation failed: only deleting it helps, which is asked for first.
    Replace,
    /// A person has to decide; the text says what.
    Blocked(&'static str),
}

/// What `down` does about a stack in some status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownStanding {
    /// There is nothing to delete.
    Absent,
    /// Delete it.
    Delete,
    /// Something goes on that cannot be broken off: wait, then look again.
    Wait,
}

const ROLLBACK_FAILED: &str = "its creation failed and so did the removal of what it had made: look at its events, \
     remove by hand what cannot be deleted, run `colormesh down`, then `colormesh up`";
const DELETE_FAILED: &str = "an earlier deletion failed: run `colormesh down` again, which names the resource that \
     stands in the way";
const UPDATE_ROLLBACK_FAILED: &str = "an update failed and could not be taken back: mend what the events name, then run \
     `aws cloudformation continue-update-rollback --stack-name` with its name";
const UNKNOWN: &str =
    "this version does not know the status: update colormesh, or look at the stack in the console";

// === impl UpStanding ===

impl UpStanding {
    /// Reads the table for `up`.
    pub fn of(status: Option<&StackStatus>) -> Self {
        use StackStatus as S;
        let Some(status) = status else {
            return Self::Create;
        };
        match status {
            S::DeleteComplete | S::ReviewInProgress => Self::Create,
            S::CreateComplete
            | S::UpdateComplete
            | S::UpdateRollbackComplete
            | S::ImportComplete
            | S::ImportRollbackComplete => Self::Compare,
            S::UpdateFailed => Self::Force,
            S::CreateInProgress
            | S::RollbackInProgress
            | S::DeleteInProgress
            | S::UpdateInProgress
            | S::UpdateCompleteCleanupInProgress
            | S::UpdateRollbackInProgress
            | S::UpdateRollbackCompleteCleanupInProgress
            | S::ImportInProgress
            | S::ImportRollbackInProgress => Self::Wait,
            S::CreateFailed | S::RollbackComplete => Self::Replace,
            S::RollbackFailed => Self::Blocked(ROLLBACK_FAILED),
            S::DeleteFailed => Self::Blocked(DELETE_FAILED),
            S::UpdateRollbackFailed | S::ImportRollbackFailed => {
                Self::Blocked(UPDATE_ROLLBACK_FAILED)
            }
            S::Unknown(_) => Self::Blocked(UNKNOWN),
        }
    }
}

// === impl DownStanding ===

impl DownStanding {
    /// Reads the table for `down`. A creation may be broken off by a deletion,
    /// an update may not.
    pub fn of(status: Option<&StackStatus>) -> Self {
        use StackStatus as S;
        let Some(status) = status else {
            return Self::Absent;
        };
        match status {
            S::DeleteComplete => Self::Absent,
            S::RollbackInProgress
            | S::DeleteInProgress
            | S::UpdateInProgress
            | S::UpdateCompleteCleanupInProgress
            | S::UpdateRollbackInProgress
            | S::UpdateRollbackCompleteCleanupInProgress
            | S::ImportInProgress
            | S::ImportRollbackInProgress => Self::Wait,
            S::CreateInProgress
            | S::CreateFailed
            | S::CreateComplete
            | S::RollbackFailed
            | S::RollbackComplete
            | S::DeleteFailed
            | S::UpdateComplete
            | S::UpdateFailed
            | S::UpdateRollbackFailed
            | S::UpdateRollbackComplete
            | S::ReviewInProgress
            | S::ImportComplete
            | S::ImportRollbackFailed
            | S::ImportRollbackComplete
            | S::Unknown(_) => Self::Delete,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(standing: UpStanding) -> char {
        match standing {
            UpStanding::Create => 'C',
            UpStanding::Compare => '=',
            UpStanding::Force => 'F',
            UpStanding::Wait => 'w',
            UpStanding::Replace => 'R',
            UpStanding::Blocked(_) => '!',
        }
    }

    fn down_letter(standing: DownStanding) -> char {
        match standing {
            DownStanding::Absent => '-',
            DownStanding::Delete => 'D',
            DownStanding::Wait => 'w',
        }
    }

    #[test]
    fn the_table_is_as_written_down() {
        let table: Vec<String> = StackStatus::ALL
            .iter()
            .map(|s| {
                format!(
                    "{} {} {s}",
                    letter(UpStanding::of(Some(s))),
                    down_letter(DownStanding::of(Some(s)))
                )
            })
            .collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        w D CREATE_IN_PROGRESS
        R D CREATE_FAILED
        = D CREATE_COMPLETE
        w w ROLLBACK_IN_PROGRESS
        ! D ROLLBACK_FAILED
        R D ROLLBACK_COMPLETE
        w w DELETE_IN_PROGRESS
        ! D DELETE_FAILED
        C - DELETE_COMPLETE
        w w UPDATE_IN_PROGRESS
        w w UPDATE_COMPLETE_CLEANUP_IN_PROGRESS
        = D UPDATE_COMPLETE
        F D UPDATE_FAILED
        w w UPDATE_ROLLBACK_IN_PROGRESS
        ! D UPDATE_ROLLBACK_FAILED
        w w UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS
        = D UPDATE_ROLLBACK_COMPLETE
        C D REVIEW_IN_PROGRESS
        w w IMPORT_IN_PROGRESS
        = D IMPORT_COMPLETE
        w w IMPORT_ROLLBACK_IN_PROGRESS
        ! D IMPORT_ROLLBACK_FAILED
        = D IMPORT_ROLLBACK_COMPLETE
        ");
    }

    #[test]
    fn every_busy_status_is_waited_for_on_the_way_up() {
        for status in StackStatus::ALL {
            assert_eq!(
                UpStanding::of(Some(&status)) == UpStanding::Wait,
                status.is_in_progress(),
                "{status}"
            );
        }
    }
}
