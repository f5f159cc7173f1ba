//! What a node's application may reach: its backends, and nothing else unless
//! the mesh allows all.
//!
//! Two listeners share the work. At the first, TLS connections are told apart
//! by server name and requests by host, on every port. At the second arrive
//! the connections to virtual addresses of services that can only be told
//! apart by address; it looks at no byte, so the server may speak first.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::clusters::Destination;
use super::exposure::{Exposure, exposures};
use super::filters::{self, Direction};
use super::{CompileError, Output, routes};
use crate::envoy::AppPlacement;
use crate::envoy::addresses::{self, PLAIN_ADDRESSES, SNI_ADDRESSES};
use crate::envoy::api::{
    Address, CidrRange, FilterChain, FilterChainMatch, Listener, Seconds, SocketAddress,
};
use crate::mesh::{EgressFilter, VirtualNode};

/// Ports on which a client begins with TLS and so says the server's name.
const TLS_PORTS: &[u16] = &[
    443, 465, 636, 853, 989, 990, 992, 993, 995, 5671, 6443, 6514, 8443, 8883, 9093,
];

/// Returns the names that the application may resolve.
pub(super) fn compile(
    output: &mut Output<'_>,
    node: &VirtualNode,
    app: &AppPlacement,
) -> Result<BTreeMap<String, Ipv4Addr>, CompileError> {
    let backends = Backends::of(output, node)?;
    let addresses = backends.addresses();
    let mut by_name = Vec::new();
    let mut by_address = Vec::new();
    for connection in &backends.connections {
        let host = host(connection);
        if is_tls(connection) {
            by_name.extend(chain_by_name(output, connection, &host));
        }
        if backends.plain.contains(&host) {
            by_address.extend(chain_by_address(output, connection, addresses[&host]));
        }
    }
    let log = node.access_log.as_ref();
    for (port, services) in &backends.requests {
        let name = format!("rds_egress_http_{port}");
        let filter = filters::http(output.placement, Direction::Egress, &name, log);
        let matching = FilterChainMatch {
            destination_port: Some(*port),
            transport_protocol: Some("raw_buffer"),
            ..FilterChainMatch::default()
        };
        let chain = filters::chain(format!("http_{port}"), Some(matching.clone()), filter);
        if services
            .iter()
            .any(|service| backends.plain.contains(&host(service)))
        {
            let matching = FilterChainMatch {
                transport_protocol: None,
                ..matching
            };
            by_address.push(FilterChain {
                filter_chain_match: Some(matching),
                ..chain.clone()
            });
        }
        by_name.push(chain);
        let config = routes::egress(output, &name, services);
        output.routes.push(config);
    }
    let by_name = listener(output, app, app.egress_port, by_name);
    let by_address = listener(output, app, app.plain_egress_port, by_address);
    output.listeners.extend([
        Listener {
            listener_filters: vec![filters::original_dst(), filters::tls_inspector()],
            // A client that says nothing is refused and noted after a while.
            listener_filters_timeout: Some(Seconds::whole(5)),
            continue_on_listener_filters_timeout: Some(true),
            ..by_name
        },
        by_address,
    ]);
    Ok(backends.resolvable(output.mesh.egress, addresses))
}

/// The ports of a node's backends.
struct Backends<'a> {
    /// With requests, by port.
    requests: BTreeMap<u16, Vec<Exposure<'a>>>,
    /// With connections.
    connections: Vec<Exposure<'a>>,
    /// All hosts.
    hosts: BTreeSet<String>,
    /// Those with a port that can only be told apart by address.
    plain: BTreeSet<String>,
}

// === impl Backends ===

impl<'a> Backends<'a> {
    fn of(output: &Output<'a>, node: &VirtualNode) -> Result<Self, CompileError> {
        let mesh = output.mesh;
        let names: BTreeSet<_> = node.backends.iter().collect();
        let services = names.into_iter().filter_map(|name| mesh.services.get(name));
        let mut backends = Self {
            requests: BTreeMap::new(),
            connections: Vec::new(),
            hosts: BTreeSet::new(),
            plain: BTreeSet::new(),
        };
        let mut taken: BTreeMap<(u16, String), &str> = BTreeMap::new();
        for exposure in services.flat_map(|service| exposures(mesh, service)) {
            let name = exposure.service.name.as_str();
            let key = (exposure.port, host(&exposure));
            if let Some(one) = taken.insert(key, name) {
                return Err(CompileError::SameHost {
                    port: exposure.port,
                    one: one.to_owned(),
                    other: name.to_owned(),
                });
            }
            backends.add(exposure);
        }
        backends.check_ports()?;
        Ok(backends)
    }

