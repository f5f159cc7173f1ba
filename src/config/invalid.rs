//! The one error of every parser in this room: what is wrong, and what to write instead.

use std::fmt;

/// Why a text is not the value it should be. The place is added by whoever knows it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// What is wrong, as a fragment without a period.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl Invalid {
    pub(super) fn new(message: impl fmt::Display, help: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            help: help.to_string(),
        }
    }
}
