//! What nodes, gateways and routes share: protocols, health checks, timeouts,
//! retries, connection pools.

use std::time::Duration;

use super::read::{Fields, Reader};

/// What a port speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// HTTP/1.1 in clear text.
    Http,
    /// HTTP/2 in clear text.
    Http2,
    /// gRPC in clear text.
    Grpc,
    /// Any bytes, such as TLS made by the application itself.
    Tcp,
}

// === impl Protocol ===

impl Protocol {
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        reader.choice(&[
            ("http", Self::Http),
            ("http2", Self::Http2),
            ("grpc", Self::Grpc),
            ("tcp", Self::Tcp),
        ])
    }

    /// The word for it in templates and in Envoy's names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Http2 => "http2",
            Self::Grpc => "grpc",
            Self::Tcp => "tcp",
        }
    }

    /// Whether requests, rather than connections, are routed.
    pub fn has_requests(self) -> bool {
        match self {
            Self::Http | Self::Http2 | Self::Grpc => true,
            Self::Tcp => false,
        }
    }
}

/// How clients of a node find out whether it is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Successes in a row that make it healthy.
    pub healthy_threshold: u32,
    /// Failures in a row that make it unhealthy.
    pub unhealthy_threshold: u32,
    /// Time between two checks.
    pub interval: Duration,
    /// Time to wait for an answer.
    pub timeout: Duration,
    /// What the check speaks.
    pub protocol: Protocol,
    /// The path asked for, for `http` and `http2`.
    pub path: Option<String>,
}

// === impl HealthCheck ===

impl HealthCheck {
    pub(super) fn read(reader: &Reader<'_>, listener_port: Option<u16>) -> Option<Self> {
        let mut fields = reader.object()?;
        let healthy = fields
            .required("HealthyThreshold")
            .and_then(|r| r.unsigned(2..=10));
        let unhealthy = fields
            .required("UnhealthyThreshold")
            .and_then(|r| r.unsigned(2..=10));
        let interval = fields
            .required("IntervalMillis")
            .and_then(|r| r.unsigned(5000..=300_000));
        let timeout = fields
            .required("TimeoutMillis")
            .and_then(|r| r.unsigned(2000..=60_000));
        let protocol = fields.required("Protocol").and_then(|r| Protocol::read(&r));
        let path = fields.optional("Path");
        if let Some(port) = fields.optional("Port")
            && let (Some(found), Some(listener)) = (port.port(), listener_port)
            && found != listener
        {
            port.error(format!("the port must be the listener's, {listener}"));
        }
        fields.finish();
        if let (Some(path), Some(Protocol::Tcp | Protocol::Grpc)) = (&path, protocol) {
            path.error("only `http` and `http2` checks have a path");
        }
        Some(Self {
            healthy_threshold: healthy?,
            unhealthy_threshold: unhealthy?,
            interval: Duration::from_millis(interval?.into()),
            timeout: Duration::from_millis(timeout?.into()),
            protocol: protocol?,
            path: path.and_then(|path| path.string()),
        })
    }
}

/// Limits on time; a zero means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeout {
    /// Without any byte.
    pub idle: Option<Duration>,
    /// For a whole request.
    pub per_request: Option<Duration>,
}

// === impl Timeout ===

impl Timeout {
    pub(super) fn read(reader: &Reader<'_>, protocol: Protocol) -> Option<Self> {
        let mut fields = reader.object()?;
        let idle = fields.optional("Idle").and_then(|r| duration(&r));
        let per_request = match protocol {
            Protocol::Tcp => None,
            Protocol::Http | Protocol::Http2 | Protocol::Grpc => {
                fields.optional("PerRequest").and_then(|r| duration(&r))
            }
        };
        fields.finish();
        Some(Self { idle, per_request })
    }

    /// A listener's, which stands under the name of its protocol.
    pub(super) fn read_listener(reader: &Reader<'_>, protocol: Protocol) -> Option<Self> {
        let mut fields = reader.object()?;
        let found = fields.union(&["HTTP", "HTTP2", "GRPC", "TCP"]);
        fields.finish();
        let (key, timeout) = found?;
        same_protocol(&timeout, key, protocol);
        Self::read(&timeout, protocol)
    }
}

/// How often and when a request is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts after the first.
    pub max_retries: u32,
    /// Limit for each attempt.
    pub per_retry_timeout: Duration,
    /// What counts as a reason.
    pub events: Vec<RetryEvent>,
}

/// A reason to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RetryEvent {
    /// 500 to 511.
    ServerError,
    /// 502, 503 and 504.
    GatewayError,
    /// 409.
    ClientError,
    /// The stream was refused.
    StreamError,
    /// The connection failed.
    ConnectionError,
    /// The gRPC status of that name.
    Cancelled,
    /// The gRPC status of that name.
    DeadlineExceeded,
    /// The gRPC status of that name.
    Internal,
    /// The gRPC status of that name.
    ResourceExhausted,
    /// The gRPC status of that name.
    Unavailable,
}

const HTTP_EVENTS: &[(&str, RetryEvent)] = &[
    ("server-error", RetryEvent::ServerError),
    ("gateway-error", RetryEvent::GatewayError),
    ("client-error", RetryEvent::ClientError),
    ("stream-error", RetryEvent::StreamError),
];
const TCP_EVENTS: &[(&str, RetryEvent)] = &[("connection-error", RetryEvent::ConnectionError)];
const GRPC_EVENTS: &[(&str, RetryEvent)] = &[
    ("cancelled", RetryEvent::Cancelled),
    ("deadline-exceeded", RetryEvent::DeadlineExceeded),
    ("internal", RetryEvent::Internal),
    ("resource-exhausted", RetryEvent::ResourceExhausted),
    ("unavailable", RetryEvent::Unavailable),
];

