//! What the local proxies let through and refused, counted by destination.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Serialize;

use super::local::status::LocalStatus;
use super::printer::{BAD, GOOD, paint, table};
use crate::envoy::log::{ACCESS_LOG, Allowed, DENIED_LOG, Denied, Direction, Event};

/// The most destinations of each kind that are shown to a person.
const SHOWN: usize = 10;

/// Connections by destination.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Traffic {
    /// Let through: by service.
    pub(crate) allowed: BTreeMap<String, u64>,
    /// Refused: by server name and destination.
    pub(crate) denied: BTreeMap<String, u64>,
}

/// Counts the logs of all tasks.
pub(crate) fn read(local: &LocalStatus) -> Traffic {
    let mut traffic = Traffic::default();
    for task in &local.tasks {
        let folder = Path::new(&task.logs);
        traffic.count_allowed(&fs::read_to_string(folder.join(ACCESS_LOG)).unwrap_or_default());
        traffic.count_denied(&fs::read_to_string(folder.join(DENIED_LOG)).unwrap_or_default());
    }
    traffic
}

// === impl Traffic ===

impl Traffic {
    fn count_allowed(&mut self, log: &str) {
        let entries = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Allowed>(line).ok());
        // A connection is counted when it opens; its end is a line of its own.
        let counted =
            |entry: &Allowed| entry.direction == Direction::Egress && entry.event != Event::Close;
        for entry in entries.filter(counted) {
            let name = entry.service.or(entry.server_name).or(entry.host);
            let name = name.or(entry.destination).unwrap_or_else(|| "-".to_owned());
            *self.allowed.entry(name).or_default() += 1;
        }
    }

    fn count_denied(&mut self, log: &str) {
        for line in log.lines() {
            let Ok(entry) = serde_json::from_str::<Denied>(line) else {
                continue;
            };
            let name = entry
                .server_name
                .or(entry.host)
                .unwrap_or_else(|| "-".to_owned());
            let destination = entry.destination.unwrap_or_default();
            *self
                .denied
                .entry(format!("{name} at {destination}"))
                .or_default() += 1;
        }
    }
}

/// The most frequent destinations, for people.
pub(crate) fn text(traffic: &Traffic) -> String {
    let mut rows = Vec::new();
    for (word, style, counts) in [
        ("allowed", GOOD, &traffic.allowed),
        ("denied", BAD, &traffic.denied),
    ] {
        let mut counts: Vec<_> = counts.iter().collect();
        counts.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), (*name).clone()));
        for (name, count) in counts.iter().take(SHOWN) {
            rows.push(vec![paint(style, word), count.to_string(), (*name).clone()]);
        }
        if counts.len() > SHOWN {
            let more = format!("and {} more destinations", counts.len() - SHOWN);
            rows.push(vec![String::new(), String::new(), more]);
        }
    }
    if rows.is_empty() {
        String::new()
    } else {
        format!("\n{}", table(&rows))
    }
}
