//! The lines of `access.log` and `denied.log`, one JSON object each.
//!
//! `access.log` ([`Allowed`]) has a line when a connection of the application
//! to a service opens and one when it closes, and one for each HTTP request.
//! `denied.log` ([`Denied`]) has a line for each connection or request that
//! the mesh refused; names that it does not know are refused before anybody
//! connects to them, and stand in `dns.log` in the same form.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::api::JsonFormat;

/// The file name of allowed traffic in [`Placement::logs`](super::Placement::logs).
pub const ACCESS_LOG: &str = "access.log";

/// The file name of refused traffic in [`Placement::logs`](super::Placement::logs).
pub const DENIED_LOG: &str = "denied.log";

/// The file name of refused names beside it; our resolver writes it.
pub const DNS_LOG: &str = "dns.log";

/// The file name of requests that a node's own `Logging` asks for.
pub const MESH_LOG: &str = "mesh.log";

/// What a line of `access.log` tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Where an answer sent the client instead.
    #[serde(default)]
    pub location: Option<String>,
    /// The address that it came from.
    #[serde(default)]
    pub client: Option<String>,
    /// Envoy's word for how a request ended, such as `via_upstream`.
    #[serde(default)]
    pub details: Option<String>,
}

/// A line of `denied.log`, and of the log of names that our own resolver
/// refused.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Denied {
    /// When it began, as RFC 3339 in UTC.
    pub time: String,
    /// Where the application meant to connect to.
    pub destination: Option<String>,
    /// The TLS server name that it asked for.
    pub server_name: Option<String>,
    /// The HTTP host that it asked for, or the name that it looked up.
    #[serde(default)]
    pub host: Option<String>,
    /// The HTTP method.
    #[serde(default)]
    pub method: Option<String>,
    /// The HTTP path.
    #[serde(default)]
    pub path: Option<String>,
    /// What it spoke, as far as we looked.
    pub protocol: Protocol,
    /// The type of record that was looked up, such as `A`.
    #[serde(default)]
    pub record: Option<String>,
    /// The address that it came from.
    #[serde(default)]
    pub client: Option<String>,
    /// What the listener looked at.
    #[serde(default)]
    pub told_apart_by: ToldApartBy,
    /// How long it took until it was refused.
    #[serde(default)]
    pub duration_ms: Option<u64>,
    /// What was wrong with the client's first bytes, taken for TLS, such as
    /// `ClientHelloNotDetected`.
    #[serde(default)]
    pub greeting: Option<String>,
    /// Envoy's response flags: `UH` for a connection, `NR` for a request.
    #[serde(default)]
    pub flags: Option<String>,
    /// Envoy's reason, such as `route_not_found`.
    #[serde(default)]
    pub details: Option<String>,
}

/// What a listener tells connections apart by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToldApartBy {
    /// The server name in the client's first bytes.
    #[default]
    Name,
    /// The destination's address and port; no byte is looked at.
    Address,
}

/// What a refused client spoke, as far as we looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// A connection.
    #[default]
    Tcp,
    /// A request.
    Http,
    /// A question to our resolver.
    Dns,
}

/// What was tried and refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attempt {
    /// TLS to a server by name.
    Tls,
    /// TLS without a server name.
    TlsWithoutName,
    /// Something else where only TLS gets through.
    PlainText,
    /// A connection over which the client said nothing that tells where it
    /// wants to go.
    Silent,
    /// A connection at which no byte was looked: its address and port tell.
    Tcp,
    /// An HTTP request.
    Http,
    /// A name that was looked up.
    Dns,
}

// === impl Denied ===

impl Denied {
    /// What was tried.
    pub fn attempt(&self) -> Attempt {
        match self.protocol {
            Protocol::Dns => return Attempt::Dns,
            Protocol::Http => return Attempt::Http,
            Protocol::Tcp => {}
        }
        if self.server_name.is_some() {
            return Attempt::Tls;
        }
        match self.greeting.as_deref() {
            Some("ClientHelloTooLarge") => return Attempt::TlsWithoutName,
            Some(_) => return Attempt::PlainText,
            None => {}
        }
        if self.told_apart_by == ToldApartBy::Address {
            return Attempt::Tcp;
        }
        let waited = Duration::from_millis(self.duration_ms.unwrap_or_default());
        if waited >= SILENCE {
            Attempt::Silent
        } else {
            Attempt::TlsWithoutName
        }
    }

    /// The name that it asked for, however it did.
    pub fn name(&self) -> Option<&str> {
        self.server_name.as_deref().or(self.host.as_deref())
    }
}

/// Who has said nothing for so long was refused for that: a little less than
/// the listener waits.
const SILENCE: Duration = Duration::from_millis(4900);

/// The most characters of what a client says that are kept. Whoever is refused
/// must not be able to fill a log with a few requests.
macro_rules! clipped {
    ($header:literal) => {
        concat!("%REQ(", $header, "):256%")
    };
}

const CONNECTION: &[(&str, &str)] = &[
    ("time", "%START_TIME%"),
    ("destination", "%DOWNSTREAM_LOCAL_ADDRESS%"),
    ("server_name", "%REQUESTED_SERVER_NAME%"),
    ("client", "%DOWNSTREAM_REMOTE_ADDRESS%"),
    ("flags", "%RESPONSE_FLAGS%"),
];
/// What the listener notes when a client does not begin with TLS.
const GREETING: &str = "%DYNAMIC_METADATA(envoy.filters.listener.tls_inspector:failure_reason)%";
const TRAFFIC: &[(&str, &str)] = &[
    ("event", "%ACCESS_LOG_TYPE%"),
    ("cluster", "%UPSTREAM_CLUSTER%"),
    ("upstream", "%UPSTREAM_HOST%"),
    ("bytes_sent", "%BYTES_SENT%"),
    ("bytes_received", "%BYTES_RECEIVED%"),
    ("duration_ms", "%DURATION%"),
];
const REQUEST: &[(&str, &str)] = &[
    ("host", clipped!(":AUTHORITY")),
    ("method", "%REQ(:METHOD):32%"),
    ("path", clipped!(":PATH")),
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
    format.set("location", "%RESP(LOCATION):256%");
    format.set("details", "%RESPONSE_CODE_DETAILS%");
    format
}

/// The lines of refused connections.
pub(super) fn refused_connections(told_apart_by: ToldApartBy) -> JsonFormat {
    let mut format = JsonFormat::new([CONNECTION]);
    let looked_at = match told_apart_by {
        ToldApartBy::Name => "name",
        ToldApartBy::Address => "address",
    };
    format.set("told_apart_by", looked_at);
    format.set("details", "%RESPONSE_CODE_DETAILS%");
    format.set("duration_ms", "%DURATION%");
    format.set("protocol", "tcp");
    format.set("greeting", GREETING);
    format
}

/// The lines of refused requests.
pub(super) fn refused_requests() -> JsonFormat {
    let mut format = JsonFormat::new([CONNECTION, REQUEST]);
    format.set("protocol", "http");
    format.set("details", "%RESPONSE_CODE_DETAILS%");
    format
}
