//! Where a proxy runs: all that the mesh does not say.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

/// The surroundings of one proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The task's address, at which listeners for others open.
    pub address: Ipv4Addr,
    /// The network namespace in which those listeners open and from which
    /// nodes inside are dialled; `None` is the proxy's own.
    pub network: Option<PathBuf>,
    /// The application beside the proxy; a gateway has none.
    pub app: Option<AppPlacement>,
    /// The domains of nodes inside, such as `default.svc.cluster.local`: a
    /// node whose host name is one of these or under it is dialled in
    /// `network`, every other one from the proxy's own namespace.
    pub private_domains: Vec<String>,
    /// The DNS server of the proxy's own look-ups.
    pub resolver: SocketAddr,
    /// The unix socket of Envoy's admin interface, made with mode 0600.
    pub admin: PathBuf,
    /// The folder of `access.log` and `denied.log`.
    pub logs: PathBuf,
    /// The folder of `bootstrap.json` and of `lds/`, `cds/` and `rds/`.
    pub xds: PathBuf,
    /// The port of the read-only view of the admin interface: GET `/ready`,
    /// `/server_info`, `/stats` and `/clusters`.
    pub readiness_port: u16,
}

/// The application's side of a sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppPlacement {
    /// The application's network namespace.
    pub network: PathBuf,
    /// Its address there.
    pub address: Ipv4Addr,
    /// Where the application's connections are redirected to: 15001.
    pub egress_port: u16,
    /// Where those are redirected to whose destination is one of
    /// [`Configuration::plain`](super::Configuration::plain): 15002.
    ///
    /// These connections are to services that are told apart by address
    /// alone. They need a listener of their own because the one at
    /// `egress_port` waits for the client's first bytes to find a TLS server
    /// name, and with some protocols the server speaks first. Which ports it
    /// does not wait on could be listed there, but any change to that list
    /// would make Envoy drop all connections.
    pub plain_egress_port: u16,
    /// The pipe in which Envoy is to tell of connections over chains that
    /// services share (see [`Told`](super::Told)); without one, each service
    /// has a chain and a cluster of its own.
    ///
    /// Chains of their own cost time and memory with thousands of services;
    /// shared ones need somebody who cuts the connections of a service that
    /// goes.
    pub shared: Option<PathBuf>,
}

/// The surroundings of a proxy in a task on ECS, whose configuration is one
/// file that does not change while it runs.
///
/// What a task's redirection does is fixed by ECS: what comes to the
/// application's ports arrives at 15000, what the application connects to at
/// 15001, and the names that it looks up are not ours to answer. Logs go to
/// the container's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskPlacement {
    /// The domains of nodes inside, such as `default.svc.cluster.local`.
    pub private_domains: Vec<String>,
    /// Whether services that differ in their name alone may have a chain and
    /// a cluster together, which is short, rather than one each, which has
    /// Envoy's own statistics of each.
    pub shares_chains: bool,
    /// The ports on loopback at which the application calls its services,
    /// where the task redirects nothing; then what comes in arrives at 15000
    /// because the others dial that.
    pub local_ports: Option<LocalPorts>,
}

/// The port on loopback of each service, by its host and the port that it is
/// called at elsewhere.
pub type LocalPorts = BTreeMap<(String, u16), u16>;
