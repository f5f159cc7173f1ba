//! What was let through and refused, counted by destination.

use std::collections::BTreeSet;

use anstyle::Style;
use serde::Serialize;

use super::groups::{Refusals, Target};
use super::printable::printable;
use super::row::{place, words};
use super::suggest::Suggestion;
use super::{Advisor, Groups, Log, suggest};
use crate::cli::layout::{without_middle, wrapped};
use crate::cli::printer::{BAD, FAINT, GOOD, NAME, paint};
use crate::cli::settings::List;
use crate::config::Config;
use crate::envoy::log::Attempt;
use crate::runtime::moment;

/// The most destinations of each kind that are shown to a person.
const SHOWN: usize = 10;

/// The widest that a destination gets.
const PLACE: usize = 60;

/// The logs of the local tasks, counted.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Traffic {
    /// The time of the oldest line that is left; absent when there is none.
    since: Option<String>,
    /// Let through, the most frequent first.
    pub(crate) allowed: Vec<Allowed>,
    /// Connections and requests to further services.
    allowed_elsewhere: u64,
    /// Refused, the most frequent first.
    pub(crate) denied: Vec<Denied>,
    /// Refusals at further destinations.
    denied_elsewhere: u64,
}

/// What was let through to one service.
#[derive(Debug, Serialize)]
pub(crate) struct Allowed {
    service: String,
    /// Connections opened, and requests.
    count: u64,
    bytes_sent: u64,
    bytes_received: u64,
    last: String,
}

/// What was refused at one destination.
#[derive(Debug, Serialize)]
pub(crate) struct Denied {
    name: Option<String>,
    address: Option<String>,
    port: Option<u16>,
    attempt: Attempt,
    count: u64,
    first: String,
    last: String,
    tasks: BTreeSet<String>,
    /// Where the app meant to connect to, a few of them.
    destinations: BTreeSet<String>,
    /// The item of `external_services` that would let it through, when it
    /// looks like a mistake.
    suggestion: Option<String>,
    /// Why it looks like one.
    why: Option<String>,
    #[serde(skip)]
    place: String,
}

// === impl Traffic ===

impl Traffic {
    pub(crate) fn new(groups: &Groups, config: &Config) -> Self {
        let mut advisor = Advisor::new(config, groups);
        let mut allowed: Vec<Allowed> = groups
            .allowed
            .iter()
            .map(|(service, passages)| Allowed {
                service: service.clone(),
                count: passages.count,
                bytes_sent: passages.bytes_sent,
                bytes_received: passages.bytes_received,
                last: moment::timestamp(passages.last),
            })
            .collect();
        allowed.sort_by(|one, other| (other.count, &one.service).cmp(&(one.count, &other.service)));
        let mut refused: Vec<(&Target, &Refusals)> = groups.denied.iter().collect();
        // What came to a connection is advised on before mere look-ups: it
        // says more about what is wanted.
        refused.sort_by_key(|(target, _)| (target.attempt, *target));
        let denied = refused.into_iter().map(|(target, refusals)| {
            let is_wanted = !refusals.is_of_probes(target);
            let advice = is_wanted.then(|| advisor.advise(target)).flatten();
            denied(target, refusals, advice)
        });
        let mut denied: Vec<Denied> = denied.collect();
        denied.sort_by(|one, other| (other.count, &one.place).cmp(&(one.count, &other.place)));
        Self {
            since: groups.since.map(moment::timestamp),
            allowed,
            allowed_elsewhere: groups.allowed_elsewhere,
            denied,
            denied_elsewhere: groups.denied_elsewhere,
        }
    }
}

fn denied(target: &Target, refusals: &Refusals, suggestion: Option<Suggestion>) -> Denied {
    let (line, why) = suggestion.map(|given| (given.line, given.why)).unzip();
    Denied {
        name: target.name.clone(),
        address: target.address.clone(),
        port: target.port,
        attempt: target.attempt,
        count: refusals.count(),
        first: moment::timestamp(refusals.first),
        last: moment::timestamp(refusals.last),
        tasks: refusals.tasks.clone(),
        destinations: refusals.addresses.clone(),
        suggestion: line,
        why,
        place: without_middle(&place(target), PLACE),
    }
}

/// The most frequent destinations, for people.
pub(crate) fn rows(traffic: &Traffic, log: Log) -> Vec<Vec<String>> {
    match log {
        Log::Allowed => allowed_rows(traffic),
        Log::Denied => denied_rows(traffic),
        Log::App | Log::Envoy => Vec::new(),
    }
}

fn allowed_rows(traffic: &Traffic) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for one in traffic.allowed.iter().take(SHOWN) {
        let bytes = format!("{} bytes out, {} in", one.bytes_received, one.bytes_sent);
        rows.push(vec![
            paint(GOOD, "allowed"),
            printable(&one.service),
            format!("{}x", one.count),
            paint(FAINT, &bytes),
        ]);
    }
    rows.extend(more(
        "allowed",
        traffic.allowed.len(),
        traffic.allowed_elsewhere,
    ));
    rows
}

fn denied_rows(traffic: &Traffic) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for one in traffic.denied.iter().take(SHOWN) {
        rows.push(vec![
            paint(BAD, "denied"),
            one.place.clone(),
            format!("{}x", one.count),
            paint(FAINT, words(one.attempt)),
        ]);
    }
    rows.extend(more(
        "denied",
        traffic.denied.len(),
        traffic.denied_elsewhere,
    ));
    rows
}

fn more(word: &str, destinations: usize, elsewhere: u64) -> Option<Vec<String>> {
    let hidden = destinations.saturating_sub(SHOWN);
    if hidden == 0 && elsewhere == 0 {
        return None;
    }
    let and = if elsewhere == 0 {
        String::new()
    } else {
        format!(", and {elsewhere}x others")
    };
    let text = format!("and {hidden} more destinations{and}; `--output json` has them");
    Some(vec![word.to_owned(), text])
}

/// What to put into the settings to let through what looks like a mistake;
/// empty when nothing does. `width` is the terminal's.
pub(crate) fn advice(
    traffic: &Traffic,
    config: &Config,
    list: &List,
    width: Option<usize>,
) -> String {
    let mut seen = BTreeSet::new();
    let suggested = traffic.denied.iter().filter_map(|one| {
        let line = one.suggestion.as_ref()?;
        seen.insert(line.clone())
            .then(|| (line.clone(), one.why.clone().unwrap_or_default()))
    });
    let suggested: Vec<(String, String)> = suggested.take(SHOWN).collect();
    if suggested.is_empty() {
        return String::new();
    }
    let (how, indentation) = match list {
        List::Items { file, indentation } => (
            format!("add to `external_services` in `{file}`"),
            *indentation,
        ),
        List::Whole { file } => (format!("in `{file}`"), 2),
    };
    let how = format!("these look like mistakes; to allow them, {how}:");
    let how = wrapped(&how, width, 6, Style::new());
    let mut text = format!("\n{} {how}\n", paint(NAME, "hint:"));
    let margin = " ".repeat(indentation);
    if matches!(list, List::Whole { .. }) {
        text.push_str("external_services:\n");
        for service in &config.external_services {
            text.push_str(&format!("{margin}{}\n", suggest::item(service)));
        }
    }
    for (line, why) in suggested {
        text.push_str(&format!("{margin}{}\n", paint(FAINT, &format!("# {why}"))));
        text.push_str(&format!("{margin}{line}\n"));
    }
    text
}
