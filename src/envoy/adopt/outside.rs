//! What an application reaches through a configuration that somebody else
//! made: which names, at which ports, and where they lead.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Carried, endpoints, list, listening_port, port, text};
use crate::ports;

/// What is spoken with a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spoken {
    /// TLS.
    Tls,
    /// HTTP without TLS.
    Http,
    /// Something else over TCP.
    Tcp,
}

/// A name that an application can reach.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reachable {
    /// The name that it asks for; `*.example.com` for every one below
    /// `example.com`.
    pub name: String,
    /// The port that it connects to.
    pub port: u16,
    /// The host that is dialled, by name.
    pub host: String,
    /// The port that is dialled.
    pub host_port: u16,
    /// What is spoken there.
    pub spoken: Spoken,
}

/// Which connections a chain gets.
#[derive(Clone, Debug, Default)]
struct Told {
    port: Option<u16>,
    name: Option<String>,
}

pub(super) fn reachable(carried: &Carried) -> Vec<Reachable> {
    let hosts = dialled(carried);
    let mut found = Vec::new();
    let of_application = |listener: &&Value| carried.is_for_application(listener);
    for listener in carried.listeners().filter(of_application) {
        // One that nothing is led to has a service to itself.
        let own_port = listening_port(listener).filter(|port| Some(*port) != carried.egress_port);
        for (mut told, chain) in chains(listener) {
            told.port = told.port.or(own_port);
            services(&told, chain, &hosts, &mut found);
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The host and port of each cluster that is found by name.
fn dialled(carried: &Carried) -> BTreeMap<&str, (&str, u16)> {
    let host = |cluster| {
        let endpoint = endpoints(cluster).next()?;
        let address = (
            text(endpoint, "address")?,
            port(endpoint.get("port_value")?)?,
        );
        Some((text(cluster, "name")?, address))
    };
    carried.clusters().filter_map(host).collect()
}

/// The chains of a listener with the connections that they get, be it by
/// their own match or by a tree.
fn chains(listener: &Value) -> Vec<(Told, &Value)> {
    let Some(tree) = listener.get("filter_chain_matcher") else {
        let own = list(listener, "/filter_chains");
        return own
            .flat_map(|chain| matched(chain).into_iter().map(move |told| (told, chain)))
            .collect();
    };
    let mut leaves = Vec::new();
    climb(tree, &Told::default(), &mut leaves);
    let named = |name: &str| {
        let mut chains = list(listener, "/filter_chains");
        chains.find(|chain| text(chain, "name") == Some(name))
    };
    let leaves = leaves.into_iter();
    leaves
        .filter_map(|(told, chain)| Some((told, named(&chain)?)))
        .collect()
}

fn matched(chain: &Value) -> Vec<Told> {
    let matching = chain.get("filter_chain_match");
    let at = matching
        .and_then(|it| it.get("destination_port"))
        .and_then(port);
    let names: Vec<String> = matching
        .map(|it| list(it, "/server_names"))
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    if names.is_empty() {
        return vec![Told {
            port: at,
            name: None,
        }];
    }
    let told = names.into_iter().map(|name| Told {
        port: at,
        name: Some(name),
    });
    told.collect()
}

/// Follows a tree of matchers to the chains that it leads to.
fn climb(matcher: &Value, told: &Told, leaves: &mut Vec<(Told, String)>) {
    if let Some(chain) = matcher.pointer("/action/typed_config/value") {
        let name = chain.as_str().unwrap_or_default();
        leaves.push((told.clone(), name.to_owned()));
    }
    let next = [matcher.get("matcher"), matcher.get("on_no_match")];
    for inner in next.into_iter().flatten() {
        climb(inner, told, leaves);
    }
    let Some(tree) = matcher.get("matcher_tree") else {
        return;
    };
    let input = tree.pointer("/input/typed_config/@type");
    let input = input.and_then(Value::as_str).unwrap_or_default();
    let map = tree.pointer("/exact_match_map/map");
    for (key, inner) in map.and_then(Value::as_object).into_iter().flatten() {
        climb(inner, &also(told, input, key), leaves);
    }
    for matcher in list(tree, "/custom_match/typed_config/domain_matchers") {
        for domain in list(matcher, "/domains").filter_map(Value::as_str) {
            if let Some(inner) = matcher.get("on_match") {
                climb(inner, &also(told, input, domain), leaves);
            }
        }
    }
}

fn also(told: &Told, input: &str, key: &str) -> Told {
    let mut told = told.clone();
    if input.ends_with("DestinationPortInput") {
        told.port = key.parse().ok();
    } else if input.ends_with("ServerNameInput") {
        told.name = Some(key.to_owned());
    }
    told
}

/// The services that a chain leads to.
fn services(
    told: &Told,
    chain: &Value,
    hosts: &BTreeMap<&str, (&str, u16)>,
    found: &mut Vec<Reachable>,
) {
    let Some(at) = told.port else { return };
    let mut asked_for = None;
    for filter in list(chain, "/filters").filter_map(|filter| filter.get("typed_config")) {
        if let Some(to) = filter.get("port_value").and_then(port) {
            asked_for = Some(to);
        }
        for host in list(filter, "/route_config/virtual_hosts") {
            requests(at, host, hosts, found);
        }
        for cluster in clusters(filter) {
            let (host, host_port) = match (hosts.get(cluster), asked_for, &told.name) {
                (Some((host, to)), _, _) => (*host, *to),
                (None, Some(to), Some(name)) => (name.as_str(), to),
                (None, _, _) => continue,
            };
            let tls = told.name.is_some() || ports::starts_with_tls(host_port);
            found.push(Reachable {
                name: told.name.clone().unwrap_or_else(|| host.to_owned()),
                port: at,
                host: host.to_owned(),
                host_port,
                spoken: if tls { Spoken::Tls } else { Spoken::Tcp },
            });
        }
    }
}

fn requests(
    at: u16,
    host: &Value,
    hosts: &BTreeMap<&str, (&str, u16)>,
    found: &mut Vec<Reachable>,
) {
    let names = list(host, "/domains").filter_map(Value::as_str);
    // Each stands there with its port too.
    for name in names.filter(|name| !name.contains(':') && *name != "*") {
        for route in list(host, "/routes").filter_map(|route| route.get("route")) {
            for cluster in clusters(route) {
                let (host, host_port) = hosts.get(cluster).copied().unwrap_or((name, at));
                found.push(Reachable {
                    name: name.to_owned(),
                    port: at,
                    host: host.to_owned(),
                    host_port,
                    spoken: Spoken::Http,
                });
            }
        }
    }
}

/// The cluster or clusters of a route or of a filter.
fn clusters(leads: &Value) -> impl Iterator<Item = &str> {
    let shares = list(leads, "/weighted_clusters/clusters");
    let shares = shares.filter_map(|share| text(share, "name"));
    text(leads, "cluster").into_iter().chain(shares)
}
