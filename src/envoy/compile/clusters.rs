//! Clusters: how each node is found and dialled.

use std::{collections::BTreeMap, path::Path};

use super::exposure::Target;
use super::speak;
use crate::envoy::api::{
    Address, BindConfig, CaresDnsResolverConfig, CircuitBreakers, Cluster, ClusterWeight,
    CommonLbConfig, DnsCacheConfig, DnsCluster, DnsResolverOptions, DynamicForwardCluster, Empty,
    Extension, HappyEyeballsConfig, HealthCheck, HttpHealthCheck, Int64Range, LoadAssignment,
    OutlierDetection, Percent, RefreshRate, Seconds, SocketAddress, Thresholds, Typed,
    UpstreamConnectionOptions, WeightedClusters,
};
use crate::envoy::surroundings::Surroundings;
use crate::mesh::{
    self, ConnectionPool, DnsResponse, IpPreference, Mesh, NodeListener, Protocol,
    ServiceDiscovery, VirtualNode,
};

/// As App Mesh has it: no limit but those that the mesh sets.
const UNLIMITED: u32 = i32::MAX as u32;

/// The clusters made so far, each once.
pub(super) struct Clusters<'a> {
    mesh: &'a Mesh,
    placement: &'a Surroundings,
    made: BTreeMap<String, Cluster>,
    /// The limits of a gateway, which stand on what it calls.
    pool: Option<ConnectionPool>,
}

// === impl Clusters ===

impl<'a> Clusters<'a> {
    pub(super) fn new(mesh: &'a Mesh, placement: &'a Surroundings) -> Self {
        Self {
            mesh,
            placement,
            made: BTreeMap::new(),
            pool: None,
        }
    }

    pub(super) fn limit(&mut self, pool: Option<ConnectionPool>) {
        self.pool = pool;
    }

    pub(super) fn into_vec(self) -> Vec<Cluster> {
        self.made.into_values().collect()
    }

    fn insert(&mut self, cluster: Cluster) -> String {
        let name = cluster.name.clone();
        self.made.insert(name.clone(), cluster);
        name
    }

    /// The cluster of a node's listener, as its clients see it.
    pub(super) fn egress(&mut self, node: &VirtualNode, listener: &NodeListener) -> String {
        let (mesh, protocol, port) = (&self.mesh.name, listener.protocol.as_str(), listener.port);
        let name = format!("cds_egress_{mesh}_{}_{protocol}_{port}", node.name);
        if self.made.contains_key(&name) {
            return name;
        }
        let mut cluster = bare(&name, 1000, self.pool);
        match &node.discovery {
            Some(discovery) if discovery.is_wildcard() => {
                let names = self.names_of(node, listener);
                return self.forward(cluster, listener, names);
            }
            Some(discovery) => self.discover(&mut cluster, discovery, listener.port),
            None => cluster.r#type = Some("STATIC"),
        }
        if let (Some(check), Some(discovery)) = (&listener.health_check, &node.discovery) {
            let host = format!("{}:{}", discovery.hostname, listener.port);
            cluster.health_checks = vec![health_check(check, host)];
            // Else requests go to unhealthy endpoints when most are.
            cluster.common_lb_config = Some(CommonLbConfig {
                healthy_panic_threshold: Percent { value: 0 },
            });
            cluster.ignore_health_on_host_removal = Some(true);
        }
        cluster.outlier_detection = listener.outlier_detection.map(outlier_detection);
        speak(&mut cluster, listener.protocol);
        self.insert(cluster)
    }

    /// A cluster that has each name for an endpoint that is asked for.
    fn forward(
        &mut self,
        mut cluster: Cluster,
        listener: &NodeListener,
        dns_cache_config: DnsCacheConfig,
    ) -> String {
        cluster.lb_policy = Some("CLUSTER_PROVIDED");
        cluster.cluster_type = Some(Extension {
            name: "envoy.clusters.dynamic_forward_proxy",
            typed_config: Typed::DynamicForwardCluster(DynamicForwardCluster { dns_cache_config }),
        });
        speak(&mut cluster, listener.protocol);
        self.insert(cluster)
    }

