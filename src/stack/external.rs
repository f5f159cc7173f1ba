//! The external services as resources of the mesh.
//!
//! Each service is a virtual node, each host a virtual service. A virtual
//! service leads straight to the node, or through a virtual router where the
//! port that the app calls is another (`via_port`) or where several services
//! share the host.

use indexmap::IndexMap;

use super::logical;
use super::section::scalar;
use crate::config::{Caller, ExternalService, Host, Protocol};

/// A host and the services on it.
struct Destination<'a> {
    host: &'a Host,
    services: Vec<&'a ExternalService>,
}

/// The resources of all services, as lines under `Resources`.
pub(super) fn resources(services: &[ExternalService]) -> String {
    let mut lines = String::from("\n");
    for destination in destinations(services) {
        destination.write(&mut lines);
    }
    lines
}

/// What the app's node may call, as lines of its `Spec`.
pub(super) fn backends(services: &[ExternalService]) -> String {
    let called = |destination: &&Destination<'_>| destination.is_called_by(Caller::App);
    let destinations = destinations(services);
    let called = destinations.iter().filter(called);
    let entries: String = called.map(Destination::backend).collect();
    if entries.is_empty() {
        return String::new();
    }
    format!("        Backends:\n{entries}")
}

fn destinations(services: &[ExternalService]) -> Vec<Destination<'_>> {
    let mut by_host: IndexMap<&Host, Vec<&ExternalService>> = IndexMap::new();
    for service in services {
        by_host.entry(&service.host).or_default().push(service);
    }
    by_host
        .into_iter()
        .map(|(host, services)| Destination { host, services })
        .collect()
}

// === impl Destination ===

impl Destination<'_> {
    fn write(&self, lines: &mut String) {
        for service in &self.services {
            lines.push_str(&virtual_node(service));
        }
        if self.direct().is_none() {
            lines.push_str(&self.virtual_router());
            for service in &self.services {
                lines.push_str(&self.route(service));
            }
        }
        lines.push_str(&self.virtual_service());
    }

    /// The services of a host agree on who may call it.
    fn is_called_by(&self, caller: Caller) -> bool {
        let mut services = self.services.iter();
        services.any(|service| service.nodes.contains(&caller))
    }

    fn backend(&self) -> String {
        let id = logical::virtual_service(self.host);
        format!(
            "          - VirtualService:
              VirtualServiceName: !GetAtt {id}.VirtualServiceName
"
        )
    }

    /// The only service, where it is called on its own port.
    fn direct(&self) -> Option<&ExternalService> {
        match self.services.as_slice() {
            [service] if service.via_port.is_none() => Some(service),
            _ => None,
        }
    }

    fn virtual_router(&self) -> String {
        let id = logical::virtual_router(self.host);
        let name = scalar(self.host.as_str());
        let listeners: String = self
            .services
            .iter()
            .map(|service| port_mapping(service.listen_port(), service.protocol))
            .collect();
        format!(
            "  {id}:
    Type: AWS::AppMesh::VirtualRouter
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualRouterName: {name}
      Spec:
        Listeners:
{listeners}
"
        )
    }

    fn route(&self, service: &ExternalService) -> String {
        let id = logical::route(&service.name);
        let router = logical::virtual_router(self.host);
        let node = logical::virtual_node(&service.name);
        let name = scalar(service.name.as_str());
        let (kind, prefix) = match service.protocol {
            Protocol::Tcp => ("TcpRoute", ""),
            Protocol::Http => ("HttpRoute", "            Prefix: /\n"),
        };
        let (listen_port, port) = (service.listen_port(), service.port);
        format!(
            "  {id}:
    Type: AWS::AppMesh::Route
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualRouterName: !GetAtt {router}.VirtualRouterName
      RouteName: {name}
      Spec:
        {kind}:
          Match:
{prefix}            Port: {listen_port}
          Action:
            WeightedTargets:
              - VirtualNode: !GetAtt {node}.VirtualNodeName
                Weight: 1
                Port: {port}

"
        )
    }

    fn virtual_service(&self) -> String {
        let id = logical::virtual_service(self.host);
        let name = scalar(self.host.as_str());
        let (kind, provider) = match self.direct() {
            Some(service) => ("VirtualNode", logical::virtual_node(&service.name)),
            None => ("VirtualRouter", logical::virtual_router(self.host)),
        };
        format!(
            "  {id}:
    Type: AWS::AppMesh::VirtualService
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualServiceName: {name}
      Spec:
        Provider:
          {kind}:
            {kind}Name: !GetAtt {provider}.{kind}Name

"
        )
    }
}

fn virtual_node(service: &ExternalService) -> String {
    let id = logical::virtual_node(&service.name);
    let name = scalar(service.name.as_str());
    let host = scalar(service.host.as_str());
    let listener = port_mapping(service.port, service.protocol);
    let ip_preference = service.ip_preference;
    let tags = tags(service);
    format!(
        "  {id}:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualNodeName: {name}
      Spec:
        Listeners:
{listener}        ServiceDiscovery:
          DNS:
            Hostname: {host}
            IpPreference: {ip_preference}
{tags}
"
    )
}

/// What App Mesh has no property for.
fn tags(service: &ExternalService) -> String {
    let tls = service.tls_unlike_its_port().map(|tls| {
        format!(
            "      Tags:
        - Key: colormesh:tls
          Value: '{tls}'
"
        )
    });
    tls.unwrap_or_default()
}

fn port_mapping(port: u16, protocol: Protocol) -> String {
    format!(
        "          - PortMapping:
              Port: {port}
              Protocol: {protocol}
"
    )
}
