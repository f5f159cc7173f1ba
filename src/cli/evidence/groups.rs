//! Lines counted by where they wanted to go.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{Ipv4Addr, SocketAddr};

use super::entry::What;
use super::printable::clipped;
use super::{Entry, Log, Task, each_line, sources};
use crate::envoy::log::{Allowed, Attempt, Denied, Direction, Event};
use crate::runtime::probe;

/// The most destinations that are told apart; further ones are counted
/// together. Who is refused a new name each time cannot make this grow.
const MOST: usize = 10_000;
/// The most addresses, tasks and kinds of records that are kept of one.
const FEW: usize = 8;
/// The longest name that is kept; no real one has more than 253 characters.
const LONGEST: usize = 256;

/// Where somebody wanted to go, and how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Target {
    /// The name, in lower case.
    pub(crate) name: Option<String>,
    /// The address, when there is no name.
    pub(crate) address: Option<String>,
    /// The port; a name that was only looked up has none.
    pub(crate) port: Option<u16>,
    pub(crate) attempt: Attempt,
}

/// What was refused at one target.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusals {
    count: u64,
    /// Look-ups by type: one of a program is often several.
    records: BTreeMap<String, u64>,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) tasks: BTreeSet<String>,
    pub(crate) addresses: BTreeSet<String>,
}

/// What was let through to one service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Passages {
    /// Connections opened and requests made.
    pub(crate) count: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
    pub(crate) last: u64,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    pub(crate) denied: HashMap<Target, Refusals>,
    /// Refusals at further targets.
    pub(crate) denied_elsewhere: u64,
    pub(crate) allowed: HashMap<String, Passages>,
    pub(crate) allowed_elsewhere: u64,
    /// Where answers sent clients: the URL by its host, and who sent them.
    pub(crate) redirects: HashMap<String, (String, String)>,
    /// The time of the first line: what was before is no longer known.
    pub(crate) since: Option<u64>,
}

// === impl Groups ===

impl Groups {
    /// Counts the logs of all tasks.
    pub(crate) fn read(tasks: &[Task]) -> Self {
        let mut groups = Self::default();
        for task in tasks {
            let names = task.names();
            let wanted = |log| matches!(log, Log::Allowed | Log::Denied);
            for source in sources(std::slice::from_ref(task), wanted) {
                let mut before = 0;
                each_line(&source.path, |line| {
                    if let Some(entry) = Entry::read(source.log, &source.task, line, before) {
                        before = entry.at;
                        groups.add(&entry, &names);
                    }
                });
            }
        }
        groups
    }

    /// Counts one line.
    pub(crate) fn add(&mut self, entry: &Entry, names: &HashMap<Ipv4Addr, String>) {
        match &entry.what {
            What::Denied(denied) => self.refused(entry, denied, names),
            What::Allowed(allowed) if allowed.direction == Direction::Egress => {
                self.passed(entry, allowed);
            }
            What::Allowed(_) | What::App(_) | What::Envoy(_) => return,
        }
        let since = self.since.get_or_insert(entry.at);
        *since = entry.at.min(*since);
    }

    fn refused(&mut self, entry: &Entry, denied: &Denied, names: &HashMap<Ipv4Addr, String>) {
        let target = Target::of(denied, names);
        if self.denied.len() >= MOST && !self.denied.contains_key(&target) {
            self.denied_elsewhere += 1;
            return;
        }
        let refusals = self.denied.entry(target).or_default();
        refusals.add(entry, denied);
    }

    fn passed(&mut self, entry: &Entry, allowed: &Allowed) {
        let name = allowed.service.as_ref().or(allowed.server_name.as_ref());
        let name = name
            .or(allowed.host.as_ref())
            .or(allowed.destination.as_ref());
        let name = clipped(name.map_or("-", String::as_str), LONGEST);
        if self.allowed.len() >= MOST && !self.allowed.contains_key(&name) {
            self.allowed_elsewhere += 1;
            return;
        }
        if let Some(url) = &allowed.location
            && let Some(host) = host_of(url)
            && self.redirects.len() < MOST
        {
            self.redirects.insert(host, (url.clone(), name.clone()));
        }
        let passages = self.allowed.entry(name).or_default();
        // A connection is counted when it opens, its bytes when it closes.
        if allowed.event != Event::Close {
            passages.count += 1;
        }
        if allowed.event != Event::Open {
            passages.bytes_sent += allowed.bytes_sent;
            passages.bytes_received += allowed.bytes_received;
        }
        passages.last = passages.last.max(entry.at);
    }
}

// === impl Target ===

impl Target {
    pub(crate) fn of(denied: &Denied, names: &HashMap<Ipv4Addr, String>) -> Self {
        let text = denied.destination.as_deref();
        let destination: Option<SocketAddr> = text.and_then(|text| text.parse().ok());
        let attempt = denied.attempt();
        let said = denied
            .name()
            .map(host_alone)
            .filter(|name| !name.is_empty());
        let known = || match destination?.ip() {
            std::net::IpAddr::V4(address) => names.get(&address).cloned(),
            std::net::IpAddr::V6(_) => None,
        };
        let name = said
            .map(|name| clipped(name, LONGEST).to_lowercase())
            .or_else(known);
        let address = destination.map(|destination| destination.ip().to_string());
        Self {
            address: address.filter(|_| name.is_none()),
            name,
            port: destination.map(|destination| destination.port()),
            attempt,
        }
    }
}

// === impl Refusals ===

impl Refusals {
    fn add(&mut self, entry: &Entry, denied: &Denied) {
        self.count += 1;
        if let Some(record) = &denied.record
            && (self.records.len() < FEW || self.records.contains_key(record))
        {
            *self.records.entry(record.clone()).or_default() += 1;
        }
        self.first = if self.count == 1 {
            entry.at
        } else {
            self.first.min(entry.at)
        };
        self.last = self.last.max(entry.at);
        keep_few(&mut self.tasks, &entry.task);
        if let Some(destination) = &denied.destination {
            keep_few(&mut self.addresses, destination);
        }
    }

    /// Whether `verify --egress` tried that and nobody else.
    pub(crate) fn is_of_probes(&self, target: &Target) -> bool {
        let name = target.name.as_deref().unwrap_or_default();
        let marked = name.split('.').any(probe::is_marker);
        let address = |text: &String| text.parse::<SocketAddr>().ok();
        let mut addresses = self.addresses.iter().map(address);
        let probed = |address: Option<SocketAddr>| {
            address.is_some_and(|address| probe::is_probed(address.ip()))
        };
        marked || !self.addresses.is_empty() && addresses.all(probed)
    }

    /// How often; a look-up of several types counts once.
    pub(crate) fn count(&self) -> u64 {
        self.records.values().max().copied().unwrap_or(self.count)
    }
}

fn keep_few(set: &mut BTreeSet<String>, text: &str) {
    if set.len() < FEW && !set.contains(text) {
        set.insert(text.to_owned());
    }
}

/// A host without its port and without the dot of the root.
fn host_alone(host: &str) -> &str {
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    };
    host.trim_end_matches('.')
}

/// The host of an absolute URL.
fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = host_alone(authority.rsplit('@').next()?);
    (!host.is_empty() && host.len() <= LONGEST).then(|| host.to_lowercase())
}
