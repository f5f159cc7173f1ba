//! The mesh of the live tests.

use std::collections::BTreeMap;

use colormesh::mesh::Resource;
use serde_json::{Value, json};

/// A host's services: one, or several behind a router. `tls` and `plain` are
/// `tcp` with the tag that says so.
fn host(host: &str, services: &[&(&str, u16, &str)]) -> Vec<Resource> {
    let mut all = Vec::new();
    let (mut listeners, mut name) = (Vec::new(), String::new());
    for (_, port, protocol) in services {
        let (protocol, tags) = match *protocol {
            "tls" => ("tcp", json!([{"Key": "colormesh:tls", "Value": "true"}])),
            "plain" => ("tcp", json!([{"Key": "colormesh:tls", "Value": "false"}])),
            protocol => (protocol, json!([])),
        };
        name = format!("node-{host}-{port}");
        let mapping = json!({"PortMapping": {"Port": port, "Protocol": protocol}});
        let node = json!({"MeshName": "m", "VirtualNodeName": name, "Tags": tags, "Spec": {
            "Listeners": [mapping],
            "ServiceDiscovery": {"DNS": {"Hostname": host, "IpPreference": "IPv4_ONLY"}}}});
        let kind = if protocol == "tcp" {
            "TcpRoute"
        } else {
            "HttpRoute"
        };
        let route = json!({"MeshName": "m", "VirtualRouterName": host, "RouteName": name, "Spec": {
            kind: {"Match": {"Port": port}, "Action": {"WeightedTargets": [
                {"VirtualNode": name, "Weight": 1, "Port": port}]}}}});
        listeners.push(mapping);
        all.push(Resource::new(&name, "AWS::AppMesh::VirtualNode", node));
        if services.len() > 1 {
            all.push(Resource::new(&name, "AWS::AppMesh::Route", route));
        }
    }
    let provider = if services.len() > 1 {
        let router =
            json!({"MeshName": "m", "VirtualRouterName": host, "Spec": {"Listeners": listeners}});
        all.push(Resource::new(host, "AWS::AppMesh::VirtualRouter", router));
        json!({"VirtualRouter": {"VirtualRouterName": host}})
    } else {
        json!({"VirtualNode": {"VirtualNodeName": name}})
    };
    let service =
        json!({"MeshName": "m", "VirtualServiceName": host, "Spec": {"Provider": provider}});
    all.push(Resource::new(host, "AWS::AppMesh::VirtualService", service));
    all
}

/// A node that only calls.
pub(crate) fn caller(name: &str, backends: &[&str]) -> Resource {
    let backends: Vec<Value> = backends
        .iter()
        .map(|host| json!({"VirtualService": {"VirtualServiceName": host}}))
        .collect();
    let node = json!({"MeshName": "m", "Spec": {"Backends": backends}});
    Resource::new(name, "AWS::AppMesh::VirtualNode", node)
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
    let mut hosts: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for service in services {
        hosts.entry(service.0).or_default().push(service);
    }
    for (name, services) in hosts {
        all.extend(host(name, &services));
    }
    all
}
