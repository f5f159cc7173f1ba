//! What comes to a node: one listener for each port, to the application.

use super::clusters::Destination;
use super::filters::{self, Direction};
use super::{CompileError, Output, distinct_ports, routes};
use crate::envoy::AppPlacement;
use crate::envoy::api::{Address, Listener, Seconds, SocketAddress};
use crate::mesh::{NodeListener, VirtualNode};

pub(super) fn compile(
    output: &mut Output<'_>,
    node: &VirtualNode,
    app: &AppPlacement,
) -> Result<(), CompileError> {
    let owner = format!("virtual node `{}`", node.name);
    distinct_ports(&owner, node.listeners.iter().map(|listener| listener.port))?;
    for listener in &node.listeners {
        let made = compile_listener(output, node, listener, app);
        output.listeners.push(made);
    }
    Ok(())
}

fn compile_listener(
    output: &mut Output<'_>,
    node: &VirtualNode,
    listener: &NodeListener,
    app: &AppPlacement,
) -> Listener {
    let place = (app.network.as_path(), app.address);
    let cluster = output.clusters.application(node, listener, place);
    let placement = output.placement;
    let filter = if listener.protocol.has_requests() {
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
    };
    inbound(output, listener.port, filter)
}

/// A listener for others, at the task's address. Its name keeps the address
/// that App Mesh's had, so that it is the same for all tasks.
pub(super) fn inbound(
    output: &Output<'_>,
    port: u16,
    filter: crate::envoy::api::Extension,
) -> Listener {
    let placement = output.placement;
    let address = SocketAddress::new(placement.address.to_string(), port)
        .within(placement.network.as_deref());
    Listener {
        name: format!("lds_ingress_0.0.0.0_{port}"),
        address: Address::SocketAddress(address),
        traffic_direction: "INBOUND",
        stat_prefix: Some(format!("0.0.0.0_{port}")),
        listener_filters: Vec::new(),
        listener_filters_timeout: None,
        continue_on_listener_filters_timeout: None,
        filter_chains: vec![filters::chain(format!("ingress_{port}"), None, filter)],
        filter_chain_matcher: None,
        default_filter_chain: None,
    }
}
