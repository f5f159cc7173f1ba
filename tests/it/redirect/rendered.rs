//! What the stacks have.

use serde_json::{Value, json};

use crate::templates::evaluated::{Made, list, made, named, of_kind};

const TELLER: &str = "ColorTellerWhiteTaskDefinition";
const INIT_CONTAINER: &str = "mesh: { redirect: init-container }\ncapacity_provider: own\n";

fn container<'a>(made: &'a [Made], name: &str) -> &'a Value {
    let containers = list(&named(made, TELLER).properties, "ContainerDefinitions");
    containers.iter().find(|each| each["Name"] == name).unwrap()
}

/// What the app is told, as name and port.
fn told(made: &[Made]) -> Vec<(String, u64)> {
    let variables = list(container(made, "app"), "Environment").iter();
    let mut ports = variables.filter(|it| it["Name"] == "LOCAL_PORTS");
    let value = ports.next().unwrap()["Value"].as_str().unwrap();
    let entries = value.split(' ').map(|entry| entry.split_once('=').unwrap());
    entries
        .map(|(name, port)| (name.to_owned(), port.parse().unwrap()))
        .collect()
}

#[test]
fn the_app_is_told_the_ports_at_which_its_envoy_listens() {
    let made = made("mesh: { redirect: ports }\n");
    let task = &named(&made, TELLER).properties;
    assert!(task.get("ProxyConfiguration").is_none());
    assert_eq!(task["RequiresCompatibilities"], json!(["FARGATE"]));
    let command = container(&made, "envoy")["Command"][1].as_str().unwrap();
    let configuration: Value = serde_json::from_str(command).unwrap();
    let listeners = list(&configuration["static_resources"], "listeners");
    let on_loopback = listeners.iter().filter_map(|listener| {
        let socket = &listener["address"]["socket_address"];
        let names = &listener["filter_chains"][0]["filter_chain_match"]["server_names"];
        let name = names[0].as_str()?.to_owned();
        (socket["address"] == "127.0.0.1").then(|| (name, socket["port_value"].as_u64().unwrap()))
    });
    let mut on_loopback: Vec<(String, u64)> = on_loopback.collect();
    on_loopback.sort();
    let hosts = |name: String| match name.as_str() {
        "github" => "github.com".to_owned(),
        _ => "go.dev".to_owned(),
    };
    let mut told: Vec<_> = told(&made)
        .into_iter()
        .map(|(name, port)| (hosts(name), port))
        .collect();
    told.sort();
    assert_eq!(told.len(), 2);
    assert_eq!(on_loopback, told);
}

#[test]
fn an_image_of_the_users_own_is_told_the_ports_too() {
    let own = "mesh: { redirect: ports }\napp: { image: 'ghcr.io/example/app:1' }\n";
    assert_eq!(told(&made(own)).len(), 2);
}

/// As what ECS would be told to redirect, word for word.
#[test]
fn the_first_container_redirects_what_ecs_would() {
    let ecs = made("mesh: { runtime: envoy }\n");
    let proxy = &named(&ecs, TELLER).properties["ProxyConfiguration"];
    let of_ecs = |name: &str| {
        let properties = list(proxy, "ProxyConfigurationProperties");
        let found = properties.iter().find(|it| it["Name"] == name);
        found.unwrap()["Value"].to_string().replace('"', "")
    };
    let made = made(INIT_CONTAINER);
    assert!(
        named(&made, TELLER)
            .properties
            .get("ProxyConfiguration")
            .is_none()
    );
    let redirect = container(&made, "redirect");
    assert_eq!(redirect["Essential"], false);
    for (name, of) in [
        ("APPMESH_IGNORE_UID", "IgnoredUID"),
        ("APPMESH_ENVOY_INGRESS_PORT", "ProxyIngressPort"),
        ("APPMESH_ENVOY_EGRESS_PORT", "ProxyEgressPort"),
        ("APPMESH_APP_PORTS", "AppPorts"),
        ("APPMESH_EGRESS_IGNORED_IP", "EgressIgnoredIPs"),
    ] {
        let variables = list(redirect, "Environment");
        let found = variables.iter().find(|it| it["Name"] == name).unwrap();
        assert_eq!(
            found["Value"].to_string().replace('"', ""),
            of_ecs(of),
            "{name}"
        );
    }
    let waits = json!({ "ContainerName": "redirect", "Condition": "SUCCESS" });
    for other in ["app", "envoy"] {
        let waited = list(container(&made, other), "DependsOn");
        assert!(waited.contains(&waits), "{other}: {waited:?}");
    }
}

#[test]
fn tasks_of_an_own_capacity_provider_are_for_ec2() {
    let made = made(INIT_CONTAINER);
    let cluster = named(&made, "ECSCluster");
    assert_eq!(cluster.properties["CapacityProviders"], json!(["own"]));
    for service in of_kind(&made, "AWS::ECS::Service") {
        assert!(service.properties.get("LaunchType").is_none());
        let strategy = list(&service.properties, "CapacityProviderStrategy");
        assert_eq!(strategy[0]["CapacityProvider"], "own");
    }
    for task in of_kind(&made, "AWS::ECS::TaskDefinition") {
        assert_eq!(task.properties["RequiresCompatibilities"], json!(["EC2"]));
        assert_eq!(task.properties["NetworkMode"], "awsvpc");
    }
}
