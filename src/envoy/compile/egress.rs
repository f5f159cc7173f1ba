//! What a node's application may reach: its backends, and nothing else unless
//! the mesh allows all.
//!
//! Two listeners share the work. At the first, TLS connections are told apart
//! by server name and requests by host, on every port. At the second arrive
//! the connections to virtual addresses and ports of services that can only
//! be told apart by address; it looks at no byte, so the server may speak
//! first. Where the mesh matches by port alone, both go by the port.

use std::collections::BTreeSet;

use super::backends::{Backends, host, is_plain};
use super::clusters::Destination;
use super::exposure::Exposure;
use super::filters::{self, Direction};
use super::sharing::Sharing;
use super::{CompileError, Output, Resolvable, routes, tree, wildcard};
use crate::envoy::api::{
    Address, CidrRange, FilterChain, FilterChainMatch, Listener, Seconds, SocketAddress,
};
use crate::envoy::log::ToldApartBy;
use crate::envoy::surroundings::{AppSide, Plain, Shares};
use crate::mesh::{EgressFilter, Matching, VirtualNode};

/// How long a client may say nothing where it should begin: then it is
/// refused and noted.
pub(super) const SILENCE: u64 = 5;

/// Returns what the application may resolve.
pub(super) fn compile(
    output: &mut Output<'_>,
    node: &VirtualNode,
    app: &AppSide,
) -> Result<Resolvable, CompileError> {
    let backends = Backends::of(output.mesh, node, app.plain)?;
    let mut sharing = Sharing::new(app, output.mesh.matching);
    let (mut by_name, by_address) = connections(output, &backends, app.plain, &mut sharing)?;
    for (port, services) in &backends.requests {
        by_name.push(requests(output, node, *port, services)?);
    }
    by_name.extend(own_port(output, app));
    let shared = sharing.into_chains(output);
    if let Some((chains, _)) = &shared {
        by_name.extend(chains.iter().cloned());
    }
    let mut by_name = listener(output, app.egress_port, ToldApartBy::Name, app, by_name);
    if let Some((_, services)) = &shared {
        tree::grow(&mut by_name, services, tree_form(app));
    }
    let unlooked = match app.plain {
        Plain::ByAddress(_) => BTreeSet::new(),
        Plain::ByPort => backends.plain_ports(),
    };
    output.listeners.push(Listener {
        listener_filters: vec![filters::original_dst(), filters::tls_inspector(&unlooked)],
        listener_filters_timeout: Some(Seconds::whole(SILENCE)),
        continue_on_listener_filters_timeout: Some(true),
        ..by_name
    });
    if let Plain::ByAddress(port) = app.plain {
        let by_address = listener(output, port, ToldApartBy::Address, app, by_address);
        output.listeners.push(by_address);
    }
    Ok(Resolvable {
        shared: shared.map(|(_, services)| services).unwrap_or_default(),
        ..backends.resolvable(output.mesh.egress)
    })
}

/// What is watched changes often, what is in a task definition has to be
/// short.
fn tree_form(app: &AppSide) -> tree::Form {
    match app.sharing {
        Shares::Nothing | Shares::Told(_) => tree::Form::Quick,
        Shares::Untold => tree::Form::Short,
    }
}

/// The chains of connections at the first listener and at the second.
fn connections(
    output: &mut Output<'_>,
    backends: &Backends<'_>,
    told_apart: Plain,
    sharing: &mut Sharing<'_>,
) -> Result<(Vec<FilterChain>, Vec<FilterChain>), CompileError> {
    let (mut by_name, mut by_address) = (Vec::new(), Vec::new());
    for connection in &backends.connections {
        let on_port = FilterChainMatch {
            destination_port: Some(connection.port),
            ..FilterChainMatch::default()
        };
        let host = host(connection);
        let plain = is_plain(connection);
        let by_port = plain && told_apart == Plain::ByPort;
        if output.mesh.matching == Matching::Port || by_port {
            let made = chain(output, connection, on_port)?;
            by_address.extend(made.clone().filter(|_| plain));
            by_name.extend(made);
        } else if plain {
            let matching = FilterChainMatch {
                prefix_ranges: vec![CidrRange::host(backends.addresses[&host].into())],
                ..on_port
            };
            by_address.extend(chain(output, connection, matching)?);
        } else if !sharing.takes(output, connection.port, connection) {
            let matching = FilterChainMatch {
                server_names: vec![host],
                transport_protocol: Some("tls"),
                ..on_port
            };
            by_name.extend(chain(output, connection, matching)?);
        }
    }
    Ok((by_name, by_address))
}

