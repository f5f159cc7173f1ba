//! Services that need neither a chain nor a cluster of their own.
//!
//! With thousands of services, thousands of chains and clusters are what
//! Envoy's start, memory and updates cost. A TLS service that is one host of
//! its own name needs none: the chain resolves the server name, and all that
//! differs from service to service is whether the tree of
//! [`tree`](super::tree) leads its name to the chain.

use std::collections::BTreeMap;

use super::Output;
use super::backends::{host, is_plain};
use super::clusters::Destination;
use super::exposure::Exposure;
use super::filters;
use crate::envoy::api::{Extension, FilterChain, SniDynamicForwardProxy, Typed};
use crate::envoy::shared::Shared;
use crate::envoy::surroundings::{AppSide, Shares};
use crate::mesh::{DnsResponse, IpPreference, Matching};

/// The services that share chains, and what they share.
pub(super) struct Sharing<'a> {
    /// Whether any do.
    shares: &'a Shares,
    services: Shared,
    chains: BTreeMap<String, Common>,
}

/// What the services of a chain have in common.
#[derive(Clone, Copy)]
struct Common {
    port: u16,
    /// The port of the hosts.
    host_port: u16,
    addresses: Option<IpPreference>,
}

// === impl Sharing ===

impl<'a> Sharing<'a> {
    pub(super) fn new(app: &'a AppSide, matching: Matching) -> Self {
        let shares = match matching {
            Matching::ServerName => &app.sharing,
            Matching::Port => &Shares::Nothing,
        };
        Self {
            shares,
            services: Shared::new(),
            chains: BTreeMap::new(),
        }
    }

    /// Takes in a service that arrives at a port; false when it needs a chain of
    /// its own.
    pub(super) fn takes(
        &mut self,
        output: &Output<'_>,
        at: u16,
        connection: &Exposure<'_>,
    ) -> bool {
        if *self.shares == Shares::Nothing {
            return false;
        }
        let Some(common) = common(output, connection) else {
            return false;
        };
        let name = common.chain();
        let service = (at, host(connection));
        self.services.insert(service, name.clone());
        self.chains.insert(name, common);
        true
    }

    /// The chains, and which services lead to each; none when nothing is
    /// shared.
    pub(super) fn into_chains(self, output: &mut Output<'_>) -> Option<(Vec<FilterChain>, Shared)> {
        if *self.shares == Shares::Nothing {
            return None;
        }
        let shares = self.shares;
        let chain = |(name, common): (String, Common)| {
            let (cluster, names) = output.clusters.shared(common.addresses);
            let resolve = SniDynamicForwardProxy {
                dns_cache_config: names,
                port_value: common.host_port,
            };
            let to = Destination::One(cluster);
            let proxy = filters::shared_tcp_proxy(output.placement, shares, to);
            let mut chain = filters::chain(name, None, proxy);
            let resolve = Extension {
                name: "envoy.filters.network.sni_dynamic_forward_proxy",
                typed_config: Typed::SniDynamicForwardProxy(resolve),
            };
            chain.filters.insert(0, resolve);
            chain
        };
        let chains = self.chains.into_iter().map(chain).collect();
        Some((chains, self.services))
    }
}

// === impl Common ===

impl Common {
    fn chain(self) -> String {
        let Self {
            port,
            host_port,
            addresses,
        } = self;
        let addresses = match addresses {
            None => "any",
            Some(IpPreference::V4Only) => "v4",
            Some(IpPreference::V6Only) => "v6",
            Some(IpPreference::V4Preferred) => "v4-first",
            Some(IpPreference::V6Preferred) => "v6-first",
        };
        format!("shared_{port}_to_{host_port}_{addresses}")
    }
}

/// None for a service that differs in more than its name from others.
fn common(output: &Output<'_>, connection: &Exposure<'_>) -> Option<Common> {
    let [route] = connection.routes.as_slice() else {
        return None;
    };
    let [target] = route.targets.as_slice() else {
        return None;
    };
    let (node, listener) = (target.node, target.listener);
    let discovery = node.discovery.as_ref()?;
    let hostname = discovery.hostname.trim_end_matches('.');
    let is_itself = hostname.eq_ignore_ascii_case(&host(connection));
    let is_outside = !discovery.is_wildcard() && !output.placement.is_private(hostname);
    let has_extras = listener.health_check.is_some()
        || listener.outlier_detection.is_some()
        || route.timeout.idle.is_some();
    let shares = !is_plain(connection)
        && is_itself
        && is_outside
        && discovery.response == DnsResponse::LoadBalancer
        && !has_extras;
    shares.then_some(Common {
        port: connection.port,
        host_port: listener.port,
        addresses: discovery.ip_preference.or(output.mesh.ip_preference),
    })
}
