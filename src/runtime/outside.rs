//! The hosts outside that a mesh models, as its stand-ins need them.

use std::collections::{BTreeMap, BTreeSet};

use super::stand_in::{Kind, OutsideHost};
use crate::mesh::{Mesh, MeshName, NodeListener, Protocol, ServiceDiscovery, Transport};

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
