//! One line of any log, taken apart.

use std::sync::Arc;

use clap::ValueEnum;
use serde::Serialize;

use crate::envoy::log::{Allowed, Denied, Event};
use crate::runtime::moment;

/// Which log a line is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Log {
    /// What the app says
    App,
    /// What Envoy itself says
    Envoy,
    /// Connections and requests that were let through
    Allowed,
    /// Those that were refused, and refused names
    Denied,
}

/// A line of a log.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// When, in milliseconds since 1970.
    pub(crate) at: u64,
    /// Whose.
    pub(crate) task: Arc<str>,
    pub(crate) what: What,
}

/// What a line says.
#[derive(Clone, Debug)]
pub(crate) enum What {
    App(String),
    Envoy(String),
    Allowed(Box<Allowed>),
    Denied(Box<Denied>),
}

// === impl Log ===

impl Log {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Envoy => "envoy",
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }
}

// === impl Entry ===

impl Entry {
    /// Reads a line; `before` is the time of the one before it in its file,
    /// for those that have none. `None` for what is no such line: half of one,
    /// after a crash.
    pub(crate) fn read(log: Log, task: &Arc<str>, line: &[u8], before: u64) -> Option<Self> {
        let entry = |at: Option<u64>, what| Self {
            at: at.unwrap_or(before),
            task: Arc::clone(task),
            what,
        };
        Some(match log {
            Log::App => {
                let text = String::from_utf8_lossy(line);
                let (time, said) = text.split_once(' ')?;
                entry(moment::milliseconds(time), What::App(said.to_owned()))
            }
            Log::Envoy => {
                let text = String::from_utf8_lossy(line).into_owned();
                entry(envoy_time(&text), What::Envoy(text))
            }
            Log::Allowed => {
                let allowed: Allowed = parsed(line)?;
                let began = moment::milliseconds(&allowed.time);
                let lasted = match allowed.event {
                    Event::Open => 0,
                    Event::Close | Event::Request => allowed.duration_ms.unwrap_or(0),
                };
                let at = began.map(|began| began.saturating_add(lasted));
                entry(at, What::Allowed(Box::new(allowed)))
            }
            Log::Denied => {
                let denied: Denied = parsed(line)?;
                let began = moment::milliseconds(&denied.time);
                let lasted = denied.duration_ms.unwrap_or(0);
                let at = began.map(|began| began.saturating_add(lasted));
                entry(at, What::Denied(Box::new(denied)))
            }
        })
    }

    pub(crate) fn log(&self) -> Log {
        match self.what {
            What::App(_) => Log::App,
            What::Envoy(_) => Log::Envoy,
            What::Allowed(_) => Log::Allowed,
            What::Denied(_) => Log::Denied,
        }
    }
}

fn parsed<T: serde::de::DeserializeOwned>(line: &[u8]) -> Option<T> {
    serde_json::from_slice(line)
        .or_else(|_| serde_json::from_str(&String::from_utf8_lossy(line)))
        .ok()
}

/// `[2026-11-23 09:00:00.000][7][critical]…`
fn envoy_time(line: &str) -> Option<u64> {
    let (time, _) = line.strip_prefix('[')?.split_once(']')?;
    moment::milliseconds(time)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(log: Log, line: &[u8]) -> Option<Entry> {
        Entry::read(log, &"task".into(), line, 7)
    }

    #[test]
    fn a_line_without_a_time_has_that_of_the_one_before() {
        let entry = read(Log::Envoy, b"  #0: backtrace").unwrap();
        assert_eq!(entry.at, 7);
        let entry = read(Log::Envoy, b"[1970-01-01 00:00:01.000][1][info] x").unwrap();
        assert_eq!(entry.at, 1000);
    }

    #[test]
    fn what_ends_counts_from_its_end() {
        let line = br#"{"time":"1970-01-01T00:00:01.000Z","protocol":"tcp","duration_ms":5001}"#;
        assert_eq!(read(Log::Denied, line).unwrap().at, 6001);
    }

    #[test]
    fn hostile_lines_are_read_or_left_out_but_never_fail() {
        let odd: [&[u8]; 6] = [b"", b"{", b"\xff\xfe\x00", b"null", b"[1]", b"{\"time\":7}"];
        for line in odd {
            assert!(read(Log::Denied, line).is_none());
            assert!(read(Log::Allowed, line).is_none());
            let _ = (read(Log::App, line), read(Log::Envoy, line));
        }
        let line = b"{\"time\":\"x\",\"protocol\":\"tcp\",\"server_name\":\"\xff\\u001b[2J\\n\"}";
        let entry = read(Log::Denied, line).unwrap();
        let What::Denied(denied) = entry.what else {
            panic!("{entry:?}")
        };
        assert_eq!(denied.server_name.unwrap(), "\u{fffd}\u{1b}[2J\n");
    }
}
