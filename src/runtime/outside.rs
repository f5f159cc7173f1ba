//! The hosts outside that a mesh models, as its stand-ins need them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::probe::Modelled;
use super::stand_in::{Kind, OutsideHost};
use crate::envoy::{Carried, Spoken};
use crate::mesh::{
    Mesh, MeshName, NodeListener, Protocol, Provider, ProxyId, ServiceDiscovery, Transport,
};

/// The hosts that nodes of these meshes name and that are in none of the
/// private domains.
pub(super) fn hosts(
    meshes: &BTreeMap<MeshName, Mesh>,
    domains: &BTreeSet<String>,
) -> Vec<OutsideHost> {
    let nodes = meshes.values().flat_map(|mesh| mesh.nodes.values());
    let mut hosts = Vec::new();
    for node in nodes {
        let Some(ServiceDiscovery { hostname, .. }) = &node.discovery else {
            continue;
        };
        if domains.iter().any(|domain| is_under(hostname, domain)) {
            continue;
        }
        let outside = |listener: &NodeListener| OutsideHost {
            name: hostname.clone(),
            port: listener.port,
            kind: kind(listener),
        };
        hosts.extend(node.listeners.iter().map(outside));
    }
    hosts
}

/// The hosts outside that a carried configuration leads to.
pub(super) fn carried_hosts(carried: &Carried, domains: &BTreeSet<String>) -> Vec<OutsideHost> {
    let reachable = carried.reachable().into_iter();
    let outside = reachable.filter(|it| !domains.iter().any(|domain| is_under(&it.host, domain)));
    outside
        .map(|it| OutsideHost {
            name: it.host,
            port: it.host_port,
            kind: match it.spoken {
                Spoken::Tls => Kind::Tls,
                Spoken::Http => Kind::Http,
                Spoken::Tcp => Kind::Tcp,
            },
        })
        .collect()
}

/// The services over TLS that the app beside such a proxy finds: by name, or
/// on loopback where nothing leads it there.
pub(super) fn carried_services_over_tls(carried: &Carried) -> Vec<Modelled> {
    let alone = carried.redirects_nothing();
    let reachable = carried.reachable().into_iter();
    let named = reachable
        .filter(|it| it.spoken == Spoken::Tls && (alone || it.port == it.host_port))
        .filter(|it| !it.name.starts_with('*'));
    named
        .map(|it| Modelled {
            name: it.name,
            address: alone.then_some(Ipv4Addr::LOCALHOST),
            port: it.port,
        })
        .collect()
}

/// The names and ports at which a proxy's app finds services over TLS.
pub(super) fn services_over_tls(mesh: &Mesh, proxy: &ProxyId) -> Vec<(String, u16)> {
    let backends = match proxy {
        ProxyId::VirtualNode(name) => mesh.nodes.get(name).map(|node| &node.backends),
        ProxyId::VirtualGateway(_) => None,
    };
    let mut found = Vec::new();
    // A wildcard is no name that a client could ask for.
    let names = backends.into_iter().flatten();
    for name in names.filter(|name| !name.as_str().starts_with('*')) {
        let provider = mesh.services.get(name).and_then(|it| it.provider.as_ref());
        let ports: Vec<u16> = match provider {
            Some(Provider::Node(node)) => {
                let listeners = mesh.nodes.get(node).map(|node| &node.listeners);
                let tls = listeners
                    .into_iter()
                    .flatten()
                    .filter(|it| kind(it) == Kind::Tls);
                tls.map(|listener| listener.port).collect()
            }
            // A router's port may be any; what is behind it is not looked for.
            Some(Provider::Router(_)) | None => Vec::new(),
        };
        found.extend(ports.into_iter().map(|port| (name.to_string(), port)));
    }
    found
}

fn kind(listener: &NodeListener) -> Kind {
    match (listener.protocol, listener.transport) {
        (Protocol::Tcp, Transport::Tls) => Kind::Tls,
        (Protocol::Tcp, Transport::Plain) => Kind::Tcp,
        (Protocol::Http | Protocol::Http2 | Protocol::Grpc, _) => Kind::Http,
    }
}

fn is_under(name: &str, domain: &str) -> bool {
    let rest = name.trim_end_matches('.').strip_suffix(domain);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
