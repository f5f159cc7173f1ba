//! Virtual routers: ports that routes hang on.

use super::VirtualRouterName;
use super::policy::{Protocol, port_mapping};
use super::read::Reader;

/// Gives a virtual service ports of its own, before the nodes'.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualRouter {
    /// Its name.
    pub name: VirtualRouterName,
    /// Its ports.
    pub listeners: Vec<RouterListener>,
}

/// One port of a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouterListener {
    /// The port that clients use.
    pub port: u16,
    /// What they speak.
    pub protocol: Protocol,
}

// === impl VirtualRouter ===

impl VirtualRouter {
    pub(super) fn read(name: &str, spec: &Reader<'_>) -> Option<Self> {
        let mut fields = spec.object()?;
        let listeners = fields.required("Listeners").and_then(|r| r.each(listener));
        fields.finish();
        Some(Self {
            name: VirtualRouterName::new(name),
            listeners: listeners?,
        })
    }
}

fn listener(reader: &Reader<'_>) -> Option<RouterListener> {
    let mut fields = reader.object()?;
    let mapping = port_mapping(&mut fields);
    fields.finish();
    let (port, protocol) = mapping?;
    Some(RouterListener { port, protocol })
}
