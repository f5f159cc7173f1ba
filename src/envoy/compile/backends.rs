//! The ports of a node's backends, and which of them are told apart by what.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::exposure::{Exposure, exposures};
use super::{CompileError, Resolvable};
use crate::envoy::addresses;
use crate::envoy::surroundings::Plain;
use crate::mesh::{EgressFilter, Matching, Mesh, Transport, VirtualNode};

/// The ports of a node's backends.
pub(super) struct Backends<'a> {
    /// With requests, by port.
    pub(super) requests: BTreeMap<u16, Vec<Exposure<'a>>>,
    /// With connections.
    pub(super) connections: Vec<Exposure<'a>>,
    /// The virtual address of each host.
    pub(super) addresses: BTreeMap<String, Ipv4Addr>,
    /// Hosts and ports at which nobody may wait for the client's first bytes.
    plain: BTreeSet<(String, u16)>,
}

// === impl Backends ===

impl<'a> Backends<'a> {
    pub(super) fn of(
        mesh: &'a Mesh,
        node: &'a VirtualNode,
        told_apart: Plain,
    ) -> Result<Self, CompileError> {
        let backends = Self::apart(mesh, node)?;
        if mesh.matching == Matching::Port {
            backends.check_ports(|_| true)?;
        } else if told_apart == Plain::ByPort {
            backends.check_ports(is_plain)?;
        }
        Ok(backends)
    }

    /// Without a look at whether a port is enough to tell them apart.
    pub(super) fn apart(mesh: &'a Mesh, node: &'a VirtualNode) -> Result<Self, CompileError> {
        let services: BTreeMap<_, _> = node
            .backends
            .iter()
            .flat_map(|backend| mesh.services_of(backend))
            .map(|service| (&service.name, service))
            .collect();
        let mut backends = Self {
            requests: BTreeMap::new(),
            connections: Vec::new(),
            addresses: BTreeMap::new(),
            plain: BTreeSet::new(),
        };
        let mut taken: BTreeMap<(u16, String), &str> = BTreeMap::new();
        for exposure in services
            .into_values()
            .flat_map(|service| exposures(mesh, service))
        {
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
        let hosts: BTreeSet<String> = taken.into_keys().map(|(_, host)| host).collect();
        backends.addresses = addresses::assign(hosts.iter().map(String::as_str));
        Ok(backends)
    }

    fn add(&mut self, exposure: Exposure<'a>) {
        if exposure.protocol.has_requests() {
            let of_port = self.requests.entry(exposure.port).or_default();
            of_port.push(exposure);
            return;
        }
        if is_plain(&exposure) {
            self.plain.insert((host(&exposure), exposure.port));
        }
        self.connections.push(exposure);
    }

    /// A service that neither name nor address tells apart has its port to
    /// itself.
    fn check_ports(&self, by_port: impl Fn(&Exposure<'_>) -> bool) -> Result<(), CompileError> {
        let mut taken: BTreeMap<u16, (&str, bool)> = BTreeMap::new();
        let requests = self.requests.iter();
        taken.extend(requests.map(|(port, them)| {
            let first = them[0].service.name.as_str();
            (*port, (first, false))
        }));
        for connection in &self.connections {
            let name = connection.service.name.as_str();
            let alone = by_port(connection);
            match taken.insert(connection.port, (name, alone)) {
                Some((one, other_alone)) if alone || other_alone => {
                    return Err(CompileError::PortConflict {
                        port: connection.port,
                        one: one.to_owned(),
                        other: name.to_owned(),
                    });
                }
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    /// The ports of services at whose bytes nobody may look.
    pub(super) fn plain_ports(&self) -> BTreeSet<u16> {
        self.plain.iter().map(|(_, port)| *port).collect()
    }

    /// Where all is allowed, a name keeps its real address if it can, so that
    /// its other ports can be reached too.
    pub(super) fn resolvable(self, egress: EgressFilter) -> Resolvable {
        let mut names = self.addresses;
        let plain = self.plain.iter();
        let plain = plain.map(|(host, port)| (names[host], *port)).collect();
        match egress {
            EgressFilter::DropAll => {}
            EgressFilter::AllowAll => {
                let needed: BTreeSet<&String> = self.plain.iter().map(|(host, _)| host).collect();
                names.retain(|host, _| needed.contains(host));
            }
        }
        Resolvable {
            names,
            plain,
            ..Resolvable::default()
        }
    }
}

/// The service's name as a host name.
pub(super) fn host(exposure: &Exposure<'_>) -> String {
    let name = exposure.service.name.as_str();
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether only the address tells it apart. What counts is the node's port:
/// the router's may be any.
pub(super) fn is_plain(exposure: &Exposure<'_>) -> bool {
    let mut targets = exposure.routes.iter().flat_map(|route| &route.targets);
    !targets.any(|target| target.listener.transport == Transport::Tls)
}
