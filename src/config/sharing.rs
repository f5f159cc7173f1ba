//! What external services may not have in common: names, hosts on a port, and
//! ports that nothing tells apart.
//!
//! Each rule reads the list once; a list of thousands takes no longer than its length says.

use std::collections::{HashMap, HashSet};

use super::external_services::Draft;
use super::reader::Reader;
use super::service::TLS_PORTS;
use super::values::SIDECAR_PORTS;
use super::{Invalid, Matching, Protocol};

pub(super) fn check(reader: &mut Reader<'_>, drafts: &[Draft], matching: Matching) {
    check_names(reader, drafts);
    let doubles = check_hosts(reader, drafts);
    check_ports(reader, drafts, matching, &doubles);
}

fn check_names(reader: &mut Reader<'_>, drafts: &[Draft]) {
    let named = |draft: &Draft| draft.name.as_ref().map(|name| name.value.unique_key());
    let mut taken: HashSet<String> = drafts.iter().filter_map(named).collect();
    let mut first: HashMap<String, &Draft> = HashMap::new();
    let mut numbers: HashMap<String, u32> = HashMap::new();
    for draft in drafts {
        let Some(name) = &draft.name else { continue };
        let key = name.value.unique_key();
        let Some(other) = first.get(&key) else {
            first.insert(key, draft);
            continue;
        };
        let number = numbers.entry(key.clone()).or_insert(1);
        let free = loop {
            *number += 1;
            if taken.insert(format!("{key}{number}")) {
                break format!("{}{number}", name.value);
            }
        };
        let host = other.host.as_ref().map_or_else(
            || "another service".to_owned(),
            |host| format!("`{}`", host.value),
        );
        let message = match &other.name {
            Some(earlier) if earlier.value != name.value => format!(
                "the name `{}` is too like `{}`, the name of {host}",
                name.value, earlier.value
            ),
            _ => format!("the name `{}` is taken by {host}", name.value),
        };
        reader.refuse(
            &name.place,
            Invalid::new(message, format_args!("choose another, such as `{free}`")),
        );
    }
}

/// Refuses a host that stands twice on one port, and says which drafts do.
fn check_hosts(reader: &mut Reader<'_>, drafts: &[Draft]) -> HashSet<usize> {
    let mut first: HashMap<(&str, u16), &Draft> = HashMap::new();
    let mut doubles = HashSet::new();
    for (index, draft) in drafts.iter().enumerate() {
        let (Some(host), Some(port)) = (&draft.host, draft.listen_port()) else {
            continue;
        };
        let Some(other) = first.get(&(host.value.as_str(), port)) else {
            first.insert((host.value.as_str(), port), draft);
            continue;
        };
        doubles.insert(index);
        let message = format!(
            "`{}` on port {port} is already {}",
            host.value,
            other.title()
        );
        reader.refuse(&host.place, Invalid::new(message, "delete one of the two"));
    }
    doubles
}

fn check_ports(
    reader: &mut Reader<'_>,
    drafts: &[Draft],
    matching: Matching,
    doubles: &HashSet<usize>,
) {
    let mut free = FreePorts::beside(drafts);
    let mut first: HashMap<u16, &Draft> = HashMap::new();
    for (index, draft) in drafts.iter().enumerate() {
        let (Some(port), Some(protocol)) = (draft.listen_port(), draft.protocol.value) else {
            continue;
        };
        if doubles.contains(&index) || draft.is_http_on_the_https_port() {
            continue;
        }
        let Some(other) = first.get(&port) else {
            first.insert(port, draft);
            continue;
        };
        if other.protocol.value == Some(protocol)
            && (protocol == Protocol::Http
                || (matching == Matching::Sni && is_tls(draft) && is_tls(other)))
        {
            continue;
        }
        let conflict = Conflict { port, draft, other };
        reader.refuse(
            draft.listen_place(),
            conflict.explain(free.take_after(port)),
        );
    }
}

fn is_tls(draft: &Draft) -> bool {
    draft
        .port
        .value
        .is_some_and(|port| TLS_PORTS.contains(&port))
}

/// Two services on one port that the mesh cannot tell apart.
struct Conflict<'a> {
    port: u16,
    draft: &'a Draft,
    other: &'a Draft,
}

impl Conflict<'_> {
    fn explain(&self, free: Option<u16>) -> Invalid {
        let (port, this, other) = (self.port, self.draft.title(), self.other.title());
        let via = free.map_or_else(
            || "`via_port` with a port that no other has".to_owned(),
            |free| format!("`via_port: {free}`"),
        );
        if self.draft.protocol.value != self.other.protocol.value {
            let tcp = if self.draft.protocol.value == Some(Protocol::Tcp) {
                &this
            } else {
                &other
            };
            return Invalid::new(
                format!("{this} and {other} share port {port}, and one is `tcp`, the other `http`"),
                format_args!("give {tcp} a port of its own: {via}"),
            );
        }
        let message = format!(
            "{this} and {other} are two `tcp` services on port {port}, and nothing tells them apart"
        );
        let both_tls = is_tls(self.draft) && is_tls(self.other);
        let or = if both_tls {
            ", or set `mesh.matching` to `sni`"
        } else {
            ""
        };
        Invalid::new(
            message,
            format_args!("let the app connect to {this} on a port of its own: {via}{or}"),
        )
    }
}

/// Ports that no service has. Each is given out once, so that all advice can be followed together.
struct FreePorts {
    /// For each port, one at or after it from which to look on; itself when it is free.
    next: Vec<usize>,
}

const PORTS: usize = 1 << 16;

impl FreePorts {
    fn beside(drafts: &[Draft]) -> Self {
        let mut ports = Self {
            next: (0..=PORTS).collect(),
        };
        let listened = drafts.iter().filter_map(Draft::listen_port);
        let targets = drafts.iter().filter_map(|draft| draft.port.value);
        for port in listened.chain(targets).chain(SIDECAR_PORTS).chain([0, 53]) {
            ports.next[usize::from(port)] = usize::from(port) + 1;
        }
        ports
    }

    fn take_after(&mut self, port: u16) -> Option<u16> {
        let found = self.find(usize::from(port)).or_else(|| self.find(1024))?;
        self.next[usize::from(found)] = usize::from(found) + 1;
        Some(found)
    }

    /// The first free port from this one on. Shortens the way for the next to ask.
    fn find(&mut self, from: usize) -> Option<u16> {
        let mut at = from;
        while at < PORTS && self.next[at] != at {
            let after = self.next[self.next[at]];
            self.next[at] = after;
            at = after;
        }
        u16::try_from(at).ok()
    }
}
