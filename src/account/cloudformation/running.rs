//! Resources that are being worked on, and since when.

use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// The resources in progress. Each is left so for a while, so that clients
/// see it.
pub(super) struct Running {
    since: BTreeMap<String, Instant>,
    step: Duration,
}

impl Running {
    pub(super) fn new(step: Duration) -> Self {
        Self {
            since: BTreeMap::new(),
            step,
        }
    }

    pub(super) fn begin(&mut self, id: String) {
        self.since.insert(id, Instant::now());
    }

    pub(super) fn end(&mut self, id: &str) {
        self.since.remove(id);
    }

    pub(super) fn count(&self) -> usize {
        self.since.len()
    }

    /// Those that have been in progress for long enough.
    pub(super) fn due(&self) -> Vec<String> {
        let due = self
            .since
            .iter()
            .filter(|(_, since)| since.elapsed() >= self.step);
        due.map(|(id, _)| id.clone()).collect()
    }
}
