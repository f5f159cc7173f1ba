//! Mesh and placement in, [`Configuration`] out.
//!
//! One file for each part of a proxy: [`ingress`] (what comes to a node),
//! [`egress`] (what its application may reach), [`gateway`], and the pieces
//! that they share.

mod backends;
mod clusters;
mod egress;
mod exposure;
mod filters;
mod gateway;
mod gateway_routes;
mod ingress;
mod local;
mod readiness;
mod retry;
mod routes;
mod sharing;
mod tree;
mod wildcard;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use thiserror::Error;

use super::api::{Cluster, ExplicitHttpConfig, Listener, RouteConfiguration};
use super::configuration::Parts;
use super::shared::Shared;
use super::surroundings::Surroundings;
use super::{Configuration, Placement, TaskPlacement};
use crate::mesh::{Mesh, MeshName, Protocol, ProxyId};

use clusters::Clusters;

/// Why a proxy cannot be configured.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CompileError {
    /// The mesh has no such node or gateway.
    #[error("mesh `{mesh}` has no {proxy}")]
    UnknownProxy {
        /// The mesh.
        mesh: MeshName,
        /// Who was asked for.
        proxy: ProxyId,
    },
    /// A node's proxy was placed without its application.
    #[error("{0} needs an application beside it")]
    NoApplication(ProxyId),
    /// By port alone, a port can lead to one service only.
    #[error(
        "port {port} leads to `{one}` and to `{other}`, and nothing tells their connections apart: give one of them another port with a virtual router"
    )]
    PortConflict {
        /// The port.
        port: u16,
        /// One service.
        one: String,
        /// The other.
        other: String,
    },
    /// Only the client can say which of the names it wants, and here it does
    /// not.
    #[error("`{service}` on port {port}: {reason}")]
    Wildcard {
        /// The service.
        service: String,
        /// The port.
        port: u16,
        /// Why not.
        reason: &'static str,
    },
    /// An application that is to find it on loopback has no port for it.
    #[error("`{service}` on port {port} has no port on loopback")]
    NoLocalPort {
        /// The service.
        service: String,
        /// The port.
        port: u16,
    },
    /// Two services would take the same connections.
    #[error("`{one}` and `{other}` are the same host on port {port}")]
    SameHost {
        /// The port.
        port: u16,
        /// One service.
        one: String,
        /// The other.
        other: String,
    },
    /// Two listeners of a node, gateway or router have the same port.
    #[error("{owner} has two listeners on port {port}")]
    SamePort {
        /// Whose.
        owner: String,
        /// The port.
        port: u16,
    },
    /// A gateway's route and a router's route cannot be made into one.
    #[error(
        "gateway route `{gateway_route}` rewrites the path, which route `{route}` then matches by an expression: match by prefix or exact path"
    )]
    Unflattenable {
        /// The gateway's.
        gateway_route: String,
        /// The router's.
        route: String,
    },
}

/// Makes the configuration of one proxy of a mesh.
pub fn compile(
    mesh: &Mesh,
    proxy: &ProxyId,
    placement: &Placement,
) -> Result<Configuration, CompileError> {
    compile_in(mesh, proxy, &placement.into())
}

/// Makes the configuration of one proxy of a mesh for a task on ECS, as
/// [`Configuration::whole`].
pub fn compile_task(
    mesh: &Mesh,
    proxy: &ProxyId,
    placement: &TaskPlacement,
) -> Result<Configuration, CompileError> {
    compile_in(mesh, proxy, &placement.into())
}

fn compile_in(
    mesh: &Mesh,
    proxy: &ProxyId,
    placement: &Surroundings,
) -> Result<Configuration, CompileError> {
    let unknown = || CompileError::UnknownProxy {
        mesh: mesh.name.clone(),
        proxy: proxy.clone(),
    };
    let mut output = Output::new(mesh, placement);
    let resolvable = match proxy {
        ProxyId::VirtualNode(name) => {
            let node = mesh.nodes.get(name).ok_or_else(unknown)?;
            let no_app = || CompileError::NoApplication(proxy.clone());
            let app = placement.app.as_ref().ok_or_else(no_app)?;
            ingress::compile(&mut output, node, app)?;
            match &app.local_ports {
                None => egress::compile(&mut output, node, app)?,
                Some(ports) => local::compile(&mut output, node, app, ports)?,
            }
        }
        ProxyId::VirtualGateway(name) => {
            let gateway = mesh.gateways.get(name).ok_or_else(unknown)?;
            gateway::compile(&mut output, gateway)?;
            Resolvable::default()
        }
    };
    Ok(Configuration::new(Parts {
        bootstrap: readiness::bootstrap(mesh, proxy, placement),
        listeners: output.listeners,
        clusters: output.clusters.into_vec(),
        routes: output.routes,
        names: resolvable.names,
        plain: resolvable.plain,
        shared: resolvable.shared,
    }))
}

/// What the application's surroundings have to know.
#[derive(Default)]
struct Resolvable {
    /// The names that the application may resolve.
    names: BTreeMap<String, Ipv4Addr>,
    /// What is told apart by address alone.
    plain: BTreeSet<(Ipv4Addr, u16)>,
    /// The services that have chains together.
    shared: Shared,
}

/// What has been made so far.
struct Output<'a> {
    mesh: &'a Mesh,
    placement: &'a Surroundings,
    listeners: Vec<Listener>,
    clusters: Clusters<'a>,
    routes: Vec<RouteConfiguration>,
}

impl<'a> Output<'a> {
    fn new(mesh: &'a Mesh, placement: &'a Surroundings) -> Self {
        Self {
            mesh,
            placement,
            listeners: Vec::new(),
            clusters: Clusters::new(mesh, placement),
            routes: Vec::new(),
        }
    }
}

/// Refuses a port that comes twice.
fn distinct_ports(owner: &str, ports: impl IntoIterator<Item = u16>) -> Result<(), CompileError> {
    let mut seen = std::collections::BTreeSet::new();
    for port in ports {
        if !seen.insert(port) {
            let owner = owner.to_owned();
            return Err(CompileError::SamePort { owner, port });
        }
    }
    Ok(())
}

/// Makes a cluster speak what its endpoints do.
fn speak(cluster: &mut Cluster, protocol: Protocol) {
    use super::api::{Empty, HttpProtocolOptions, Typed};
    match protocol {
        Protocol::Http | Protocol::Tcp => {}
        Protocol::Http2 | Protocol::Grpc => {
            let explicit_http_config = ExplicitHttpConfig::Http2ProtocolOptions(Empty {});
            let options = HttpProtocolOptions {
                explicit_http_config,
            };
            cluster.typed_extension_protocol_options.insert(
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                Typed::HttpProtocolOptions(options),
            );
        }
    }
}
