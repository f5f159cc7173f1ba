//! App Mesh as types, and its rules.
//!
//! Takes evaluated `AWS::AppMesh::*` resources and gives one [`Mesh`] for each
//! mesh name. What is wrong inside one resource (a property that does not
//! exist, a port out of range) is a [`Problems`] error that names all of them;
//! what is wrong between resources (a name that nothing has) is told by
//! [`Mesh::check`], since a stack in the middle of its creation is not wrong.
//! Nothing here knows of Envoy.

mod gateway;
mod gateway_route;
mod matching;
mod model;
mod names;
mod node;
mod policy;
mod problem;
mod read;
mod resource;
mod route;
mod router;
mod rules;
mod service;
mod tags;
#[cfg(test)]
mod tests;

pub use gateway::{GatewayListener, VirtualGateway};
pub use gateway_route::{GatewayRoute, GatewayTarget, HostnameMatch, HostnameRewrite, PathRewrite};
pub use matching::{HeaderMatch, NamedMatch, PathMatch, QueryMatch, RequestMatch};
pub use model::{EgressFilter, Matching, Mesh};
pub use names::{
    GatewayRouteName, MeshName, RouteName, VirtualGatewayName, VirtualNodeName, VirtualRouterName,
    VirtualServiceName,
};
pub use node::{
    AccessLog, DnsResponse, IpPreference, LogFormat, NodeListener, ServiceDiscovery, Transport,
    VirtualNode,
};
pub use policy::{
    ConnectionPool, HealthCheck, OutlierDetection, Protocol, RetryEvent, RetryPolicy, Timeout,
};
pub use problem::{Problem, Problems, Severity};
pub use resource::{ProxyId, Resource};
pub use route::{Route, WeightedTarget};
pub use router::{RouterListener, VirtualRouter};
pub use service::{Provider, VirtualService};
