//! What can be done about a stack, and the words for it.

use super::TABLE;
use crate::aws::StackStatus;

/// What `up` does about a stack in some status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpStanding {
    /// There is nothing, or nothing but a left-over review: create it.
    Create,
    /// It stands: compare, and update what differs.
    Compare,
    /// Its last update failed half-way: update it, whatever a comparison says,
    /// and take that half back when there is nothing to update.
    Force,
    /// Something goes on: wait, then look again.
    Wait,
    /// Only deleting it helps, which is asked for first.
    Replace,
    /// Its roll-back failed: continue it, then look again.
    Continue,
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
    /// An earlier deletion failed: say why, and delete it again.
    Again,
    /// Something goes on that cannot be broken off: wait, then look again.
    Wait,
}

/// What `status` says of a stack in some status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// It is as it should be.
    Good,
    /// There is no stack.
    Absent,
    /// Something goes on.
    Busy,
    /// It needs somebody; the text says what to type.
    Advice(&'static str),
}

const UNKNOWN: &str =
    "this version does not know the status: update colormesh, or look at the stack in the console";

// === impl UpStanding ===

impl UpStanding {
    /// Reads the table for `up`.
    pub fn of(status: Option<&StackStatus>) -> Self {
        let Some(status) = status else {
            return Self::Create;
        };
        let row = TABLE.iter().find(|row| row.status == *status);
        row.map_or(Self::Blocked(UNKNOWN), |row| row.up)
    }

    /// What `up` does, for the page.
    pub(super) fn done(self) -> &'static str {
        match self {
            Self::Create => "creates it",
            Self::Compare => "compares it, and updates it when something differs",
            Self::Force => {
                "updates it; when there is nothing to update, takes the half-done update back first"
            }
            Self::Wait => "waits for what is under way, then looks again",
            Self::Replace => "says why, asks, deletes it and creates it anew",
            Self::Continue => {
                "says why, continues the roll-back (without what `--skip-resource` names), then compares it"
            }
            Self::Blocked(_) => "changes nothing: says why, and what a person can do",
        }
    }

    /// What `plan` shows, for the page.
    pub(super) fn planned(self) -> &'static str {
        match self {
            Self::Create => "`create`",
            Self::Compare => "`update` and what differs, or `unchanged`",
            Self::Force => "`update` and what differs",
            Self::Wait => "`wait`",
            Self::Replace => "`replace`",
            Self::Continue => "`continue`",
            Self::Blocked(_) => "`blocked`",
        }
    }
}

// === impl DownStanding ===

impl DownStanding {
    /// Reads the table for `down`.
    pub fn of(status: Option<&StackStatus>) -> Self {
        let Some(status) = status else {
            return Self::Absent;
        };
        let row = TABLE.iter().find(|row| row.status == *status);
        row.map_or(Self::Delete, |row| row.down)
    }

    /// What `down` does, for the page.
    pub(super) fn done(self) -> &'static str {
        match self {
            Self::Absent => "finds nothing",
            Self::Delete => "deletes it",
            Self::Again => "says why it failed, and deletes it again",
            Self::Wait => "waits for what is under way, then deletes it",
        }
    }
}

// === impl Shown ===

impl Shown {
    /// Reads the table for `status`.
    pub fn of(status: Option<&StackStatus>) -> Self {
        let Some(status) = status else {
            return Self::Absent;
        };
        let row = TABLE.iter().find(|row| row.status == *status);
        row.map_or(Self::Advice(UNKNOWN), |row| row.shown)
    }

    /// What `status` says, for the page.
    pub(super) fn said(self) -> &'static str {
        match self {
            Self::Good => "that it stands",
            Self::Absent => "that it is absent",
            Self::Busy => "that something is under way",
            Self::Advice(text) => text,
        }
    }
}
