//! What a node's application may reach where nothing redirects its
//! connections: a listener on loopback for each service, or one for many at the
//! port of each.
//!
//! Which service is meant is said by the port. TLS still has to ask for the
//! service's name, and requests for its host; all else is refused and noted.

use std::collections::{BTreeMap, BTreeSet};

use super::backends::{Backends, host, is_plain};
use super::exposure::Exposure;
use super::filters::{self, Direction};
use super::sharing::Sharing;
use super::{CompileError, Output, Resolvable, egress, routes, tree, wildcard};
use crate::envoy::LocalPorts;
use crate::envoy::api::{
    AdditionalAddress, Address, Extension, FilterChain, FilterChainMatch, Listener, ListenerFilter,
    Seconds, SocketAddress,
};
use crate::envoy::log::ToldApartBy;
use crate::envoy::shared::Shared;
use crate::envoy::surroundings::AppSide;
use crate::mesh::{Matching, VirtualNode};

/// Returns what the application may resolve: it needs no name.
pub(super) fn compile(
    output: &mut Output<'_>,
    node: &VirtualNode,
    app: &AppSide,
    ports: &LocalPorts,
) -> Result<Resolvable, CompileError> {
    let backends = Backends::apart(output.mesh, node)?;
    let mut sharing = Sharing::new(app, output.mesh.matching);
    let mut listeners = BTreeMap::new();
    for connection in &backends.connections {
        let port = port_of(connection, ports)?;
        if sharing.takes(output, port, connection) {
            continue;
        }
        let by_name = !is_plain(connection) && output.mesh.matching == Matching::ServerName;
        let (filters, matching) = if by_name {
            (
                vec![filters::tls_inspector(&BTreeSet::new())],
                tls(connection),
            )
        } else {
            (Vec::new(), FilterChainMatch::default())
        };
        let chain = egress::chain(output, connection, matching)?;
        listeners.insert(port, listener(output, port, filters, chain));
    }
    for service in backends.requests.into_values().flatten() {
        let port = port_of(&service, ports)?;
        let filter = requests(output, node, port, service)?;
        let chain = filters::chain(format!("http_{port}"), None, filter);
        listeners.insert(port, listener(output, port, Vec::new(), Some(chain)));
    }
    output.listeners.extend(listeners.into_values());
    if let Some((chains, services)) = sharing.into_chains(output) {
        let made = shared(output, chains, &services);
        output.listeners.extend(made);
    }
    Ok(Resolvable::default())
}

/// One listener for all services that share chains, at the port of each; which
/// name is right there is said by a tree.
fn shared(
    output: &mut Output<'_>,
    chains: Vec<FilterChain>,
    services: &Shared,
) -> Option<Listener> {
    let mut ports = services.keys().map(|(port, _)| *port);
    let first = ports.next()?;
    let at = |port| Address::SocketAddress(SocketAddress::new("127.0.0.1", port));
    let inspector = filters::tls_inspector(&BTreeSet::new());
    let mut listener = listener(output, first, vec![inspector], None);
    listener.name = "lds_egress_127.0.0.1_shared".to_owned();
    listener.stat_prefix = Some("127.0.0.1_shared".to_owned());
    listener.additional_addresses = ports
        .map(|port| AdditionalAddress { address: at(port) })
        .collect();
    listener.filter_chains = chains;
    tree::by_name(&mut listener, services);
    Some(listener)
}

fn port_of(exposure: &Exposure<'_>, ports: &LocalPorts) -> Result<u16, CompileError> {
    let port = ports.get(&(host(exposure), exposure.port)).copied();
    port.ok_or_else(|| CompileError::NoLocalPort {
        service: exposure.service.name.to_string(),
        port: exposure.port,
    })
}

fn tls(connection: &Exposure<'_>) -> FilterChainMatch {
    FilterChainMatch {
        server_names: vec![host(connection)],
        transport_protocol: Some("tls"),
        ..FilterChainMatch::default()
    }
}

fn requests(
    output: &mut Output<'_>,
    node: &VirtualNode,
    port: u16,
    service: Exposure<'_>,
) -> Result<Extension, CompileError> {
    wildcard::check_requests(&service)?;
    let name = format!("rds_egress_http_{port}");
    let log = node.access_log.as_ref();
    let filter = filters::http(output.placement, Direction::Egress, &name, log);
    let filter = wildcard::resolving(output, filter);
    let config = routes::egress(output, &name, &[service]);
    output.routes.push(config);
    Ok(filter)
}

fn listener(
    output: &mut Output<'_>,
    port: u16,
    listener_filters: Vec<ListenerFilter>,
    chain: Option<FilterChain>,
) -> Listener {
    let waits = !listener_filters.is_empty();
    let matches_all = chain.is_some() && !waits;
    let cluster = output.clusters.drop_all();
    let refusal = filters::tcp_refusal(output.placement, cluster, ToldApartBy::Name);
    let refusal = filters::chain("DROP_ALL".to_owned(), None, refusal);
    Listener {
        name: format!("lds_egress_127.0.0.1_{port}"),
        address: Address::SocketAddress(SocketAddress::new("127.0.0.1", port)),
        additional_addresses: Vec::new(),
        traffic_direction: "OUTBOUND",
        stat_prefix: Some(format!("127.0.0.1_{port}")),
        listener_filters,
        listener_filters_timeout: waits.then(|| Seconds::whole(egress::SILENCE)),
        continue_on_listener_filters_timeout: waits.then_some(true),
        filter_chains: chain.into_iter().collect(),
        filter_chain_matcher: None,
        default_filter_chain: (!matches_all).then_some(refusal),
    }
}
