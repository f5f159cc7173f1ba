//! Virtual gateways: where traffic enters the mesh.

use super::node::backend_defaults;
use super::policy::{ConnectionPool, HealthCheck, Protocol, port_mapping};
use super::read::Reader;
use super::{AccessLog, VirtualGatewayName};

/// A proxy without an application.
#[derive(Clone, Debug, PartialEq)]
pub struct VirtualGateway {
    /// Its name.
    pub name: VirtualGatewayName,
    /// Where it takes requests.
    pub listeners: Vec<GatewayListener>,
    /// Where it writes them, besides our own logs.
    pub access_log: Option<AccessLog>,
}

/// One port of a gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct GatewayListener {
    /// Its port.
    pub port: u16,
    /// What it speaks; never [`Protocol::Tcp`].
    pub protocol: Protocol,
    /// What it passes on at one time.
    pub connection_pool: Option<ConnectionPool>,
}

// === impl VirtualGateway ===

impl VirtualGateway {
    pub(super) fn read(name: &str, spec: &Reader<'_>) -> Option<Self> {
        let mut fields = spec.object()?;
        let listeners = fields
            .required("Listeners")
            .and_then(|r| r.each(GatewayListener::read));
        if let Some(defaults) = fields.optional("BackendDefaults") {
            backend_defaults(&defaults);
        }
        let access_log = fields.optional("Logging").and_then(|r| AccessLog::read(&r));
        fields.finish();
        Some(Self {
            name: VirtualGatewayName::new(name),
            listeners: listeners?,
            access_log,
        })
    }
}

// === impl GatewayListener ===

impl GatewayListener {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let mut fields = reader.object()?;
        let mapping = port_mapping(&mut fields);
        // In the mesh a gateway has no client that could check it: App Mesh
        // takes the health check and does nothing with it.
        if let Some(check) = fields.optional("HealthCheck") {
            HealthCheck::read(&check, mapping.map(|(port, _)| port));
        }
        let pool = fields.optional("ConnectionPool");
        fields.unsupported("TLS", "leave it out: the gateway speaks clear text here");
        fields.finish();
        let (port, protocol) = mapping?;
        if protocol == Protocol::Tcp {
            reader.error("a gateway's listener speaks `http`, `http2` or `grpc`");
            return None;
        }
        Some(Self {
            port,
            protocol,
            connection_pool: pool.and_then(|r| ConnectionPool::read(&r, protocol)),
        })
    }
}