    /// The names that clients of a node of many names have asked for.
    pub(super) fn names_of(&self, node: &VirtualNode, listener: &NodeListener) -> DnsCacheConfig {
        if listener.protocol.has_requests() {
            return self.names_of_requests();
        }
        let preference = node.discovery.as_ref().and_then(|it| it.ip_preference);
        let name = format!("{}_{}", node.name, listener.port);
        self.names_asked_for(name, preference.or(self.mesh.ip_preference))
    }

    /// Those of all requests: the filter that resolves them serves all nodes
    /// of a port alike, so it cannot heed what one of them prefers.
    pub(super) fn names_of_requests(&self) -> DnsCacheConfig {
        let preference = self.mesh.ip_preference.or(Some(IpPreference::V4Only));
        self.names_asked_for("requests".to_owned(), preference)
    }

    /// The cluster of all services that are one host of their own name, and
    /// the names that were asked for.
    pub(super) fn shared(&mut self, preference: Option<IpPreference>) -> (String, DnsCacheConfig) {
        let name = format!(
            "cds_egress_{}_shared_{}",
            self.mesh.name,
            lookup_family(preference)
        );
        let names = DnsCacheConfig {
            // Only modelled names come here, and all of them may.
            max_hosts: Some(UNLIMITED),
            ..self.names_asked_for(name.clone(), preference)
        };
        let mut cluster = bare(&name, 1000, None);
        cluster.lb_policy = Some("CLUSTER_PROVIDED");
        cluster.cluster_type = Some(Extension {
            name: "envoy.clusters.dynamic_forward_proxy",
            typed_config: Typed::DynamicForwardCluster(DynamicForwardCluster {
                dns_cache_config: names.clone(),
            }),
        });
        (self.insert(cluster), names)
    }

    fn names_asked_for(&self, name: String, preference: Option<IpPreference>) -> DnsCacheConfig {
        DnsCacheConfig {
            name,
            max_hosts: None,
            dns_lookup_family: lookup_family(preference),
            dns_refresh_rate: Seconds::whole(30),
            dns_failure_refresh_rate: failure_refresh_rate(false),
            typed_dns_resolver_config: Box::new(self.resolver()),
        }
    }

