//! Operations: what is being done to a stack, and what clients are told of it.

use super::model::{OnFailure, Spec, Stack};
use crate::account::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How many operations a stack remembers.
const MOST: usize = 50;

/// What is being done to a stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Tells operations apart.
    pub id: String,
    /// How far it is.
    pub phase: Phase,
    /// The client's name for it.
    pub token: Option<String>,
    /// What the stack becomes.
    pub target: Spec,
    /// The status to go back to when nothing may be done.
    pub previous_status: String,
    /// Resources that this phase has done with.
    pub done: BTreeSet<String>,
    /// What becomes of a failure.
    pub on_failure: OnFailure,
    /// Resources that are left behind, although they could not be deleted.
    pub retain: BTreeSet<String>,
    /// Whether all that cannot be deleted is left behind.
    pub force: bool,
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// A new stack is made.
    Create,
    /// A new stack is taken back.
    RollBackCreate,
    /// A stack is changed.
    Update,
    /// What the change left over is deleted.
    CleanUp,
    /// A change is taken back.
    RollBackUpdate,
    /// What the change had made is deleted.
    CleanUpRollBack,
    /// A stack is deleted.
    Delete,
}

/// An operation as clients know it. A roll-back is one of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationEntry {
    /// Its id.
    pub id: String,
    /// What it is.
    pub kind: OperationKind,
    /// How far it is.
    pub status: OperationStatus,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Why it failed.
    pub reason: Option<String>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperationKind {
    /// Makes a stack.
    CreateStack,
    /// Changes one.
    UpdateStack,
    /// Deletes one.
    DeleteStack,
    /// Goes on with a roll-back that failed.
    ContinueRollback,
    /// Takes something back.
    Rollback,
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperationStatus {
    /// It runs.
    InProgress,
    /// It came to its end.
    Succeeded,
    /// It did not.
    Failed,
}

// === impl OperationKind ===

impl OperationKind {
    /// As the interface writes it.
    pub fn text(self) -> &'static str {
        match self {
            Self::CreateStack => "CREATE_STACK",
            Self::UpdateStack => "UPDATE_STACK",
            Self::DeleteStack => "DELETE_STACK",
            Self::ContinueRollback => "CONTINUE_ROLLBACK",
            Self::Rollback => "ROLLBACK",
        }
    }
}

// === impl OperationStatus ===

impl OperationStatus {
    /// As the interface writes it.
    pub fn text(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
        }
    }
}

// === impl Stack ===

impl Stack {
    /// Begins an operation; one that still runs has failed with this.
    pub(super) fn begin_operation(&mut self, id: String, kind: OperationKind) {
        self.end_operation(OperationStatus::Failed, None);
        if self.operations.len() >= MOST {
            self.operations.remove(0);
        }
        self.operations.push(OperationEntry {
            id,
            kind,
            status: OperationStatus::InProgress,
            started: Timestamp::now(),
            ended: None,
            reason: None,
        });
    }

    /// Ends the operation that runs, if one does.
    pub(super) fn end_operation(&mut self, status: OperationStatus, reason: Option<String>) {
        let last = self.operations.last_mut();
        if let Some(last) = last.filter(|last| last.ended.is_none()) {
            last.status = status;
            last.ended = Some(Timestamp::now());
            last.reason = reason;
        }
    }

    /// The operation that runs.
    pub(super) fn open_operation(&self) -> Option<String> {
        let last = self.operations.last();
        last.filter(|last| last.ended.is_none())
            .map(|last| last.id.clone())
    }

    /// The newest operation.
    pub fn last_operation(&self) -> Option<&OperationEntry> {
        self.operations.last()
    }
}
