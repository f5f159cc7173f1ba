//! Exit codes: part of the interface, so each is written down.

use std::process::ExitCode;

/// Done.
pub const DONE: u8 = 0;
/// It did not work; the message says why.
pub const FAILED: u8 = 1;
/// Wrong usage or wrong settings; nothing was changed.
pub const USAGE: u8 = 2;
/// `plan --exit-code`: something would change; `status --drift --exit-code`:
/// something has drifted.
pub const CHANGES: u8 = 3;
/// The deploy failed and CloudFormation rolled it back.
pub const ROLLED_BACK: u8 = 4;
/// A check of `verify` failed.
pub const UNVERIFIED: u8 = 5;
/// Interrupted by SIGINT.
pub const INTERRUPTED: u8 = 130;
/// Ended by SIGTERM.
pub const TERMINATED: u8 = 143;

/// What a command ends with when it ends as planned.
pub type Outcome = anyhow::Result<u8>;

/// An error whose exit code is not [`FAILED`].
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Exit {
    /// The exit code.
    pub code: u8,
    /// What to print, complete.
    pub message: String,
}

impl Exit {
    /// Wrong usage or settings.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            code: USAGE,
            message: message.into(),
        }
    }
}

/// The process's exit code for `code`.
pub fn code(code: u8) -> ExitCode {
    ExitCode::from(code)
}
