//! A moment as AWS tells it.

use std::fmt;

use aws_sdk_cloudformation::primitives::{DateTime, DateTimeFormat};
use serde::{Serialize, Serializer};

/// A moment on the clock of the endpoint, written as RFC 3339.
///
/// It is for showing. Nothing is ordered or awaited by it, because the clock
/// of this machine may be another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp(DateTime);

// === impl Timestamp ===

impl Timestamp {
    /// Seconds since 1970, for showing how long something took.
    pub fn seconds(self) -> i64 {
        self.0.secs()
    }
}

impl From<DateTime> for Timestamp {
    fn from(moment: DateTime) -> Self {
        Self(moment)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.fmt(DateTimeFormat::DateTime) {
            Ok(text) => f.write_str(&text),
            Err(_) => write!(f, "{}s", self.0.secs()),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_rfc_3339() {
        assert_eq!(
            Timestamp(DateTime::from_secs(1_700_000_000)).to_string(),
            "2023-11-14T22:13:20Z"
        );
    }
}