    /// The clusters of some targets, by share.
    pub(super) fn weighted(&mut self, targets: &[Target<'_>]) -> Destination {
        if let [only] = targets {
            return Destination::One(self.egress(only.node, only.listener));
        }
        let mut clusters = Vec::new();
        for target in targets {
            clusters.push(ClusterWeight {
                name: self.egress(target.node, target.listener),
                weight: target.weight,
            });
        }
        Destination::Shares(WeightedClusters { clusters })
    }

    /// The application beside the proxy.
    pub(super) fn application(
        &mut self,
        node: &VirtualNode,
        listener: &NodeListener,
        (network, address): (Option<&Path>, std::net::Ipv4Addr),
    ) -> String {
        let (mesh, protocol, port) = (&self.mesh.name, listener.protocol.as_str(), listener.port);
        let name = format!("cds_ingress_{mesh}_{}_{protocol}_{port}", node.name);
        let mut cluster = bare(&name, 250, listener.connection_pool);
        let address = SocketAddress::new(address.to_string(), port);
        cluster.r#type = Some("STATIC");
        cluster.load_assignment = Some(LoadAssignment::single(
            &name,
            Address::SocketAddress(address),
        ));
        cluster.upstream_bind_config = network.map(from_network);
        speak(&mut cluster, listener.protocol);
        self.insert(cluster)
    }

    /// Passes connections on to where they meant to go.
    pub(super) fn allow_all(&mut self) -> String {
        let name = format!("cds_egress_{}_mesh-allow-all", self.mesh.name);
        let mut cluster = bare(&name, 1000, None);
        cluster.r#type = Some("ORIGINAL_DST");
        cluster.lb_policy = Some("CLUSTER_PROVIDED");
        self.insert(cluster)
    }

    /// Has no endpoint, so that a connection to it is refused at once.
    pub(super) fn drop_all(&mut self) -> String {
        let name = format!("cds_egress_{}_drop-all", self.mesh.name);
        let mut cluster = bare(&name, 1000, None);
        cluster.r#type = Some("STATIC");
        self.insert(cluster)
    }

    fn discover(&self, cluster: &mut Cluster, discovery: &ServiceDiscovery, port: u16) {
        let private = self.placement.is_private(&discovery.hostname);
        let network = self.placement.network.as_ref().filter(|_| private);
        let elsewhere = self.placement.private_port.filter(|_| private);
        let port = elsewhere.unwrap_or(port);
        let address = SocketAddress::new(discovery.hostname.as_str(), port);
        let preference = discovery.ip_preference.or(self.mesh.ip_preference);
        cluster.load_assignment = Some(LoadAssignment::single(
            &cluster.name,
            Address::SocketAddress(address),
        ));
        // Whoever takes requests has to have somewhere to send them; a name
        // inside is answered, or found missing, in seconds. One outside that
        // nobody answers for must not hold up the whole proxy.
        cluster.wait_for_warm_on_init = Some(private);
        let either = discovery.response == DnsResponse::LoadBalancer;
        let family = match (private, first_tried(preference).filter(|_| either)) {
            // Tasks have addresses of one kind.
            (true, _) => "V4_ONLY",
            // What one kind of address does not reach, the other may.
            (false, Some(first)) => {
                cluster.upstream_connection_options = Some(UpstreamConnectionOptions {
                    happy_eyeballs_config: HappyEyeballsConfig {
                        first_address_family_version: first,
                    },
                });
                "ALL"
            }
            (false, None) => lookup_family(preference),
        };
        cluster.cluster_type = Some(Extension {
            name: "envoy.clusters.dns",
            typed_config: Typed::DnsCluster(DnsCluster {
                dns_refresh_rate: Seconds::whole(30),
                dns_failure_refresh_rate: failure_refresh_rate(private),
                respect_dns_ttl: true,
                dns_lookup_family: family,
                all_addresses_in_single_endpoint: discovery.response == DnsResponse::LoadBalancer,
                typed_dns_resolver_config: Box::new(self.resolver()),
            }),
        });
        if let Some(network) = network {
            cluster.upstream_bind_config = Some(from_network(network));
        }
    }

    fn resolver(&self) -> Extension {
        Extension {
            name: "envoy.network.dns_resolver.cares",
            typed_config: Typed::Cares(CaresDnsResolverConfig {
                resolvers: self
                    .placement
                    .resolver
                    .map(Into::into)
                    .map(Address::SocketAddress)
                    .into_iter()
                    .collect(),
                query_timeout_seconds: 1,
                query_tries: 2,
                dns_resolver_options: DnsResolverOptions {
                    no_default_search_domain: true,
                },
            }),
        }
    }
}

/// Where a route or chain leads.
pub(super) enum Destination {
    /// One cluster.
    One(String),
    /// Several, by share.
    Shares(WeightedClusters),
}

impl Destination {
    /// As the two fields that exclude each other.
    pub(super) fn into_fields(self) -> (Option<String>, Option<WeightedClusters>) {
        match self {
            Self::One(cluster) => (Some(cluster), None),
            Self::Shares(clusters) => (None, Some(clusters)),
        }
    }
}

fn bare(name: &str, connect_millis: u64, pool: Option<ConnectionPool>) -> Cluster {
    Cluster {
        name: name.to_owned(),
        connect_timeout: Some(Seconds::millis(connect_millis)),
        circuit_breakers: Some(CircuitBreakers {
            thresholds: vec![thresholds(pool)],
        }),
        ..Cluster::default()
    }
}

fn from_network(network: &Path) -> BindConfig {
    BindConfig {
        source_address: SocketAddress::new("0.0.0.0", 0).within(Some(network)),
    }
}

fn thresholds(pool: Option<ConnectionPool>) -> Thresholds {
    let mut thresholds = Thresholds {
        max_connections: UNLIMITED,
        max_pending_requests: UNLIMITED,
        max_requests: UNLIMITED,
        max_retries: UNLIMITED,
    };
    match pool {
        None => {}
        Some(ConnectionPool::Http {
            max_connections,
            max_pending_requests,
        }) => {
            thresholds.max_connections = max_connections;
            thresholds.max_pending_requests = max_pending_requests.unwrap_or(UNLIMITED);
        }
        Some(ConnectionPool::Requests { max_requests }) => thresholds.max_requests = max_requests,
        Some(ConnectionPool::Tcp { max_connections }) => {
            thresholds.max_connections = max_connections;
        }
    }
    thresholds
}

/// Names inside come and go with their tasks and are answered here; names
/// outside are somebody else's to answer.
fn failure_refresh_rate(private: bool) -> RefreshRate {
    let (base, max) = if private { (250, 1000) } else { (2000, 10_000) };
    RefreshRate {
        base_interval: Seconds::millis(base),
        max_interval: Seconds::millis(max),
    }
}

fn lookup_family(preference: Option<IpPreference>) -> &'static str {
    match preference {
        None | Some(IpPreference::V6Preferred) => "AUTO",
        Some(IpPreference::V4Preferred) => "V4_PREFERRED",
        Some(IpPreference::V4Only) => "V4_ONLY",
        Some(IpPreference::V6Only) => "V6_ONLY",
    }
}