// === impl RetryPolicy ===

impl RetryPolicy {
    pub(super) fn read(reader: &Reader<'_>, protocol: Protocol) -> Option<Self> {
        let mut fields = reader.object()?;
        let max_retries = fields
            .required("MaxRetries")
            .and_then(|r| r.unsigned(0..=u32::MAX));
        let per_retry_timeout = fields
            .required("PerRetryTimeout")
            .and_then(|r| duration(&r));
        let mut events = Vec::new();
        let mut kinds = vec![
            ("HttpRetryEvents", HTTP_EVENTS, 25),
            ("TcpRetryEvents", TCP_EVENTS, 1),
        ];
        if protocol == Protocol::Grpc {
            kinds.push(("GrpcRetryEvents", GRPC_EVENTS, 5));
        }
        for (key, words, most) in kinds {
            let read = |list: Reader<'_>| list.some(1..=most, |r| r.choice(words));
            events.extend(fields.optional(key).and_then(read).unwrap_or_default());
        }
        fields.finish();
        events.sort_unstable();
        events.dedup();
        Some(Self {
            max_retries: max_retries?,
            per_retry_timeout: per_retry_timeout?,
            events,
        })
    }
}

/// Limits on what is under way at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionPool {
    /// HTTP/1.1.
    Http {
        /// Connections at one time.
        max_connections: u32,
        /// Requests that wait for one.
        max_pending_requests: Option<u32>,
    },
    /// HTTP/2 and gRPC.
    Requests {
        /// Requests at one time.
        max_requests: u32,
    },
    /// TCP.
    Tcp {
        /// Connections at one time.
        max_connections: u32,
    },
}

// === impl ConnectionPool ===

impl ConnectionPool {
    pub(super) fn read(reader: &Reader<'_>, protocol: Protocol) -> Option<Self> {
        let mut fields = reader.object()?;
        let found = fields.required_union(&["HTTP", "HTTP2", "GRPC", "TCP"]);
        fields.finish();
        let (key, pool) = found?;
        same_protocol(&pool, key, protocol);
        let mut fields = pool.object()?;
        let limit = |r: Reader<'_>| r.unsigned(1..=u32::MAX);
        let read = match protocol {
            Protocol::Http => {
                let max_connections = fields.required("MaxConnections").and_then(limit);
                let max_pending_requests = fields.optional("MaxPendingRequests").and_then(limit);
                max_connections.map(|max_connections| Self::Http {
                    max_connections,
                    max_pending_requests,
                })
            }
            Protocol::Http2 | Protocol::Grpc => fields
                .required("MaxRequests")
                .and_then(limit)
                .map(|max_requests| Self::Requests { max_requests }),
            Protocol::Tcp => fields
                .required("MaxConnections")
                .and_then(limit)
                .map(|max_connections| Self::Tcp { max_connections }),
        };
        fields.finish();
        read
    }
}

/// When clients stop using an endpoint of a node that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutlierDetection {
    /// Server errors in a row that eject it.
    pub max_server_errors: u32,
    /// Time between two sweeps.
    pub interval: Duration,
    /// How long it stays out at least.
    pub base_ejection: Duration,
    /// How many of the endpoints may be out.
    pub max_ejection_percent: u32,
}

// === impl OutlierDetection ===

impl OutlierDetection {
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let mut fields = reader.object()?;
        let errors = fields
            .required("MaxServerErrors")
            .and_then(|r| r.unsigned(1..=u32::MAX));
        let interval = fields.required("Interval").and_then(|r| duration(&r));
        let base = fields
            .required("BaseEjectionDuration")
            .and_then(|r| duration(&r));
        let percent = fields
            .required("MaxEjectionPercent")
            .and_then(|r| r.unsigned(0..=100));
        fields.finish();
        Some(Self {
            max_server_errors: errors?,
            interval: interval?,
            base_ejection: base?,
            max_ejection_percent: percent?,
        })
    }
}

/// A port and what it speaks.
pub(super) fn port_mapping(fields: &mut Fields<'_>) -> Option<(u16, Protocol)> {
    let mapping = fields.required("PortMapping")?;
    let mut fields = mapping.object()?;
    let port = fields.required("Port").and_then(|r| r.port());
    let protocol = fields.required("Protocol").and_then(|r| Protocol::read(&r));
    fields.finish();
    Some((port?, protocol?))
}

fn duration(reader: &Reader<'_>) -> Option<Duration> {
    let mut fields = reader.object()?;
    let unit = fields
        .required("Unit")
        .and_then(|r| r.choice(&[("s", 1000), ("ms", 1)]));
    let value = fields
        .required("Value")
        .and_then(|r| r.unsigned(0..=u32::MAX));
    fields.finish();
    let unit: u64 = unit?;
    Some(Duration::from_millis(unit * u64::from(value?)))
}

fn same_protocol(reader: &Reader<'_>, key: &str, protocol: Protocol) {
    if !key.eq_ignore_ascii_case(protocol.as_str()) {
        let protocol = protocol.as_str();
        reader.error(format!(
            "the listener speaks `{protocol}`, so this must stand under its name"
        ));
    }
}