    fn add(&mut self, exposure: Exposure<'a>) {
        let host = host(&exposure);
        self.hosts.insert(host.clone());
        if exposure.protocol.has_requests() {
            self.requests
                .entry(exposure.port)
                .or_default()
                .push(exposure);
            return;
        }
        if !is_tls(&exposure) {
            self.plain.insert(host);
        }
        self.connections.push(exposure);
    }

    fn check_ports(&self) -> Result<(), CompileError> {
        for connection in &self.connections {
            if let Some([request, ..]) = self.requests.get(&connection.port).map(Vec::as_slice) {
                return Err(CompileError::PortConflict {
                    port: connection.port,
                    one: request.service.name.to_string(),
                    protocol: request.protocol,
                    other: connection.service.name.to_string(),
                });
            }
        }
        Ok(())
    }

    fn addresses(&self) -> BTreeMap<String, Ipv4Addr> {
        let others = self.hosts.difference(&self.plain).map(String::as_str);
        let mut addresses = addresses::assign(others, SNI_ADDRESSES);
        let plain = self.plain.iter().map(String::as_str);
        addresses.extend(addresses::assign(plain, PLAIN_ADDRESSES));
        addresses
    }

    /// Where all is allowed, a name keeps its real address if it can, so that
    /// its other ports can be reached too.
    fn resolvable(
        &self,
        egress: EgressFilter,
        mut addresses: BTreeMap<String, Ipv4Addr>,
    ) -> BTreeMap<String, Ipv4Addr> {
        match egress {
            EgressFilter::DropAll => {}
            EgressFilter::AllowAll => addresses.retain(|host, _| self.plain.contains(host)),
        }
        addresses
    }
}

fn listener(
    output: &mut Output<'_>,
    app: &AppPlacement,
    port: u16,
    filter_chains: Vec<FilterChain>,
) -> Listener {
    let address = SocketAddress::new("0.0.0.0", port).within(Some(&app.network));
    let placement = output.placement;
    let (name, filter) = match output.mesh.egress {
        EgressFilter::DropAll => {
            let cluster = output.clusters.drop_all();
            ("DROP_ALL", filters::tcp_refusal(placement, cluster))
        }
        EgressFilter::AllowAll => {
            let to = Destination::One(output.clusters.allow_all());
            let filter = filters::tcp_proxy(placement, Direction::Egress, None, to, None);
            ("ALLOW_ALL", filter)
        }
    };
    Listener {
        name: format!("lds_egress_0.0.0.0_{port}"),
        address: Address::SocketAddress(address),
        traffic_direction: "OUTBOUND",
        stat_prefix: Some(format!("0.0.0.0_{port}")),
        listener_filters: vec![filters::original_dst()],
        listener_filters_timeout: None,
        continue_on_listener_filters_timeout: None,
        filter_chains,
        default_filter_chain: Some(filters::chain(name.to_owned(), None, filter)),
    }
}

fn chain_by_name(
    output: &mut Output<'_>,
    connection: &Exposure<'_>,
    host: &str,
) -> Option<FilterChain> {
    let matching = FilterChainMatch {
        destination_port: Some(connection.port),
        server_names: vec![host.to_owned()],
        transport_protocol: Some("tls"),
        ..FilterChainMatch::default()
    };
    chain(output, connection, matching)
}

fn chain_by_address(
    output: &mut Output<'_>,
    connection: &Exposure<'_>,
    address: Ipv4Addr,
) -> Option<FilterChain> {
    let matching = FilterChainMatch {
        destination_port: Some(connection.port),
        prefix_ranges: vec![CidrRange::host(address.into())],
        ..FilterChainMatch::default()
    };
    chain(output, connection, matching)
}

/// None for a service without a route.
fn chain(
    output: &mut Output<'_>,
    connection: &Exposure<'_>,
    matching: FilterChainMatch,
) -> Option<FilterChain> {
    let route = connection.routes.first()?;
    let service = connection.service.name.as_str();
    let destination = output.clusters.weighted(&route.targets);
    let idle = route.timeout.idle.map(Seconds);
    let filter = filters::tcp_proxy(
        output.placement,
        Direction::Egress,
        Some(service),
        destination,
        idle,
    );
    let name = format!("tcp_{service}_{}", connection.port);
    Some(filters::chain(name, Some(matching), filter))
}

/// The service's name as a host name.
fn host(exposure: &Exposure<'_>) -> String {
    let name = exposure.service.name.as_str();
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// The port that counts is the one of the node: the router's may be any.
fn is_tls(exposure: &Exposure<'_>) -> bool {
    let mut targets = exposure.routes.iter().flat_map(|route| &route.targets);
    targets.any(|target| TLS_PORTS.contains(&target.listener.port))
}
