//! One check and the report they make.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// What was seen is what was expected.
    Passed,
    /// It is not.
    Failed,
    /// It could not be tried here, or what was seen proves neither; the
    /// evidence says why.
    Skipped,
}

/// One thing that was checked.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Stable name, such as `external github`; unique in a report.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What should be.
    pub expected: String,
    /// What is.
    pub seen: String,
    /// What shows it: an answer's first line, a log entry, a status.
    pub evidence: String,
    /// From the first try to the verdict, in seconds.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub elapsed: Duration,
}

impl Check {
    /// A check that compares what is with what should be.
    pub(crate) fn compare(name: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            verdict: Verdict::Failed,
            expected: expected.into(),
            seen: String::new(),
            evidence: String::new(),
            elapsed: Duration::ZERO,
        }
    }

    pub(crate) fn seen(mut self, passed: bool, seen: impl Into<String>) -> Self {
        self.verdict = if passed {
            Verdict::Passed
        } else {
            Verdict::Failed
        };
        self.seen = seen.into();
        self
    }

    pub(crate) fn skipped(mut self, why: impl Into<String>) -> Self {
        self.verdict = Verdict::Skipped;
        self.seen = "not tried".to_owned();
        self.evidence = why.into();
        self
    }

    pub(crate) fn evidence(mut self, evidence: impl Into<String>) -> Self {
        self.evidence = evidence.into();
        self
    }
}

/// All checks of one run, in the order in which they depend on each other.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The environment that was verified.
    pub environment: String,
    /// `local` or `aws`.
    pub target: String,
    /// What the outside world was: `internet`, `stand-in`, or absent where it
    /// is not ours to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub world: Option<String>,
    /// Whether no check failed.
    pub passed: bool,
    /// The checks.
    pub checks: Vec<Check>,
    /// From the first try to the last verdict, in seconds.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub elapsed: Duration,
}

impl Report {
    /// How many checks ended with `verdict`.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.checks
            .iter()
            .filter(|check| check.verdict == verdict)
            .count()
    }
}

fn seconds<S: Serializer>(elapsed: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    // Milliseconds are as fine as a probe over a network is repeatable.
    let milliseconds = elapsed.as_millis().try_into().unwrap_or(u32::MAX);
    serializer.serialize_f64(f64::from(milliseconds) / 1000.0)
}
