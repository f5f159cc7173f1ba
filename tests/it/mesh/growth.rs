//! What a change touches, and how much there may be.

use colormesh::envoy::Configuration;
use colormesh::mesh::Resource;
use serde_json::{Value, json};

use super::{compile, listener, mesh, node, resources};

#[test]
fn adding_a_service_changes_no_listener_but_in_its_chains() {
    let all = resources("http_and_plain");
    let few: Vec<Resource> = resources("http_and_plain")
        .into_iter()
        .filter(|resource| !resource.logical_id.starts_with("Mysql"))
        .collect();
    let (before, after) = (
        compile(&mesh(&few), &node("app")),
        compile(&mesh(&all), &node("app")),
    );
    assert!(after.can_follow(&before));
    let bare = |configuration: &Configuration| {
        let mut config: Value = serde_json::from_str(&configuration.static_rendering()).unwrap();
        let listeners = config["static_resources"]["listeners"]
            .as_array_mut()
            .unwrap();
        for listener in listeners.iter_mut() {
            listener["filter_chains"] = Value::Null;
        }
        config["static_resources"]["listeners"].clone()
    };
    assert_eq!(bare(&before), bare(&after));
    for (name, address) in before.names() {
        assert_eq!(after.names()[name], *address);
    }
}

#[test]
fn five_thousand_services() {
    let mut resources = vec![Resource::new(
        "Mesh",
        "AWS::AppMesh::Mesh",
        json!({"MeshName": "m"}),
    )];
    let mut backends = Vec::new();
    for index in 0..5000 {
        let host = format!("host{index}.example");
        resources.push(Resource::new(
            &format!("Node{index}"),
            "AWS::AppMesh::VirtualNode",
            json!({"MeshName": "m", "Spec": {
                "Listeners": [{"PortMapping": {"Port": 443, "Protocol": "tcp"}}],
                "ServiceDiscovery": {"DNS": {"Hostname": host}}}}),
        ));
        resources.push(Resource::new(
            &format!("Service{index}"),
            "AWS::AppMesh::VirtualService",
            json!({"MeshName": "m", "VirtualServiceName": host, "Spec": {"Provider": {
                "VirtualNode": {"VirtualNodeName": format!("Node{index}")}}}}),
        ));
        backends.push(json!({"VirtualService": {"VirtualServiceName": host}}));
    }
    resources.push(Resource::new(
        "App",
        "AWS::AppMesh::VirtualNode",
        json!({"MeshName": "m", "Spec": {"Backends": backends}}),
    ));
    let compiled = compile(&mesh(&resources), &node("App"));
    let config: Value = serde_json::from_str(&compiled.static_rendering()).unwrap();
    let egress = listener(&config, "lds_egress_0.0.0.0_15001");
    assert_eq!(egress["filter_chains"].as_array().unwrap().len(), 5000);
    // Theirs, the one that leads nowhere, and the admin interface's.
    assert_eq!(
        config["static_resources"]["clusters"]
            .as_array()
            .unwrap()
            .len(),
        5002
    );
    assert_eq!(compiled.names().len(), 5000);
}
