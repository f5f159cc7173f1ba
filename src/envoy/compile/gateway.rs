//! Virtual gateways: from the outside straight to the nodes.
//!
//! App Mesh sent each request through the gateway's own egress listener a
//! second time. Here a gateway route and the service's routes become one.

use super::filters::{self, Direction};
use super::{CompileError, Output, distinct_ports, gateway_routes, ingress};
use crate::mesh::VirtualGateway;

pub(super) fn compile(
    output: &mut Output<'_>,
    gateway: &VirtualGateway,
) -> Result<(), CompileError> {
    let owner = format!("virtual gateway `{}`", gateway.name);
    distinct_ports(
        &owner,
        gateway.listeners.iter().map(|listener| listener.port),
    )?;
    let pool = gateway
        .listeners
        .iter()
        .find_map(|listener| listener.connection_pool);
    output.clusters.limit(pool);
    for listener in &gateway.listeners {
        let name = format!("rds_ingress_http_{}", listener.port);
        let log = gateway.access_log.as_ref();
        let filter = filters::http(output.placement, Direction::Ingress, &name, log);
        let made = ingress::inbound(output, listener.port, filter);
        output.listeners.push(made);
        let config = gateway_routes::compile(output, gateway, listener, &name)?;
        output.routes.push(config);
    }
    Ok(())
}
