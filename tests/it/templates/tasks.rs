//! What a container may do in its task, and who may reach it.

use serde_json::Value;

use super::SETTINGS;
use super::evaluated::{Made, list, made, named, of_kind};

const TASK: &str = "AWS::ECS::TaskDefinition";
const ENVOYS_USER: &str = "1337";

#[test]
fn no_container_has_more_than_it_needs() {
    for (title, settings) in SETTINGS {
        let made = made(settings);
        for task in of_kind(&made, TASK) {
            // Shared processes would let the app stop or trace its Envoy.
            for shared in ["PidMode", "IpcMode", "Volumes"] {
                assert!(task.properties.get(shared).is_none(), "{title}: {shared}");
            }
            for container in list(&task.properties, "ContainerDefinitions") {
                check_container(title, container);
            }
        }
        for service in of_kind(&made, "AWS::ECS::Service") {
            assert_eq!(service.properties["EnableExecuteCommand"], false, "{title}");
        }
    }
}

fn check_container(title: &str, container: &Value) {
    let name = &container["Name"];
    let capabilities = &container["LinuxParameters"]["Capabilities"];
    assert_eq!(
        capabilities["Drop"],
        serde_json::json!(["ALL"]),
        "{title}: {name}"
    );
    match capabilities.get("Add") {
        None => {}
        Some(added) => {
            assert_eq!(
                (title, name.as_str()),
                ("an init container", Some("redirect"))
            );
            assert_eq!(*added, serde_json::json!(["NET_ADMIN", "NET_RAW"]));
        }
    }
    for extra in [
        "Privileged",
        "MountPoints",
        "VolumesFrom",
        "DockerSecurityOptions",
    ] {
        assert!(container.get(extra).is_none(), "{title}: {name} {extra}");
    }
}

#[test]
fn the_colour_app_is_a_user_of_its_own_and_writes_nothing() {
    let made = made("");
    let task = named(&made, "ColorTellerWhiteTaskDefinition");
    let containers = list(&task.properties, "ContainerDefinitions");
    let container = |name: &str| {
        let mut all = containers.iter();
        all.find(|each| each["Name"] == name).unwrap()
    };
    let user = container("app")["User"].as_str().unwrap();
    let user = user.split(':').next().unwrap();
    assert!(!["0", "root", ENVOYS_USER].contains(&user), "{user}");
    assert_eq!(container("envoy")["User"], ENVOYS_USER);
    for name in ["app", "envoy"] {
        let read_only = &container(name)["ReadonlyRootFilesystem"];
        assert!(read_only == true || read_only == "true", "{name}");
    }
    let proxy = &task.properties["ProxyConfiguration"];
    let ignored = list(proxy, "ProxyConfigurationProperties")
        .iter()
        .find(|each| each["Name"] == "IgnoredUID")
        .unwrap();
    assert_eq!(ignored["Value"], ENVOYS_USER);
}

/// The ports of Envoy's own listeners and of its admin interface's view.
const ENVOYS_PORTS: [u64; 3] = [9901, 15000, 15001];

#[test]
fn envoys_own_ports_are_reached_by_the_load_balancer_at_most() {
    for (title, settings) in SETTINGS {
        let made = made(settings);
        let group = named(&made, "ECSServiceSecurityGroup");
        let mut rules: Vec<&Value> = list(&group.properties, "SecurityGroupIngress")
            .iter()
            .collect();
        let apart = of_kind(&made, "AWS::EC2::SecurityGroupIngress");
        rules.extend(apart.iter().map(|rule| &rule.properties));
        for rule in rules {
            let port = |name: &str| {
                let text = || rule[name].as_str()?.parse().ok();
                rule[name].as_u64().or_else(text).unwrap()
            };
            let ports = port("FromPort")..=port("ToPort");
            let reached = ENVOYS_PORTS.iter().any(|port| ports.contains(port));
            let exported = "AppMeshExternalExample:PublicLoadBalancerSecurityGroup";
            let balancer = rule["SourceSecurityGroupId"] == exported;
            // Nothing is led to it: the gateway dials it.
            let dialled = title == "ports on loopback" && ports == (15000..=15000);
            assert!(!reached || balancer || dialled, "{title}: {rule}");
        }
    }
}

#[test]
fn only_the_load_balancer_is_open_to_the_world() {
    for (title, settings) in SETTINGS {
        let made = made(settings);
        for group in of_kind(&made, "AWS::EC2::SecurityGroup") {
            let open = |rule: &&Value| rule["CidrIp"] == "0.0.0.0/0";
            let rules = list(&group.properties, "SecurityGroupIngress");
            let is_open = rules.iter().any(|rule| open(&rule));
            assert_eq!(
                is_open,
                group.id == "PublicLoadBalancerSG",
                "{title}: {}",
                group.id
            );
        }
        let apart = of_kind(&made, "AWS::EC2::SecurityGroupIngress");
        let closed = |rule: &&Made| rule.properties["CidrIp"] != "0.0.0.0/0";
        assert!(apart.iter().all(closed), "{title}");
    }
}
