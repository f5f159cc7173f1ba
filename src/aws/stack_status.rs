//! The statuses of a stack.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! statuses {
    ($($name:ident = $text:literal),+ $(,)?) => {
        /// Where a stack is in its life: the 23 statuses that CloudFormation
        /// documents, and any that it may add.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum StackStatus {
            $(#[doc = concat!("`", $text, "`.")] $name,)+
            /// A status that this version does not know.
            Unknown(String),
        }

        impl StackStatus {
            /// Every status that CloudFormation documents.
            pub const ALL: [Self; 23] = [$(Self::$name),+];

            /// The name on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)+
                    Self::Unknown(text) => text,
                }
            }
        }

        impl From<&str> for StackStatus {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$name,)+
                    other => Self::Unknown(other.to_owned()),
                }
            }
        }
    };
}

statuses! {
    CreateInProgress = "CREATE_IN_PROGRESS",
    CreateFailed = "CREATE_FAILED",
    CreateComplete = "CREATE_COMPLETE",
    RollbackInProgress = "ROLLBACK_IN_PROGRESS",
    RollbackFailed = "ROLLBACK_FAILED",
    RollbackComplete = "ROLLBACK_COMPLETE",
    DeleteInProgress = "DELETE_IN_PROGRESS",
    DeleteFailed = "DELETE_FAILED",
    DeleteComplete = "DELETE_COMPLETE",
    UpdateInProgress = "UPDATE_IN_PROGRESS",
    UpdateCompleteCleanupInProgress = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    UpdateComplete = "UPDATE_COMPLETE",
    UpdateFailed = "UPDATE_FAILED",
    UpdateRollbackInProgress = "UPDATE_ROLLBACK_IN_PROGRESS",
    UpdateRollbackFailed = "UPDATE_ROLLBACK_FAILED",
    UpdateRollbackCompleteCleanupInProgress = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    UpdateRollbackComplete = "UPDATE_ROLLBACK_COMPLETE",
    ReviewInProgress = "REVIEW_IN_PROGRESS",
    ImportInProgress = "IMPORT_IN_PROGRESS",
    ImportComplete = "IMPORT_COMPLETE",
    ImportRollbackInProgress = "IMPORT_ROLLBACK_IN_PROGRESS",
    ImportRollbackFailed = "IMPORT_ROLLBACK_FAILED",
    ImportRollbackComplete = "IMPORT_ROLLBACK_COMPLETE",
}

// === impl StackStatus ===

impl StackStatus {
    /// Whether an operation is under way. `REVIEW_IN_PROGRESS` is none: it is a
    /// stack without resources, waiting for a change set to be executed.
    pub fn is_in_progress(&self) -> bool {
        self.as_str().ends_with("_IN_PROGRESS") && *self != Self::ReviewInProgress
    }

    /// Whether the stack stands and holds what was last asked of it.
    pub fn is_complete(&self) -> bool {
        matches!(
            self,
            Self::CreateComplete
                | Self::UpdateComplete
                | Self::UpdateRollbackComplete
                | Self::ImportComplete
                | Self::ImportRollbackComplete
        )
    }

    /// Whether a change is being, or was, taken back.
    pub fn is_rollback(&self) -> bool {
        self.as_str().contains("ROLLBACK")
    }
}

impl fmt::Display for StackStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for StackStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_read_back_from_its_name() {
        for status in StackStatus::ALL {
            assert_eq!(StackStatus::from(status.as_str()), status);
        }
        assert_eq!(
            StackStatus::from("NEW_ONE"),
            StackStatus::Unknown("NEW_ONE".into())
        );
    }

    #[test]
    fn a_stack_in_review_is_not_busy() {
        let busy = StackStatus::ALL
            .into_iter()
            .filter(StackStatus::is_in_progress)
            .count();
        assert_eq!(busy, 9);
        assert!(!StackStatus::ReviewInProgress.is_in_progress());
    }
}
