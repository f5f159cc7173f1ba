//! Virtual nodes: a service's instances, or a host outside.

use super::policy::{
    ConnectionPool, HealthCheck, OutlierDetection, Protocol, Timeout, port_mapping,
};
use super::read::{Fields, Reader};
use super::{VirtualNodeName, VirtualServiceName};
use crate::ports;

/// Instances that answer alike, and what they may call.
#[derive(Clone, Debug, PartialEq)]
pub struct VirtualNode {
    /// Its name.
    pub name: VirtualNodeName,
    /// Where it takes connections.
    pub listeners: Vec<NodeListener>,
    /// The virtual services that it may call, in the template's order.
    pub backends: Vec<VirtualServiceName>,
    /// How it is found; none for a node that only calls.
    pub discovery: Option<ServiceDiscovery>,
    /// Where its proxy writes requests, besides our own logs.
    pub access_log: Option<AccessLog>,
}

/// One port of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeListener {
    /// Its port.
    pub port: u16,
    /// What it speaks.
    pub protocol: Protocol,
    /// What a connection to it begins with.
    pub transport: Transport,
    /// How clients check it.
    pub health_check: Option<HealthCheck>,
    /// How long a request to it may take.
    pub timeout: Timeout,
    /// What it takes at one time.
    pub connection_pool: Option<ConnectionPool>,
    /// When clients avoid one of its endpoints.
    pub outlier_detection: Option<OutlierDetection>,
}

/// What a connection begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A TLS greeting of the client, which names the server.
    Tls,
    /// Anything else; perhaps the server speaks first.
    Plain,
}

/// How a node's addresses are found: by DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceDiscovery {
    /// The name to resolve; `*.example.com` stands for whichever name below
    /// `example.com` the client asks for.
    pub hostname: String,
    /// What the answer means.
    pub response: DnsResponse,
    /// Which addresses; `None` follows the mesh.
    pub ip_preference: Option<IpPreference>,
}

/// What the addresses of a DNS answer are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DnsResponse {
    /// Load balancers: any one of them will do.
    #[default]
    LoadBalancer,
    /// All endpoints.
    Endpoints,
}

/// Which kinds of addresses are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpPreference {
    /// IPv4 only.
    V4Only,
    /// IPv6 only.
    V6Only,
    /// IPv4 before IPv6.
    V4Preferred,
    /// IPv6 before IPv4.
    V6Preferred,
}

/// A log of requests that the template asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLog {
    /// Its path in the container.
    pub path: String,
    /// Its lines; `None` is Envoy's default.
    pub format: Option<LogFormat>,
}

/// How a line of an access log looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// A line of text.
    Text(String),
    /// A JSON object.
    Json(Vec<(String, String)>),
}

// === impl VirtualNode ===

impl VirtualNode {
    pub(super) fn read(name: &str, spec: &Reader<'_>) -> Option<Self> {
        let mut fields = spec.object()?;
        let listeners = fields
            .optional("Listeners")
            .and_then(|r| r.each(NodeListener::read));
        let backends = fields.optional("Backends").and_then(|r| r.each(backend));
        if let Some(defaults) = fields.optional("BackendDefaults") {
            backend_defaults(&defaults);
        }
        let discovery = fields
            .optional("ServiceDiscovery")
            .and_then(|r| ServiceDiscovery::read(&r));
        let access_log = fields.optional("Logging").and_then(|r| AccessLog::read(&r));
        fields.finish();
        Some(Self {
            name: VirtualNodeName::new(name),
            listeners: listeners.unwrap_or_default(),
            backends: backends.unwrap_or_default(),
            discovery,
            access_log,
        })
    }

    /// Overrules what the ports say of its `tcp` listeners.
    pub(super) fn set_transport(&mut self, transport: Transport) {
        for listener in &mut self.listeners {
            if listener.protocol == Protocol::Tcp {
                listener.transport = transport;
            }
        }
    }

    /// The listener of a port, or the only one there is.
    pub fn listener(&self, port: Option<u16>) -> Option<&NodeListener> {
        match (port, self.listeners.as_slice()) {
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(port), listeners) => listeners.iter().find(|listener| listener.port == port),
        }
    }
}

// === impl NodeListener ===

