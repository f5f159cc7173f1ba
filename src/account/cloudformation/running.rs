//! Resources that are being worked on, and since when.

use crate::account::lab::Span;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// The resources in progress. Each is left so for a while, so that clients
/// see it.
#[derive(Default)]
pub(super) struct Running(BTreeMap<String, Entry>);

struct Entry {
    since: Instant,
    span: Span,
    is_configured: bool,
}

impl Running {
    /// Begins with a resource, `after` some time.
    pub(super) fn begin(&mut self, id: String, after: Duration, span: Span) {
        let entry = Entry {
            since: Instant::now() + after,
            span,
            is_configured: false,
        };
        self.0.insert(id, entry);
    }

    pub(super) fn end(&mut self, id: &str) {
        self.0.remove(id);
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Those that have become complete but for their consistency check; each
    /// once.
    pub(super) fn configured(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        for (id, entry) in &mut self.0 {
            let reached = entry
                .span
                .configured
                .is_some_and(|span| Instant::now() >= entry.since + span);
            if reached && !entry.is_configured {
                entry.is_configured = true;
                found.push(id.clone());
            }
        }
        found
    }

    /// Those that have been in progress for long enough.
    pub(super) fn due(&self) -> Vec<String> {
        let due = self
            .0
            .iter()
            .filter(|(_, entry)| Instant::now() >= entry.since + entry.span.complete);
        due.map(|(id, _)| id.clone()).collect()
    }
}