/// The kind of address that is tried first where both will do.
fn first_tried(preference: Option<IpPreference>) -> Option<&'static str> {
    match preference {
        None | Some(IpPreference::V6Preferred) => Some("V6"),
        Some(IpPreference::V4Preferred) => Some("V4"),
        Some(IpPreference::V4Only | IpPreference::V6Only) => None,
    }
}

fn health_check(check: &mesh::HealthCheck, host: String) -> HealthCheck {
    let interval = Seconds(check.interval);
    let mut output = HealthCheck {
        timeout: Seconds(check.timeout),
        interval,
        no_traffic_interval: interval,
        // Only how soon a recovery is seen: a task that starts is used after
        // as many successes as the mesh says, but a second apart.
        unhealthy_interval: Some(Seconds::whole(1)),
        unhealthy_threshold: check.unhealthy_threshold,
        healthy_threshold: check.healthy_threshold,
        http_health_check: None,
        grpc_health_check: None,
        tcp_health_check: None,
    };
    match check.protocol {
        Protocol::Http | Protocol::Http2 => {
            output.http_health_check = Some(HttpHealthCheck {
                host,
                path: check.path.clone().unwrap_or_else(|| "/".to_owned()),
                codec_client_type: (check.protocol == Protocol::Http2).then_some("HTTP2"),
                // Without it, one 5xx counts as the whole threshold.
                retriable_statuses: vec![Int64Range::new(500, 600)],
            });
        }
        Protocol::Grpc => output.grpc_health_check = Some(Empty {}),
        Protocol::Tcp => output.tcp_health_check = Some(Empty {}),
    }
    output
}

fn outlier_detection(detection: mesh::OutlierDetection) -> OutlierDetection {
    OutlierDetection {
        consecutive_5xx: detection.max_server_errors,
        interval: Seconds(detection.interval),
        base_ejection_time: Seconds(detection.base_ejection),
        max_ejection_percent: detection.max_ejection_percent,
    }
}
