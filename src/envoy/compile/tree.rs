//! The tree that leads connections to chains: by port, by what they begin
//! with, by server name.
//!
//! It says what the chains' own conditions say otherwise, and besides leads
//! many names to one chain. Envoy takes a change of the tree over without
//! touching a chain, so that it disturbs no connection.

use std::collections::BTreeMap;

use crate::envoy::api::{DomainMatcher, Empty, Extension, Listener, Matcher, OnMatch, Typed};
use crate::envoy::shared::Shared;

/// How server names are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As a map from name to chain.
    Quick,
    /// As a list for each chain.
    Short,
}

/// The chains of a port.
#[derive(Default)]
struct Port {
    /// Of TLS connections, by server name.
    names: BTreeMap<String, String>,
    /// Of those by what they begin with.
    others: BTreeMap<String, String>,
}

/// Moves the conditions of the chains into a tree, beside the services that
/// share chains.
///
/// In the form that takes thousands of names in the least time, or in the
/// shortest.
pub(super) fn grow(listener: &mut Listener, shared: &Shared, form: Form) {
    let mut ports: BTreeMap<u16, Port> = BTreeMap::new();
    for chain in &mut listener.filter_chains {
        let Some(condition) = chain.filter_chain_match.take() else {
            continue;
        };
        let port = ports
            .entry(condition.destination_port.unwrap_or_default())
            .or_default();
        if condition.server_names.is_empty() {
            let either = ["raw_buffer", "tls"];
            let transports = either
                .into_iter()
                .filter(|one| condition.transport_protocol.is_none_or(|it| it == *one));
            port.others
                .extend(transports.map(|one| (one.to_owned(), chain.name.clone())));
        }
        for name in condition.server_names {
            port.names.insert(name, chain.name.clone());
        }
    }
    for ((port, name), chain) in shared {
        let port = ports.entry(*port).or_default();
        port.names.insert(name.clone(), chain.clone());
    }
    if ports.is_empty() {
        return;
    }
    let ports = ports
        .into_iter()
        .map(|(port, chains)| (port.to_string(), chains.branch(form)));
    let ports = Matcher::exact(destination_port(), ports.collect());
    listener.filter_chain_matcher = Some(Box::new(ports));
}

/// Leads TLS connections by their server name, each at its own port, to the
/// chains that services share; the listener has no others.
pub(super) fn by_name(listener: &mut Listener, shared: &Shared) {
    let mut names: BTreeMap<String, BTreeMap<String, OnMatch>> = BTreeMap::new();
    for ((port, name), chain) in shared {
        let ports = names.entry(name.clone()).or_default();
        ports.insert(port.to_string(), OnMatch::chain(chain));
    }
    let names = names.into_iter().map(|(name, ports)| {
        let matcher = Matcher::exact(destination_port(), ports);
        (name, OnMatch::Matcher(Box::new(matcher)))
    });
    let names = Matcher::exact(server_name(), names.collect());
    listener.filter_chain_matcher = Some(Box::new(names));
}

// === impl Port ===

impl Port {
    fn branch(self, form: Form) -> OnMatch {
        let others = self.others.into_iter();
        let mut transports: BTreeMap<String, OnMatch> = others
            .map(|(transport, chain)| (transport, OnMatch::chain(&chain)))
            .collect();
        if !self.names.is_empty() {
            let names = match form {
                Form::Quick => names(self.names),
                Form::Short => lists(self.names),
            };
            transports.insert("tls".to_owned(), names);
        }
        let input = input(
            "TransportProtocolInput",
            Typed::TransportProtocolInput(Empty {}),
        );
        OnMatch::Matcher(Box::new(Matcher::exact(input, transports)))
    }
}

fn destination_port() -> Extension {
    input(
        "DestinationPortInput",
        Typed::DestinationPortInput(Empty {}),
    )
}

fn server_name() -> Extension {
    input("ServerNameInput", Typed::ServerNameInput(Empty {}))
}

/// The names of each chain. Envoy takes the one that says most.
fn lists(chains: BTreeMap<String, String>) -> OnMatch {
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, chain) in chains {
        names.entry(chain).or_default().push(name);
    }
    let matchers = names.into_iter().map(|(chain, domains)| DomainMatcher {
        domains,
        on_match: OnMatch::chain(&chain),
    });
    let matcher = Matcher::server_names(server_name(), matchers.collect());
    OnMatch::Matcher(Box::new(matcher))
}

/// Whole names before those with a wildcard.
fn names(chains: BTreeMap<String, String>) -> OnMatch {
    let (wild, exact): (BTreeMap<_, _>, BTreeMap<_, _>) = chains
        .into_iter()
        .partition(|(name, _)| name.starts_with("*."));
    let exact = exact
        .into_iter()
        .map(|(name, chain)| (name, OnMatch::chain(&chain)));
    let wild: Vec<DomainMatcher> = wild
        .into_iter()
        .map(|(name, chain)| DomainMatcher {
            domains: vec![name],
            on_match: OnMatch::chain(&chain),
        })
        .collect();
    let exact: BTreeMap<String, OnMatch> = exact.collect();
    let below = || Box::new(Matcher::server_names(server_name(), wild.clone()));
    let matcher = match (exact.is_empty(), wild.is_empty()) {
        (true, _) => below(),
        (false, true) => Box::new(Matcher::exact(server_name(), exact)),
        (false, false) => Box::new(Matcher {
            on_no_match: Some(Box::new(OnMatch::Matcher(below()))),
            ..Matcher::exact(server_name(), exact)
        }),
    };
    OnMatch::Matcher(matcher)
}

fn input(name: &'static str, typed_config: Typed) -> Extension {
    Extension { name, typed_config }
}
