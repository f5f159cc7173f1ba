//! Large templates: each resource costs the same, however many there are.

use super::account::Formation;
use aws_sdk_cloudformation::types::{ChangeSetStatus, ChangeSetType};
use std::time::{Duration, Instant};

/// A node, a router with a route, and a service for each of so many hosts.
fn mesh(services: usize) -> String {
    let mut resources = serde_json::Map::new();
    let mut add = |name: String, kind: &str, properties: serde_json::Value| {
        let resource = serde_json::json!({ "Type": format!("AWS::AppMesh::{kind}"), "Properties": properties });
        resources.insert(name, resource);
    };
    add(
        "Mesh".to_owned(),
        "Mesh",
        serde_json::json!({ "MeshName": "mesh" }),
    );
    let mesh = serde_json::json!({ "Fn::GetAtt": ["Mesh", "MeshName"] });
    for index in 0..services {
        let (node, service) = (format!("Node{index}"), format!("Service{index}"));
        let discovery =
            serde_json::json!({ "DNS": { "Hostname": format!("host{index}.example.com") } });
        let listener = serde_json::json!([{ "PortMapping": { "Port": 443, "Protocol": "tcp" } }]);
        let spec = serde_json::json!({ "Listeners": listener, "ServiceDiscovery": discovery });
        add(
            node.clone(),
            "VirtualNode",
            serde_json::json!({ "MeshName": mesh, "Spec": spec }),
        );
        let router = format!("Router{index}");
        add(
            router.clone(),
            "VirtualRouter",
            serde_json::json!({ "MeshName": mesh, "Spec": { "Listeners": listener } }),
        );
        let provider = serde_json::json!({ "VirtualNode": { "VirtualNodeName": { "Fn::GetAtt": [node, "VirtualNodeName"] } } });
        add(
            service,
            "VirtualService",
            serde_json::json!({
                "MeshName": mesh,
                "VirtualServiceName": format!("host{index}.example.com"),
                "Spec": { "Provider": provider }
            }),
        );
    }
    serde_json::json!({ "Resources": resources }).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_resources_take_seconds() {
    let formation = Formation::start().await;
    let template = mesh(1500);
    let started = Instant::now();
    let made = formation
        .change_set("mesh", ChangeSetType::Create, &template)
        .await;
    assert_eq!(made.0, ChangeSetStatus::CreateComplete, "{}", made.1);
    let computed = started.elapsed();
    let call = formation
        .client
        .execute_change_set()
        .stack_name("mesh")
        .change_set_name("set");
    call.send().await.unwrap();
    assert_eq!(formation.rest("mesh").await.0, "CREATE_COMPLETE");
    let created = started.elapsed();
    let unchanged = formation
        .change_set("mesh", ChangeSetType::Update, &template)
        .await;
    assert_eq!(unchanged.0, ChangeSetStatus::Failed);
    let compared = started.elapsed();
    assert_eq!(formation.delete("mesh").await.0, "DELETE_COMPLETE");
    let deleted = started.elapsed();
    let times = format!(
        "computed {computed:?}, created {created:?}, compared {compared:?}, deleted {deleted:?}"
    );
    assert!(deleted < Duration::from_secs(60), "{times}");
}
