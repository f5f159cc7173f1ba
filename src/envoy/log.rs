//! The lines of `access.log` and `denied.log`, one JSON object each.
//!
//! `access.log` ([`Allowed`]) has a line when a connection of the application
//! to a service opens and one when it closes, and one for each HTTP request.
//! `denied.log` ([`Denied`]) has a line for each connection or request that
//! the mesh refused.

use serde::Deserialize;

use super::api::JsonFormat;

/// The file name of allowed traffic in [`Placement::logs`](super::Placement::logs).
pub const ACCESS_LOG: &str = "access.log";

/// The file name of refused traffic in [`Placement::logs`](super::Placement::logs).
pub const DENIED_LOG: &str = "denied.log";

/// The file name of requests that a node's own `Logging` asks for.
pub const MESH_LOG: &str = "mesh.log";

/// What a line of `access.log` tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Event {
    /// A connection to a service is made.
    #[serde(rename = "TcpUpstreamConnected")]
    Open,
    /// A connection is over.
    #[serde(rename = "TcpConnectionEnd")]
    Close,
    /// An HTTP request is over.
    #[serde(rename = "DownstreamEnd")]
    Request,
}

/// Which way the traffic went, seen from the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From another task or the load balancer.
    Ingress,
    /// From the application.
    Egress,
}

/// A line of `access.log`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Allowed {
    /// When it began, as RFC 3339 in UTC.
    pub time: String,
    /// What happened.
    pub event: Event,
    /// Which way.
    pub direction: Direction,
    /// The virtual service; `None` for what ALLOW_ALL let through and for
    /// what came in.
    #[serde(default)]
    pub service: Option<String>,
    /// Envoy's cluster.
    pub cluster: Option<String>,
    /// Where the application meant to connect to.
    pub destination: Option<String>,
    /// The TLS server name.
    pub server_name: Option<String>,
    /// The address that Envoy connected to.
    pub upstream: Option<String>,
    /// Bytes to the application (or the client, for what came in).
    pub bytes_sent: u64,
    /// Bytes from it.
    pub bytes_received: u64,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// Envoy's response flags, such as `UF`; `None` when all went well.
    #[serde(default)]
    pub flags: Option<String>,
    /// The HTTP host.
    #[serde(default)]
    pub host: Option<String>,
    /// The HTTP method.
    #[serde(default)]
    pub method: Option<String>,
    /// The HTTP path.
    #[serde(default)]
    pub path: Option<String>,
    /// The HTTP status.
    #[serde(default)]
    pub status: Option<u16>,
}

/// A line of `denied.log`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Denied {
    /// When it began, as RFC 3339 in UTC.
    pub time: String,
    /// Where the application meant to connect to.
    pub destination: Option<String>,
    /// The TLS server name that it asked for.
    pub server_name: Option<String>,
    /// The HTTP host that it asked for.
    #[serde(default)]
    pub host: Option<String>,
    /// The HTTP method.
    #[serde(default)]
    pub method: Option<String>,
    /// The HTTP path.
    #[serde(default)]
    pub path: Option<String>,
    /// Envoy's response flags: `UH` for a connection, `NR` for a request.
    #[serde(default)]
    pub flags: Option<String>,
    /// Envoy's reason, such as `route_not_found`.
    #[serde(default)]
    pub details: Option<String>,
}

const CONNECTION: &[(&str, &str)] = &[
    ("time", "%START_TIME%"),
    ("destination", "%DOWNSTREAM_LOCAL_ADDRESS%"),
    ("server_name", "%REQUESTED_SERVER_NAME%"),
    ("flags", "%RESPONSE_FLAGS%"),
];
const TRAFFIC: &[(&str, &str)] = &[
    ("event", "%ACCESS_LOG_TYPE%"),
    ("cluster", "%UPSTREAM_CLUSTER%"),
    ("upstream", "%UPSTREAM_HOST%"),
    ("bytes_sent", "%BYTES_SENT%"),
    ("bytes_received", "%BYTES_RECEIVED%"),
    ("duration_ms", "%DURATION%"),
];
const REQUEST: &[(&str, &str)] = &[
    ("host", "%REQ(:AUTHORITY)%"),
    ("method", "%REQ(:METHOD)%"),
    ("path", "%REQ(:PATH)%"),
];

/// The lines of allowed connections to one service, or to none that is modelled.
pub(super) fn connections(direction: &str, service: Option<&str>) -> JsonFormat {
    let mut format = JsonFormat::new([CONNECTION, TRAFFIC]);
    format.set("direction", direction);
    if let Some(service) = service {
        format.set("service", &service.replace('%', "%%"));
    }
    format
}

/// The lines of allowed connections to services that share a chain.
pub(super) fn shared_connections(direction: &str) -> JsonFormat {
    let mut format = connections(direction, None);
    format.set("service", "%REQUESTED_SERVER_NAME%");
    format
}

/// The lines of requests; egress routes carry the service as their name.
pub(super) fn requests(direction: &str) -> JsonFormat {
    let mut format = JsonFormat::new([CONNECTION, TRAFFIC, REQUEST]);
    format.set("direction", direction);
    format.set("status", "%RESPONSE_CODE%");
    format.set("service", "%ROUTE_NAME%");
    format
}

/// The lines of refused connections.
pub(super) fn refused_connections() -> JsonFormat {
    let mut format = JsonFormat::new([CONNECTION]);
    format.set("details", "%RESPONSE_CODE_DETAILS%");
    format
}

/// The lines of refused requests.
pub(super) fn refused_requests() -> JsonFormat {
    let mut format = JsonFormat::new([CONNECTION, REQUEST]);
    format.set("details", "%RESPONSE_CODE_DETAILS%");
    format
}
