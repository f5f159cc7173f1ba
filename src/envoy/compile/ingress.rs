//! What comes to a node, to the application: one listener for each port, or
//! one for all where they are redirected to it.

use super::clusters::Destination;
use super::filters::{self, Direction};
use super::{CompileError, Output, distinct_ports, routes};
use crate::envoy::api::{
    Address, Extension, FilterChain, FilterChainMatch, Listener, Seconds, SocketAddress,
};
use crate::envoy::surroundings::AppSide;
use crate::mesh::{NodeListener, VirtualNode};

pub(super) fn compile(
    output: &mut Output<'_>,
    node: &VirtualNode,
    app: &AppSide,
) -> Result<(), CompileError> {
    let owner = format!("virtual node `{}`", node.name);
    let at = |listener: &NodeListener| match (&app.local_ports, app.ingress_port) {
        (Some(_), Some(port)) => port,
        (None, _) | (_, None) => listener.port,
    };
    distinct_ports(&owner, node.listeners.iter().map(at))?;
    let mut chains = Vec::new();
    // Where there is one alone, nothing else can be meant: a gateway that was
    // told to dial the port itself is served, too, until it is replaced.
    let is_alone = node.listeners.len() == 1;
    for listener in &node.listeners {
        let filter = to_application(output, node, listener, app);
        if app.ingress_port.is_some() && app.local_ports.is_none() {
            chains.push(from_port(listener.port, is_alone, filter));
        } else {
            let made = inbound(output, at(listener), filter);
            output.listeners.push(made);
        }
    }
    if let Some(port) = app.ingress_port.filter(|_| !chains.is_empty()) {
        output.listeners.push(Listener {
            listener_filters: vec![filters::original_dst()],
            ..listening(output, port, chains)
        });
    }
    Ok(())
}

/// The chain of what was redirected from a port, or of all that comes.
fn from_port(port: u16, is_alone: bool, filter: Extension) -> FilterChain {
    let matching = FilterChainMatch {
        destination_port: Some(port),
        ..FilterChainMatch::default()
    };
    let matching = (!is_alone).then_some(matching);
    filters::chain(format!("ingress_{port}"), matching, filter)
}

fn to_application(
    output: &mut Output<'_>,
    node: &VirtualNode,
    listener: &NodeListener,
    app: &AppSide,
) -> Extension {
    let place = (app.network.as_deref(), app.address);
    let cluster = output.clusters.application(node, listener, place);
    let placement = output.placement;
    if listener.protocol.has_requests() {
        let name = format!("rds_ingress_http_{}", listener.port);
        let filter = filters::http(
            placement,
            Direction::Ingress,
            &name,
            node.access_log.as_ref(),
        );
        output
            .routes
            .push(routes::catch_all(&name, cluster, listener.timeout));
        filter
    } else {
        let idle = listener.timeout.idle.map(Seconds);
        let to = Destination::One(cluster);
        filters::tcp_proxy(placement, Direction::Ingress, None, to, idle)
    }
}

/// A listener for others, at the task's address. Its name keeps the address
/// that App Mesh's had, so that it is the same for all tasks.
pub(super) fn inbound(output: &Output<'_>, port: u16, filter: Extension) -> Listener {
    let chain = filters::chain(format!("ingress_{port}"), None, filter);
    listening(output, port, vec![chain])
}

fn listening(output: &Output<'_>, port: u16, filter_chains: Vec<FilterChain>) -> Listener {
    let placement = output.placement;
    let address = SocketAddress::new(placement.address.to_string(), port)
        .within(placement.network.as_deref());
    Listener {
        name: format!("lds_ingress_0.0.0.0_{port}"),
        address: Address::SocketAddress(address),
        additional_addresses: Vec::new(),
        traffic_direction: "INBOUND",
        stat_prefix: Some(format!("0.0.0.0_{port}")),
        listener_filters: Vec::new(),
        listener_filters_timeout: None,
        continue_on_listener_filters_timeout: None,
        filter_chains,
        filter_chain_matcher: None,
        default_filter_chain: None,
    }
}
