//! Where a proxy runs, as the compiler sees it: what differs between the
//! places that proxies run in, [`Placement`] and [`TaskPlacement`].

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::{AppPlacement, LocalPorts, Placement, TaskPlacement};

/// The port that the redirection of a task on ECS leads what comes in to.
pub(super) const TASK_INGRESS_PORT: u16 = 15000;
/// The port that it leads the application's connections to.
pub(super) const TASK_EGRESS_PORT: u16 = 15001;
/// The port of the read-only view of the admin interface.
const TASK_READINESS_PORT: u16 = 9901;
/// The admin interface's socket: in a file system that every container has to
/// itself and may write to although its own is read-only.
const TASK_ADMIN: &str = "/dev/shm/colormesh-admin.sock";
/// Where all logs of a container go.
const STDOUT: &str = "/dev/stdout";

/// The surroundings of one proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Surroundings {
    /// At which listeners for others open.
    pub(super) address: Ipv4Addr,
    /// The network namespace of those listeners, and of the nodes inside.
    pub(super) network: Option<PathBuf>,
    /// The application beside the proxy.
    pub(super) app: Option<AppSide>,
    /// The domains of nodes inside.
    pub(super) private_domains: Vec<String>,
    /// Where those are dialled whatever port they have; `None` is their own.
    pub(super) private_port: Option<u16>,
    /// The DNS server of the proxy's own look-ups; `None` is the system's.
    pub(super) resolver: Option<SocketAddr>,
    /// The admin interface's socket.
    pub(super) admin: PathBuf,
    /// Where logs go.
    logs: Logs,
    /// The folder of the watched files; empty where there are none.
    pub(super) xds: PathBuf,
    /// The port of the read-only view of the admin interface.
    pub(super) readiness_port: u16,
}

/// The application's side of a sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AppSide {
    /// The application's network namespace, where it is not the proxy's.
    pub(super) network: Option<PathBuf>,
    /// Its address there.
    pub(super) address: Ipv4Addr,
    /// Where the application's connections arrive.
    pub(super) egress_port: u16,
    /// How services are told apart at which no byte may be looked.
    pub(super) plain: Plain,
    /// Where connections to the application arrive; `None` for each at its own
    /// port.
    pub(super) ingress_port: Option<u16>,
    /// Where the application finds each service, when nothing leads its
    /// connections, nor those to it.
    pub(super) local_ports: Option<LocalPorts>,
    /// Whether services may have chains together.
    pub(super) sharing: Shares,
}

/// How services are told apart at which no byte may be looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    /// By virtual addresses, at a listener of their own on this port.
    ByAddress(u16),
    /// By port: one service has it.
    ByPort,
}

/// Whether services may have chains together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shares {
    /// Each has a chain of its own.
    Nothing,
    /// They may; of each connection is told in this pipe.
    Told(PathBuf),
    /// They may; a change of the services is another proxy.
    Untold,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Logs {
    Folder(PathBuf),
    File(PathBuf),
}

// === impl Surroundings ===

impl Surroundings {
    /// The file of a log.
    pub(super) fn log(&self, name: &str) -> PathBuf {
        match &self.logs {
            Logs::Folder(folder) => folder.join(name),
            Logs::File(file) => file.clone(),
        }
    }

    /// Whether a host name is a node's inside.
    pub(super) fn is_private(&self, host: &str) -> bool {
        is_under(host, &self.private_domains)
    }
}

/// Whether a host name is one of these domains or under one of them.
pub(super) fn is_under(host: &str, domains: &[String]) -> bool {
    let host = host.trim_end_matches('.');
    domains.iter().any(|domain| {
        let domain = domain.trim_matches('.');
        host.strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

impl From<&Placement> for Surroundings {
    fn from(placement: &Placement) -> Self {
        Self {
            address: placement.address,
            network: placement.network.clone(),
            app: placement.app.as_ref().map(AppSide::from),
            private_domains: placement.private_domains.clone(),
            private_port: None,
            resolver: Some(placement.resolver),
            admin: placement.admin.clone(),
            logs: Logs::Folder(placement.logs.clone()),
            xds: placement.xds.clone(),
            readiness_port: placement.readiness_port,
        }
    }
}

impl From<&TaskPlacement> for Surroundings {
    fn from(placement: &TaskPlacement) -> Self {
        let app = AppSide {
            network: None,
            address: Ipv4Addr::LOCALHOST,
            egress_port: TASK_EGRESS_PORT,
            plain: Plain::ByPort,
            ingress_port: Some(TASK_INGRESS_PORT),
            local_ports: placement.local_ports.clone(),
            sharing: if placement.shares_chains {
                Shares::Untold
            } else {
                Shares::Nothing
            },
        };
        Self {
            address: Ipv4Addr::UNSPECIFIED,
            network: None,
            app: Some(app),
            private_domains: placement.private_domains.clone(),
            private_port: placement.local_ports.as_ref().map(|_| TASK_INGRESS_PORT),
            resolver: None,
            admin: TASK_ADMIN.into(),
            logs: Logs::File(STDOUT.into()),
            xds: PathBuf::new(),
            readiness_port: TASK_READINESS_PORT,
        }
    }
}

// === impl AppSide ===

impl From<&AppPlacement> for AppSide {
    fn from(app: &AppPlacement) -> Self {
        Self {
            network: Some(app.network.clone()),
            address: app.address,
            egress_port: app.egress_port,
            plain: Plain::ByAddress(app.plain_egress_port),
            ingress_port: None,
            local_ports: None,
            sharing: app.shared.clone().map_or(Shares::Nothing, Shares::Told),
        }
    }
}

// === impl Shares ===

impl Shares {
    /// The pipe in which connections are told of.
    pub(super) fn pipe(&self) -> Option<&Path> {
        match self {
            Self::Told(pipe) => Some(pipe),
            Self::Nothing | Self::Untold => None,
        }
    }
}
