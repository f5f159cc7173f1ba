//! The list of calls: kept in memory, or written to a file.

use crate::account::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write as _;

/// How many are kept in memory; then the older half is forgotten.
const MOST: usize = 100_000;

/// One call that a client made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// When it was answered.
    pub time: Timestamp,
    /// Service and operation, such as `cloudformation:DescribeStacks`; what
    /// goes to the image registry is `registry:PUT` and the like.
    pub operation: String,
    /// The names of its parameters, of lists and structures the outermost.
    pub parameters: Vec<String>,
    /// What came of it.
    pub outcome: CallOutcome,
    /// The code of the error, if it was answered with one.
    pub error: Option<String>,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// It was done.
    Done,
    /// It was answered with an error by the service.
    Refused,
    /// It was answered with an error by a rule or a limit; nothing was done.
    Failed,
    /// Nothing was done, and the connection was reset.
    Reset,
    /// It came to what it came to, and the answer was lost.
    Lost,
}

/// Where calls go.
#[derive(Debug)]
pub(super) enum Log {
    Memory(Vec<Call>),
    File(File),
}

// === impl Log ===

impl Log {
    pub(super) fn add(&mut self, call: Call) {
        match self {
            Self::Memory(calls) => {
                if calls.len() >= MOST {
                    calls.drain(..MOST / 2);
                }
                calls.push(call);
            }
            Self::File(file) => {
                if let Ok(mut line) = serde_json::to_vec(&call) {
                    line.push(b'\n');
                    // A full disk takes the log, not the endpoint.
                    let _ = file.write_all(&line);
                }
            }
        }
    }
}