impl NodeListener {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let mut fields = reader.object()?;
        let mapping = port_mapping(&mut fields);
        let port = mapping.map(|(port, _)| port);
        let protocol = mapping.map(|(_, protocol)| protocol);
        let health_check = fields
            .optional("HealthCheck")
            .and_then(|r| HealthCheck::read(&r, port));
        let timeout = fields.optional("Timeout");
        let pool = fields.optional("ConnectionPool");
        let outlier = fields
            .optional("OutlierDetection")
            .and_then(|r| OutlierDetection::read(&r));
        fields.unsupported(
            "TLS",
            "leave it out: traffic between nodes is clear text here",
        );
        fields.finish();
        let (port, protocol) = (port?, protocol?);
        Some(Self {
            port,
            protocol,
            transport: Transport::usual(port, protocol),
            health_check,
            timeout: timeout
                .and_then(|r| Timeout::read_listener(&r, protocol))
                .unwrap_or_default(),
            connection_pool: pool.and_then(|r| ConnectionPool::read(&r, protocol)),
            outlier_detection: outlier,
        })
    }
}

// === impl Transport ===

impl Transport {
    fn usual(port: u16, protocol: Protocol) -> Self {
        if protocol == Protocol::Tcp && ports::starts_with_tls(port) {
            Self::Tls
        } else {
            Self::Plain
        }
    }
}

// === impl ServiceDiscovery ===

impl ServiceDiscovery {
    /// Whether the client's own word says which host is meant.
    pub fn is_wildcard(&self) -> bool {
        self.hostname.starts_with("*.")
    }

    fn read(reader: &Reader<'_>) -> Option<Self> {
        let mut fields = reader.object()?;
        let dns = fields.optional("DNS");
        fields.unsupported(
            "AWSCloudMap",
            "use `DNS` with `<service>.<namespace>` as the host name",
        );
        fields.finish();
        let mut fields = dns?.object()?;
        let hostname = fields.required("Hostname").and_then(|r| r.text(1..=253));
        let response = fields.optional("ResponseType").and_then(|r| {
            r.choice(&[
                ("LOADBALANCER", DnsResponse::LoadBalancer),
                ("ENDPOINTS", DnsResponse::Endpoints),
            ])
        });
        let ip_preference = fields
            .optional("IpPreference")
            .and_then(|r| IpPreference::read(&r));
        fields.finish();
        Some(Self {
            hostname: hostname?,
            response: response.unwrap_or_default(),
            ip_preference,
        })
    }
}

// === impl IpPreference ===

impl IpPreference {
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        reader.choice(&[
            ("IPv4_ONLY", Self::V4Only),
            ("IPv6_ONLY", Self::V6Only),
            ("IPv4_PREFERRED", Self::V4Preferred),
            ("IPv6_PREFERRED", Self::V6Preferred),
        ])
    }
}

// === impl AccessLog ===

impl AccessLog {
    /// Reads `Logging`, which may be empty.
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let mut logging = reader.object()?;
        let access_log = logging.optional("AccessLog");
        logging.finish();
        let mut fields = access_log?.object()?;
        let file = fields.optional("File");
        fields.finish();
        let mut fields = file?.object()?;
        let path = fields.required("Path").and_then(|r| r.text(1..=255));
        let format = fields.optional("Format").and_then(|r| LogFormat::read(&r));
        fields.finish();
        Some(Self {
            path: path?,
            format,
        })
    }
}

impl LogFormat {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let mut fields = reader.object()?;
        let found = fields.required_union(&["Json", "Text"]);
        fields.finish();
        let (key, value) = found?;
        if key == "Text" {
            return value.text(1..=1000).map(Self::Text);
        }
        value.each(pair).map(Self::Json)
    }
}

fn pair(reader: &Reader<'_>) -> Option<(String, String)> {
    let mut fields = reader.object()?;
    let key = fields.required("Key").and_then(|r| r.text(1..=100));
    let value = fields.required("Value").and_then(|r| r.text(1..=100));
    fields.finish();
    Some((key?, value?))
}

fn backend(reader: &Reader<'_>) -> Option<VirtualServiceName> {
    let mut fields = reader.object()?;
    let service = fields.required("VirtualService");
    fields.finish();
    let mut fields = service?.object()?;
    let name = fields
        .required("VirtualServiceName")
        .and_then(|r| r.string());
    client_policy(&mut fields);
    fields.finish();
    Some(VirtualServiceName::new(last_part(&name?)))
}

/// Reads `BackendDefaults` for what cannot be run.
pub(super) fn backend_defaults(reader: &Reader<'_>) {
    if let Some(mut fields) = reader.object() {
        client_policy(&mut fields);
        fields.finish();
    }
}

fn client_policy(fields: &mut Fields<'_>) {
    if let Some(mut policy) = fields.optional("ClientPolicy").and_then(|r| r.object()) {
        policy.unsupported("TLS", "leave it out: the proxies speak clear text to nodes");
        policy.finish();
    }
}

/// A name, or the last part of an ARN that ends with it.
pub(super) fn last_part(name: &str) -> &str {
    if name.starts_with("arn:") {
        name.rsplit('/').next().unwrap_or(name)
    } else {
        name
    }
}
