//! The files that a command writes for the job it is a step of.

use anyhow::Result;

use super::{Outputs, Summary};
use crate::cli::args;

/// What a job gets of a command.
pub(crate) struct Job {
    pub(crate) summary: Summary,
    pub(crate) outputs: Outputs,
}

// === impl Job ===

impl Job {
    /// Opens the files now, so that one that cannot be written is known before
    /// anything is changed.
    pub(crate) fn open(files: &args::Job) -> Result<Self> {
        Ok(Self {
            summary: Summary::open(files.summary.as_deref())?,
            outputs: Outputs::open(files.outputs.as_deref())?,
        })
    }

    /// Notes an error in the summary, and passes it on.
    pub(crate) fn noted<T>(&mut self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result {
            self.summary.end(&format!("failed: {error:#}"));
        }
        result
    }
}