/// The chain of requests on a port; its routes go into the output.
fn requests(
    output: &mut Output<'_>,
    node: &VirtualNode,
    port: u16,
    services: &[Exposure<'_>],
) -> Result<FilterChain, CompileError> {
    for service in services {
        wildcard::check_requests(service)?;
    }
    let name = format!("rds_egress_http_{port}");
    let log = node.access_log.as_ref();
    let filter = filters::http(output.placement, Direction::Egress, &name, log);
    let filter = wildcard::resolving(output, filter);
    let matching = FilterChainMatch {
        destination_port: Some(port),
        transport_protocol: match output.mesh.matching {
            Matching::ServerName => Some("raw_buffer"),
            Matching::Port => None,
        },
        ..FilterChainMatch::default()
    };
    let config = routes::egress(output, &name, services);
    output.routes.push(config);
    Ok(filters::chain(
        format!("http_{port}"),
        Some(matching),
        filter,
    ))
}

/// Where all is allowed and the application shares the proxy's network, a
/// connection to the proxy's own port would be led back to it without end.
fn own_port(output: &mut Output<'_>, app: &AppSide) -> Option<FilterChain> {
    let loops = app.network.is_none() && output.mesh.egress == EgressFilter::AllowAll;
    if !loops {
        return None;
    }
    let cluster = output.clusters.drop_all();
    let filter = filters::tcp_refusal(output.placement, cluster, ToldApartBy::Name);
    let matching = FilterChainMatch {
        destination_port: Some(app.egress_port),
        ..FilterChainMatch::default()
    };
    Some(filters::chain(
        "OWN_PORT".to_owned(),
        Some(matching),
        filter,
    ))
}

fn listener(
    output: &mut Output<'_>,
    port: u16,
    told_apart_by: ToldApartBy,
    app: &AppSide,
    filter_chains: Vec<FilterChain>,
) -> Listener {
    let address = SocketAddress::new("0.0.0.0", port).within(app.network.as_deref());
    let placement = output.placement;
    let (name, filter) = match output.mesh.egress {
        EgressFilter::DropAll => {
            let cluster = output.clusters.drop_all();
            (
                "DROP_ALL",
                filters::tcp_refusal(placement, cluster, told_apart_by),
            )
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
        additional_addresses: Vec::new(),
        traffic_direction: "OUTBOUND",
        stat_prefix: Some(format!("0.0.0.0_{port}")),
        listener_filters: vec![filters::original_dst()],
        listener_filters_timeout: None,
        continue_on_listener_filters_timeout: None,
        filter_chains,
        filter_chain_matcher: None,
        default_filter_chain: Some(filters::chain(name.to_owned(), None, filter)),
    }
}

/// None for a service without a route.
pub(super) fn chain(
    output: &mut Output<'_>,
    connection: &Exposure<'_>,
    matching: FilterChainMatch,
) -> Result<Option<FilterChain>, CompileError> {
    let Some(route) = connection.routes.first() else {
        return Ok(None);
    };
    let service = connection.service.name.as_str();
    let before = wildcard::by_server_name(output, connection, route)?;
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
    let mut chain = filters::chain(name, Some(matching), filter);
    chain.filters.splice(0..0, before);
    Ok(Some(chain))
}
