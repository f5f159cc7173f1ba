//! What the stacks carry.

use serde_json::Value;

use super::{envoy, words};
use crate::project::Project;
use crate::templates::evaluated::{Made, list, made, named};

const TELLER: &str = "ColorTellerWhiteTaskDefinition";
const GATEWAY: &str = "ColorGatewayTaskDefinition";
/// What ECS takes of a task definition.
const LONGEST_DEFINITION: usize = 64 * 1024;
/// What CloudFormation takes of a template.
const LONGEST_TEMPLATE: u64 = 51_200;

fn settings(services: usize) -> String {
    let services: String = (0..services)
        .map(|number| format!("  - {{ name: s{number}, host: host-{number}.example.com }}\n"))
        .collect();
    format!("mesh: {{ runtime: envoy }}\nexternal_services:\n{services}")
}

fn configuration(container: &Value) -> Value {
    let command = words(&container["Command"]);
    assert_eq!(command[0], "--config-yaml");
    serde_json::from_str(command[1]).unwrap()
}

fn check_size(made: &[Made]) {
    for task in [TELLER, GATEWAY] {
        let size = named(made, task).properties.to_string().len();
        assert!(size < LONGEST_DEFINITION, "{task}: {size}");
    }
}

#[test]
fn the_configuration_stands_in_the_task_definition() {
    let made = made("mesh: { runtime: envoy }\n");
    check_size(&made);
    for task in [TELLER, GATEWAY] {
        let container = envoy(&made, task);
        assert_eq!(words(&container["EntryPoint"]), ["envoy"]);
        assert!(container.get("Environment").is_none(), "{container}");
        let listeners = &configuration(container)["static_resources"]["listeners"];
        assert!(listeners.as_array().unwrap().len() >= 2);
    }
    let redirection = &named(&made, TELLER).properties["ProxyConfiguration"];
    assert_eq!(redirection["ContainerName"], "envoy");
}

/// AWS refuses them since App Mesh has ended.
#[test]
fn nothing_of_app_mesh_is_made() {
    let made = made("mesh: { runtime: envoy }\n");
    let of_app_mesh = made
        .iter()
        .filter(|each| each.kind.starts_with("AWS::AppMesh::"));
    assert_eq!(of_app_mesh.count(), 0);
    let handle = named(&made, "MeshRecord");
    assert_eq!(handle.kind, "AWS::CloudFormation::WaitConditionHandle");
}

/// Not even to be asked, and nothing that a task could do there.
#[test]
fn without_app_mesh_a_task_has_no_permission_at_all() {
    let of_app_mesh = |settings: &str| {
        let made = made(settings);
        let role = named(&made, "TaskIamRole");
        let names = named(&made, "AwsNames").properties.to_string();
        let policies = list(&role.properties, "Policies").len();
        (policies, names.contains("appmesh"))
    };
    assert_eq!(of_app_mesh("mesh: { runtime: app-mesh }\n"), (1, true));
    assert_eq!(of_app_mesh("mesh: { runtime: envoy }\n"), (0, false));
}

#[test]
fn the_mesh_stack_says_what_was_compiled() {
    let project = Project::new().file("colormesh.yaml", "mesh: { runtime: envoy }\n");
    let said = project.run(&["render", "mesh"]).code(0).stdout;
    assert!(said.contains("\"VirtualNodeName\": \"github\""), "{said}");
    assert!(said.contains("ColorTellerWhiteConfiguration:"), "{said}");
    assert!(said.contains("  MeshName:\n    Description"), "{said}");
}

#[test]
fn the_same_settings_give_the_same_stacks() {
    let text = |services| {
        let project = Project::new().file("colormesh.yaml", &settings(services));
        project.run(&["render", "--output", "json"]).code(0).stdout
    };
    for services in [3, 5000] {
        assert_eq!(text(services), text(services));
    }
}

#[test]
fn many_services_share_a_chain_so_that_they_fit() {
    for services in [8, 100, 400] {
        let settings = settings(services);
        let made = made(&settings);
        check_size(&made);
        let text = configuration(envoy(&made, TELLER)).to_string();
        assert!(text.contains(&format!("host-{}.example.com", services - 1)));
        let project = Project::new().file("colormesh.yaml", &settings);
        project.run(&["render", "--output-dir", "out"]).code(0);
        for stack in ["mesh", "ecs-service"] {
            let file = project.path().join(format!("out/{stack}.yaml"));
            let size = file.metadata().unwrap().len();
            assert!(size <= LONGEST_TEMPLATE, "{services}: {stack} {size}");
        }
    }
}

/// 5,000 services are in an image of ours, and the list that the app is told
/// is in its own.
#[test]
fn what_is_too_long_is_in_an_image() {
    let made = made(&settings(5000));
    check_size(&made);
    let container = envoy(&made, TELLER);
    let command = words(&container["Command"]);
    assert_eq!(command[..2], ["-c", "/etc/colormesh/envoy.json"]);
    assert_eq!(words(&container["EntryPoint"]), ["envoy"]);
    // The gateway calls none of them.
    configuration(envoy(&made, GATEWAY));
    let containers = list(&named(&made, TELLER).properties, "ContainerDefinitions");
    let app = containers
        .iter()
        .find(|each| each["Name"] == "app")
        .unwrap();
    assert!(!app["Environment"].to_string().contains("EXTERNAL_SERVICES"));
}
