//! A mesh with an app and so many external services.

use std::ops::Range;
use std::sync::Arc;

use colormesh::mesh::{MeshName, ProxyId, Resource, VirtualNodeName};
use serde_json::{Value, json};

pub(crate) const DOMAIN: &str = "internal";

/// The name of the mesh of a task.
pub(crate) fn name(task: u8) -> MeshName {
    MeshName::new(format!("m{task}"))
}

pub(crate) fn app() -> ProxyId {
    ProxyId::VirtualNode(VirtualNodeName::new("app"))
}

/// The host of an external service.
pub(crate) fn host(index: usize) -> String {
    format!("s{index}.outside.test")
}

/// The mesh of a task, whose external services are these.
pub(crate) fn resources(task: u8, services: Range<usize>) -> Vec<Arc<Resource>> {
    let mesh_name = format!("m{task}");
    let backends: Vec<Value> = services
        .clone()
        .map(|index| json!({"VirtualService": {"VirtualServiceName": host(index)}}))
        .collect();
    let mesh = json!({"MeshName": mesh_name, "Spec": {"EgressFilter": {"Type": "DROP_ALL"}}});
    let app = json!({"MeshName": mesh_name, "VirtualNodeName": "app", "Spec": {
        "Listeners": [{"PortMapping": {"Port": crate::app::PORT, "Protocol": "http"}}],
        "Backends": backends,
        "ServiceDiscovery": {"DNS": {"Hostname": "app.internal"}}}});
    let mut all = vec![
        Resource::new("m", "AWS::AppMesh::Mesh", mesh),
        Resource::new("app", "AWS::AppMesh::VirtualNode", app),
    ];
    all.extend(services.flat_map(|index| external(&mesh_name, index)));
    all.into_iter().map(Arc::new).collect()
}

fn external(mesh_name: &str, index: usize) -> [Resource; 2] {
    let host = host(index);
    let node = json!({"MeshName": mesh_name, "VirtualNodeName": format!("n{index}"), "Spec": {
        "Listeners": [{"PortMapping": {"Port": 443, "Protocol": "tcp"}}],
        "ServiceDiscovery": {"DNS": {"Hostname": host, "IpPreference": "IPv4_ONLY"}}}});
    let service = json!({"MeshName": mesh_name, "VirtualServiceName": host, "Spec": {
        "Provider": {"VirtualNode": {"VirtualNodeName": format!("n{index}")}}}});
    [
        Resource::new(&format!("node{index}"), "AWS::AppMesh::VirtualNode", node),
        Resource::new(
            &format!("service{index}"),
            "AWS::AppMesh::VirtualService",
            service,
        ),
    ]
}
