//! The mesh of the live tests.

use colormesh::mesh::Resource;
use serde_json::{Value, json};

fn service(name: &str, host: &str, port: u16, protocol: &str) -> [Resource; 2] {
    let node = json!({"MeshName": "m", "VirtualNodeName": name, "Spec": {
        "Listeners": [{"PortMapping": {"Port": port, "Protocol": protocol}}],
        "ServiceDiscovery": {"DNS": {"Hostname": host, "IpPreference": "IPv4_ONLY"}}}});
    let service = json!({"MeshName": "m", "VirtualServiceName": host, "Spec": {
        "Provider": {"VirtualNode": {"VirtualNodeName": name}}}});
    [
        Resource::new(name, "AWS::AppMesh::VirtualNode", node),
        Resource::new(host, "AWS::AppMesh::VirtualService", service),
    ]
}

/// A mesh with a gateway, a teller, and the teller's backends.
pub(crate) fn resources(egress: &str, services: &[(&str, u16, &str)]) -> Vec<Resource> {
    let backends: Vec<Value> = services
        .iter()
        .map(|(host, _, _)| json!({"VirtualService": {"VirtualServiceName": host}}))
        .collect();
    let check = json!({"Protocol": "http", "Path": "/ping", "HealthyThreshold": 2,
        "UnhealthyThreshold": 3, "TimeoutMillis": 2000, "IntervalMillis": 5000});
    let mut all = vec![
        Resource::new(
            "m",
            "AWS::AppMesh::Mesh",
            json!({"MeshName": "m",
            "Spec": {"EgressFilter": {"Type": egress}}}),
        ),
        Resource::new(
            "gateway",
            "AWS::AppMesh::VirtualGateway",
            json!({"MeshName": "m",
            "Spec": {"Listeners": [{"PortMapping": {"Port": 80, "Protocol": "http"}}]}}),
        ),
        Resource::new(
            "route",
            "AWS::AppMesh::GatewayRoute",
            json!({"MeshName": "m",
            "VirtualGatewayName": "gateway", "Spec": {"HttpRoute": {"Match": {"Prefix": "/"},
            "Action": {"Target": {"VirtualService": {"VirtualServiceName": "teller.internal"}}}}}}),
        ),
        Resource::new(
            "teller",
            "AWS::AppMesh::VirtualNode",
            json!({"MeshName": "m", "Spec": {
            "Listeners": [{"PortMapping": {"Port": 80, "Protocol": "http"}, "HealthCheck": check}],
            "Backends": backends,
            "ServiceDiscovery": {"DNS": {"Hostname": "teller.internal"}}}}),
        ),
        Resource::new(
            "teller.internal",
            "AWS::AppMesh::VirtualService",
            json!({"MeshName": "m",
            "VirtualServiceName": "teller.internal",
            "Spec": {"Provider": {"VirtualNode": {"VirtualNodeName": "teller"}}}}),
        ),
    ];
    for (host, port, protocol) in services {
        all.extend(service(&format!("node-{host}"), host, *port, protocol));
    }
    all
}
