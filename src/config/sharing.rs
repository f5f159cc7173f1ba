//! What external services may not have in common: names, hosts on a port, and
//! ports that nothing tells apart.
//!
//! Each rule reads the list once; a list of thousands takes no longer than its length says.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::external_services::Draft;
use super::reader::Reader;
use super::values::SIDECAR_PORTS;
use super::{Invalid, Matching, MeshConfig, MeshRuntime, Protocol, Redirect, Target};

/// What there is to tell two services on one port apart, besides the HTTP host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToldApart {
    /// Nothing: App Mesh, or matching as it did.
    Not,
    /// The TLS server name.
    ByName,
    /// The server name, and where it is not TLS the virtual address that the
    /// app's resolver gives each host.
    ByNameAndAddress,
}

impl ToldApart {
    pub(super) fn by(mesh: &MeshConfig, target: Target) -> Self {
        // Each service is called at a port of its own.
        if mesh.redirect == Redirect::Ports {
            return Self::ByNameAndAddress;
        }
        match (mesh.matching, target, mesh.runtime) {
            (Matching::Port, _, _) | (_, Target::Aws, MeshRuntime::AppMesh) => Self::Not,
            // The resolver of a task on ECS is AWS's.
            (Matching::Sni, Target::Aws, MeshRuntime::Auto | MeshRuntime::Envoy) => Self::ByName,
            (Matching::Sni, Target::Local, _) => Self::ByNameAndAddress,
        }
    }

    fn tells(self, one: Kind, other: Kind) -> bool {
        match self {
            Self::ByNameAndAddress => true,
            Self::ByName => one != Kind::Plain && other != Kind::Plain,
            Self::Not => one == Kind::Requests && other == Kind::Requests,
        }
    }
}

/// What a service's connections look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Requests,
    Tls,
    Plain,
}

impl Kind {
    fn of(draft: &Draft) -> Option<Self> {
        Some(match (draft.protocol.value?, draft.is_tls()?) {
            (Protocol::Http, _) => Self::Requests,
            (Protocol::Tcp, true) => Self::Tls,
            (Protocol::Tcp, false) => Self::Plain,
        })
    }
}

pub(super) fn check(reader: &mut Reader<'_>, drafts: &[Draft], told_apart: ToldApart) {
    check_names(reader, drafts);
    let doubles = check_hosts(reader, drafts);
    check_ports(reader, drafts, told_apart, &doubles);
    check_nodes(reader, drafts);
}

/// A host is one virtual service, which a node may call or not.
fn check_nodes(reader: &mut Reader<'_>, drafts: &[Draft]) {
    let mut first: HashMap<&str, &Draft> = HashMap::new();
    for draft in drafts {
        let Some(host) = &draft.host else { continue };
        let other = *first.entry(host.value.as_str()).or_insert(draft);
        if draft.nodes.value == other.nodes.value {
            continue;
        }
        let (Some(_), Some(_)) = (&draft.nodes.value, &other.nodes.value) else {
            continue;
        };
        let written = [draft, other].map(|each| each.nodes.place.as_ref());
        let place = written[0].or(written[1]).unwrap_or(&draft.item);
        let message = format!(
            "{} and {} are one host, `{}`, and differ in `nodes`",
            draft.title(),
            other.title(),
            host.value
        );
        let help = "give both the same `nodes`: a node may call a host or not";
        reader.refuse(place, Invalid::new(message, help));
    }
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
    told_apart: ToldApart,
    doubles: &HashSet<usize>,
) {
    let mut free = FreePorts::beside(drafts);
    let mut first: HashMap<u16, BTreeMap<Kind, &Draft>> = HashMap::new();
    for (index, draft) in drafts.iter().enumerate() {
        let (Some(port), Some(kind)) = (draft.listen_port(), Kind::of(draft)) else {
            continue;
        };
        if doubles.contains(&index) || draft.is_http_on_the_https_port() {
            continue;
        }
        let there = first.entry(port).or_default();
        let mut others = there.iter();
        let alike = others.find(|(other, _)| !told_apart.tells(kind, **other));
        if let Some((_, other)) = alike {
            let conflict = Conflict {
                port,
                draft,
                other,
                told_apart,
            };
            reader.refuse(
                draft.listen_place(),
                conflict.explain(free.take_after(port)),
            );
        } else {
            there.entry(kind).or_insert(draft);
        }
    }
}

/// Two services on one port that the mesh cannot tell apart.
struct Conflict<'a> {
    port: u16,
    draft: &'a Draft,
    other: &'a Draft,
    told_apart: ToldApart,
}

impl Conflict<'_> {
    fn explain(&self, free: Option<u16>) -> Invalid {
        let (port, this, other) = (self.port, self.draft.title(), self.other.title());
        let via = free.map_or_else(
            || "`via_port` with a port that no other has".to_owned(),
            |free| format!("`via_port: {free}`"),
        );
        let kinds = [Kind::of(self.draft), Kind::of(self.other)];
        let on_aws = if self.told_apart == ToldApart::ByName {
            " on AWS, where the app's resolver is not ours"
        } else {
            ""
        };
        if kinds.contains(&Some(Kind::Requests)) {
            let tcp = if kinds[1] == Some(Kind::Requests) {
                &this
            } else {
                &other
            };
            return Invalid::new(
                format!("{this} and {other} share port {port}, and one is `tcp`, the other `http`"),
                format_args!("give {tcp} a port of its own{on_aws}: {via}"),
            );
        }
        let both_tls = kinds == [Some(Kind::Tls); 2];
        let message = if kinds.contains(&Some(Kind::Tls)) && !both_tls {
            format!(
                "{this} and {other} share port {port}, and one begins with TLS, the other does not"
            )
        } else {
            format!(
                "{this} and {other} are two `tcp` services on port {port}, and nothing tells them apart{on_aws}"
            )
        };
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
