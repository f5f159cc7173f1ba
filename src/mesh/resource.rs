//! What comes in (resources) and who asks (proxies).

use std::{fmt, str::FromStr};

use serde_json::Value;
use thiserror::Error;

use super::{MeshName, VirtualGatewayName, VirtualNodeName};

/// An `AWS::AppMesh::*` resource with its properties evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its name in the template: used in messages, and as its name where the
    /// properties give none.
    pub logical_id: String,
    /// Such as `AWS::AppMesh::VirtualNode`.
    pub resource_type: String,
    /// Literal values only.
    pub properties: Value,
}

/// Whose proxy: what `APPMESH_RESOURCE_ARN` names in a task definition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProxyId {
    /// The sidecar of a virtual node.
    VirtualNode(VirtualNodeName),
    /// A virtual gateway.
    VirtualGateway(VirtualGatewayName),
}

impl ProxyId {
    /// Reads `mesh/<mesh>/virtualNode/<name>` or `…/virtualGateway/<name>`,
    /// with or without `arn:…:` before it.
    pub fn parse(resource: &str) -> Result<(MeshName, Self), InvalidProxyId> {
        let invalid = || InvalidProxyId(resource.to_owned());
        let path = resource.rsplit(':').next().unwrap_or(resource);
        let parts: Vec<&str> = path.split('/').collect();
        let &["mesh", mesh, kind, name] = parts.as_slice() else {
            return Err(invalid());
        };
        let id = match kind {
            "virtualNode" => Self::VirtualNode(VirtualNodeName::new(name)),
            "virtualGateway" => Self::VirtualGateway(VirtualGatewayName::new(name)),
            _ => return Err(invalid()),
        };
        Ok((MeshName::new(mesh), id))
    }

    /// The name of the node or gateway.
    pub fn name(&self) -> &str {
        match self {
            Self::VirtualNode(name) => name.as_str(),
            Self::VirtualGateway(name) => name.as_str(),
        }
    }
}

impl fmt::Display for ProxyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VirtualNode(name) => write!(f, "virtualNode/{name}"),
            Self::VirtualGateway(name) => write!(f, "virtualGateway/{name}"),
        }
    }
}

impl FromStr for ProxyId {
    type Err = InvalidProxyId;

    fn from_str(resource: &str) -> Result<Self, Self::Err> {
        Self::parse(resource).map(|(_, id)| id)
    }
}

/// Text that names no proxy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not of the form `mesh/<mesh>/virtualNode/<name>` or `mesh/<mesh>/virtualGateway/<name>`"
)]
pub struct InvalidProxyId(String);
