//! Meshes like the walkthrough's, as resources.

use serde_json::{Value, json};

use crate::mesh::Resource;

fn resource(logical_id: &str, kind: &str, properties: Value) -> Resource {
    Resource {
        logical_id: logical_id.to_owned(),
        resource_type: format!("AWS::AppMesh::{kind}"),
        properties,
    }
}

/// An outside service: its resources, the first of them the virtual service.
pub(super) struct External(String, Vec<Resource>);

pub(super) fn external_tcp(name: &str, host: &str, port: u16, via: Option<u16>) -> External {
    let mut resources = vec![node(name, host, port, "tcp")];
    let provider = if let Some(via) = via {
        resources.push(resource(
            &format!("{name}Router"),
            "VirtualRouter",
            json!({"MeshName": "m", "VirtualRouterName": host, "Spec": {"Listeners": [
                {"PortMapping": {"Port": via, "Protocol": "tcp"}}]}}),
        ));
        resources.push(resource(
            &format!("{name}Route"),
            "Route",
            json!({"MeshName": "m", "VirtualRouterName": host, "RouteName": name, "Spec": {
                "TcpRoute": {"Action": {"WeightedTargets": [
                    {"VirtualNode": name, "Weight": 100, "Port": port}]}}}}),
        ));
        json!({"VirtualRouter": {"VirtualRouterName": host}})
    } else {
        json!({"VirtualNode": {"VirtualNodeName": name}})
    };
    resources.push(service(name, host, &provider));
    External(host.to_owned(), resources)
}

pub(super) fn external_http(name: &str, host: &str, port: u16) -> External {
    let provider = json!({"VirtualNode": {"VirtualNodeName": name}});
    External(
        host.to_owned(),
        vec![
            node(name, host, port, "http"),
            service(name, host, &provider),
        ],
    )
}

fn node(name: &str, host: &str, port: u16, protocol: &str) -> Resource {
    resource(
        &format!("{name}Node"),
        "VirtualNode",
        json!({"MeshName": "m", "VirtualNodeName": name, "Spec": {
            "Listeners": [{"PortMapping": {"Port": port, "Protocol": protocol}}],
            "ServiceDiscovery": {"DNS": {"Hostname": host, "IpPreference": "IPv4_ONLY"}}}}),
    )
}

fn service(name: &str, host: &str, provider: &Value) -> Resource {
    resource(
        &format!("{name}Service"),
        "VirtualService",
        json!({"MeshName": "m", "VirtualServiceName": host, "Spec": {"Provider": provider}}),
    )
}

/// The walkthrough's mesh with these outside services.
pub(super) fn mesh(egress: &str, externals: &[External]) -> Vec<Resource> {
    let backends: Vec<Value> = externals
        .iter()
        .map(|External(host, _)| json!({"VirtualService": {"VirtualServiceName": host}}))
        .collect();
    let mut resources = vec![
        resource(
            "Mesh",
            "Mesh",
            json!({"MeshName": "m", "Spec": {"EgressFilter": {"Type": egress}}}),
        ),
        resource(
            "Teller",
            "VirtualNode",
            json!({"MeshName": "m", "VirtualNodeName": "ColorTellerWhite", "Spec": {
                "Listeners": [{
                    "PortMapping": {"Port": 80, "Protocol": "http"},
                    "HealthCheck": {"Protocol": "http", "Path": "/ping", "HealthyThreshold": 2,
                        "UnhealthyThreshold": 3, "TimeoutMillis": 2000, "IntervalMillis": 5000}}],
                "Backends": backends,
                "ServiceDiscovery": {"DNS": {"Hostname": "colorteller.mesh.local"}}}}),
        ),
        service(
            "Teller",
            "colorteller.mesh.local",
            &json!({"VirtualNode": {"VirtualNodeName": "ColorTellerWhite"}}),
        ),
        resource(
            "Gateway",
            "VirtualGateway",
            json!({"MeshName": "m", "VirtualGatewayName": "ColorGateway", "Spec": {
                "Listeners": [{"PortMapping": {"Port": 80, "Protocol": "http"}}]}}),
        ),
        resource(
            "GatewayRoute",
            "GatewayRoute",
            json!({"MeshName": "m", "VirtualGatewayName": "ColorGateway",
                "GatewayRouteName": "ColorGatewayRoute", "Spec": {"HttpRoute": {
                    "Match": {"Prefix": "/"},
                    "Action": {"Target": {"VirtualService": {
                        "VirtualServiceName": "colorteller.mesh.local"}}}}}}),
        ),
    ];
    resources.extend(
        externals
            .iter()
            .flat_map(|External(_, resources)| resources.clone()),
    );
    resources
}
