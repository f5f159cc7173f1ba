//! What the user decided about the odd cases before a run.

use super::Agreed;
use crate::stack::StackName;

/// What becomes of the operations under way when a run is interrupted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnInterrupt {
    /// They go on at the endpoint.
    #[default]
    Detach,
    /// They are called off and followed to their end: what was being created
    /// is deleted, what was being updated is taken back.
    Cancel,
}

/// A resource that a roll-back may leave as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedResource {
    /// Its stack.
    pub stack: StackName,
    /// Its name in the template.
    pub logical_id: String,
}

/// All decisions; nothing is allowed by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    /// What becomes of the operations under way at an interrupt.
    pub on_interrupt: OnInterrupt,
    /// Whether any resource that holds data may be replaced or deleted.
    pub allow_replacement: bool,
    /// Those that may.
    pub agreed: Agreed,
    /// What a roll-back that failed may leave out.
    pub skip: Vec<SkippedResource>,
}
