//! Virtual services: the names that clients use.

use super::read::Reader;
use super::{VirtualNodeName, VirtualRouterName, VirtualServiceName};

/// A name, and who answers to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualService {
    /// The host name.
    pub name: VirtualServiceName,
    /// Who answers; nobody for a service that is only declared.
    pub provider: Option<Provider>,
}

/// Who answers to a virtual service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// A node, on its own ports.
    Node(VirtualNodeName),
    /// The routes of a router, on the router's ports.
    Router(VirtualRouterName),
}

// === impl VirtualService ===

impl VirtualService {
    pub(super) fn read(name: &str, spec: &Reader<'_>) -> Option<Self> {
        let mut fields = spec.object()?;
        let provider = fields.optional("Provider").and_then(|r| Provider::read(&r));
        fields.finish();
        Some(Self {
            name: VirtualServiceName::new(name),
            provider,
        })
    }
}

impl Provider {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let mut fields = reader.object()?;
        let node = fields.optional("VirtualNode");
        let router = fields.optional("VirtualRouter");
        if node.is_some() && router.is_some() {
            fields.error("`VirtualNode` and `VirtualRouter` exclude each other");
        }
        fields.finish();
        if let Some(node) = node {
            return Some(Self::Node(VirtualNodeName::new(named(
                &node,
                "VirtualNodeName",
            )?)));
        }
        let name = named(&router?, "VirtualRouterName")?;
        Some(Self::Router(VirtualRouterName::new(name)))
    }
}

fn named(reader: &Reader<'_>, key: &'static str) -> Option<String> {
    let mut fields = reader.object()?;
    let name = fields.required(key).and_then(|r| r.text(1..=255));
    fields.finish();
    name
}
