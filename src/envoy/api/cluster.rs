//! Clusters.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Address, Empty, Extension, Int64Range, Percent, Seconds, SocketAddress, Typed};

message!(
    #[derive(Default)]
    Cluster {
        name: String,
        r#type: Option<&'static str>,
        cluster_type: Option<Extension>,
        lb_policy: Option<&'static str>,
        connect_timeout: Option<Seconds>,
        load_assignment: Option<LoadAssignment>,
        health_checks: Vec<HealthCheck>,
        circuit_breakers: Option<CircuitBreakers>,
        outlier_detection: Option<OutlierDetection>,
        common_lb_config: Option<CommonLbConfig>,
        wait_for_warm_on_init: Option<bool>,
        ignore_health_on_host_removal: Option<bool>,
        typed_extension_protocol_options: BTreeMap<&'static str, Typed>,
        upstream_bind_config: Option<BindConfig>,
        upstream_connection_options: Option<UpstreamConnectionOptions>,
    }
);

message!(UpstreamConnectionOptions {
    happy_eyeballs_config: HappyEyeballsConfig,
});

message!(HappyEyeballsConfig {
    first_address_family_version: &'static str,
});

message!(LoadAssignment {
    cluster_name: String,
    endpoints: Vec<LocalityEndpoints>,
});

message!(LocalityEndpoints { lb_endpoints: Vec<LbEndpoint>, });

message!(LbEndpoint { endpoint: Endpoint });

message!(Endpoint { address: Address });

impl LoadAssignment {
    /// One endpoint.
    pub(crate) fn single(cluster: &str, address: Address) -> Self {
        let endpoint = Endpoint { address };
        Self {
            cluster_name: cluster.to_owned(),
            endpoints: vec![LocalityEndpoints {
                lb_endpoints: vec![LbEndpoint { endpoint }],
            }],
        }
    }
}

message!(BindConfig {
    source_address: SocketAddress,
});

message!(CircuitBreakers { thresholds: Vec<Thresholds>, });

message!(Thresholds {
    max_connections: u32,
    max_pending_requests: u32,
    max_requests: u32,
    max_retries: u32,
});

message!(CommonLbConfig {
    healthy_panic_threshold: Percent,
});

message!(OutlierDetection {
    consecutive_5xx: u32,
    interval: Seconds,
    base_ejection_time: Seconds,
    max_ejection_percent: u32,
});

message!(HealthCheck {
    timeout: Seconds,
    interval: Seconds,
    no_traffic_interval: Seconds,
    unhealthy_interval: Option<Seconds>,
    unhealthy_threshold: u32,
    healthy_threshold: u32,
    http_health_check: Option<HttpHealthCheck>,
    grpc_health_check: Option<Empty>,
    tcp_health_check: Option<Empty>,
});

message!(HttpHealthCheck {
    host: String,
    path: String,
    codec_client_type: Option<&'static str>,
    retriable_statuses: Vec<Int64Range>,
});

/// Which HTTP version a cluster speaks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct HttpProtocolOptions {
    pub(crate) explicit_http_config: ExplicitHttpConfig,
}

/// A version, fixed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ExplicitHttpConfig {
    Http2ProtocolOptions(Empty),
}

present!(HttpProtocolOptions, ExplicitHttpConfig);
