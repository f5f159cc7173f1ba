#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::config::{Caller, Config, ExternalService, IpPreference, Protocol};
use crate::diag::Source;
use crate::template::Template;
use crate::yaml::{self, Node};

fn service(name: &str, host: &str, port: u16) -> ExternalService {
    ExternalService {
        name: name.parse().unwrap(),
        host: host.parse().unwrap(),
        port,
        protocol: Protocol::Tcp,
        tls: matches!(port, 443 | 8443),
        nodes: [Caller::App].into(),
        ip_preference: IpPreference::Ipv4Only,
        via_port: None,
        local_port: None,
    }
}

fn with_services(services: Vec<ExternalService>) -> Config {
    Config {
        external_services: services,
        ..Config::default()
    }
}

fn stack(config: &Config, role: Role) -> RenderedStack {
    let stacks = render(config).unwrap();
    stacks.into_iter().find(|stack| stack.role == role).unwrap()
}

fn tree(stack: &RenderedStack) -> Node {
    yaml::parse(&Arc::new(Source::new(
        stack.role.file_name(),
        stack.template.as_str(),
    )))
    .unwrap()
}

fn resources(stack: &RenderedStack, resource_type: &str) -> Vec<String> {
    let tree = tree(stack);
    let resources = tree.get("Resources").unwrap().entries();
    resources
        .iter()
        .filter(|(_, resource)| resource.get("Type").unwrap().as_str() == Some(resource_type))
        .map(|(id, _)| id.text.clone())
        .collect()
}

/// The values of the app's variables, joined.
fn told_services(stack: &RenderedStack) -> Vec<(String, String)> {
    let tree = tree(stack);
    let definition = tree
        .get("Resources")
        .unwrap()
        .get("ColorTellerWhiteTaskDefinition")
        .unwrap();
    let containers = definition
        .get("Properties")
        .unwrap()
        .get("ContainerDefinitions")
        .unwrap();
    let variables = containers.items()[0].get("Environment").unwrap().items();
    variables
        .iter()
        .map(|each| {
            ["Name", "Value"].map(|key| each.get(key).unwrap().as_str().unwrap().to_owned())
        })
        .filter(|[name, _]| name.starts_with("EXTERNAL_SERVICES"))
        .map(|[name, value]| (name, value))
        .collect()
}

#[test]
fn the_default_is_the_templates_as_they_stand() {
    for stack in render(&Config::default()).unwrap() {
        assert_eq!(stack.template, stack.role.template(), "{}", stack.role);
    }
}

#[test]
fn the_walkthroughs_names_stay_and_others_stand_beside_them() {
    let names: BTreeSet<String> = render(&Config::default())
        .unwrap()
        .iter()
        .map(|stack| stack.name.to_string())
        .collect();
    let expected = [
        "ecr-repositories",
        "ecs-cluster",
        "ecs-service",
        "ingress",
        "mesh",
        "nat",
        "vpc",
    ];
    assert_eq!(
        names,
        expected
            .map(|name| format!("AppMeshExternalExample-{name}"))
            .into()
    );
}

#[test]
fn every_import_has_an_exporter_and_the_order_follows() {
    let stacks = render(&Config::default()).unwrap();
    let exports: BTreeSet<&String> = stacks.iter().flat_map(|stack| &stack.exports).collect();
    for stack in &stacks {
        for import in &stack.imports {
            assert!(exports.contains(import), "{} imports {import}", stack.name);
        }
    }
    let needs = Needs::of(&stacks);
    let of = |role: Role| -> Vec<String> {
        let name = role.stack_name(&Config::default());
        needs
            .of_stack(&name)
            .map(|need| need.as_str().replace("AppMeshExternalExample-", ""))
            .collect()
    };
    assert_eq!(of(Role::Vpc), [""; 0]);
    assert_eq!(of(Role::Mesh), [""; 0]);
    assert_eq!(of(Role::EcrRepositories), [""; 0]);
    assert_eq!(of(Role::EcsCluster), ["vpc"]);
    // Nothing but the tasks waits for the way out or the way in.
    assert_eq!(of(Role::Nat), ["vpc"]);
    assert_eq!(of(Role::Ingress), ["vpc"]);
    assert_eq!(
        of(Role::EcsService),
        ["ecs-cluster", "ingress", "mesh", "nat", "vpc"]
    );
    let mut backwards = stacks.clone();
    backwards.reverse();
    let ordered = order(&backwards);
    let place = |role: Role| {
        let name = role.stack_name(&Config::default());
        ordered.iter().position(|each| *each == name).unwrap()
    };
    assert!(place(Role::Vpc) < place(Role::EcsCluster));
    assert!(place(Role::EcsCluster) < place(Role::EcsService));
    assert!(place(Role::Mesh) < place(Role::EcsService));
}

#[test]
fn without_external_services_the_app_has_no_backends() {
    let config = with_services(Vec::new());
    let mesh = stack(&config, Role::Mesh);
    assert_eq!(
        resources(&mesh, "AWS::AppMesh::VirtualNode"),
        ["ColorTellerVirtualNode"]
    );
    assert!(!mesh.template.contains("Backends:"));
    assert_eq!(told_services(&stack(&config, Role::EcsService)), []);
}

#[test]
fn five_thousand_services_are_as_many_nodes() {
    let services = (0..5000).map(|n| service(&format!("s{n}"), &format!("h{n}.example.com"), 443));
    let config = with_services(services.collect());
    let mesh = stack(&config, Role::Mesh);
    assert_eq!(resources(&mesh, "AWS::AppMesh::VirtualNode").len(), 5001);
    assert_eq!(resources(&mesh, "AWS::AppMesh::VirtualService").len(), 5001);
    assert_eq!(mesh.template.matches("- VirtualService:").count(), 5000);
    let told = told_services(&stack(&config, Role::EcsService));
    let names: Vec<&str> = told.iter().take(2).map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["EXTERNAL_SERVICES", "EXTERNAL_SERVICES_2"]);
    assert!(told.iter().all(|(_, value)| value.len() <= 32 * 1024));
    let entries: Vec<&str> = told
        .iter()
        .flat_map(|(_, value)| value.split(' '))
        .collect();
    assert_eq!(entries.len(), 5000);
    assert_eq!(entries[4999], "s4999=https://h4999.example.com/");
}

#[test]
fn awkward_names_keep_their_own_resources() {
    let names = ["a-b", "ab-c", "a_bc", "true", "null", "External"];
    let hosts = [
        "a-b.test",
        "a.b.test",
        "ab.test",
        "1.e3.test",
        "no.test",
        "1password.com",
    ];
    let services = names
        .iter()
        .zip(hosts)
        .map(|(name, host)| service(name, host, 443));
    // What the settings would have refused for their ids is left out.
    let config = with_services(services.filter(|each| each.name != "a_bc").collect());
    let mesh = stack(&config, Role::Mesh);
    let tree = tree(&mesh);
    let node = tree
        .get("Resources")
        .unwrap()
        .get("ExternalTrueVirtualNode")
        .unwrap();
    let name = node
        .get("Properties")
        .unwrap()
        .get("VirtualNodeName")
        .unwrap();
    assert_eq!((name.as_str(), name.as_bool()), (Some("true"), None));
    assert_eq!(resources(&mesh, "AWS::AppMesh::VirtualNode").len(), 6);
    assert_eq!(resources(&mesh, "AWS::AppMesh::VirtualService").len(), 6);
}

#[test]
fn services_on_one_host_share_its_virtual_service() {
    let mut web = service("web", "x.example.com", 80);
    web.protocol = Protocol::Http;
    let config = with_services(vec![web, service("ssh", "x.example.com", 22)]);
    let mesh = stack(&config, Role::Mesh);
    assert_eq!(
        resources(&mesh, "AWS::AppMesh::VirtualRouter"),
        ["ExternalXExampleComVirtualRouter"]
    );
    assert_eq!(
        resources(&mesh, "AWS::AppMesh::Route"),
        ["ExternalWebRoute", "ExternalSshRoute"]
    );
    assert_eq!(resources(&mesh, "AWS::AppMesh::VirtualService").len(), 2);
    assert!(
        mesh.template.contains(
            "HttpRoute:\n          Match:\n            Prefix: /\n            Port: 80\n"
        )
    );
    assert!(
        mesh.template
            .contains("TcpRoute:\n          Match:\n            Port: 22\n")
    );
}

#[test]
fn a_service_does_not_move_another() {
    let two = Config::default();
    let mut three = two.clone();
    three
        .external_services
        .insert(0, service("first", "first.example.com", 8443));
    let before = tree(&stack(&two, Role::Mesh));
    let after = tree(&stack(&three, Role::Mesh));
    let after = after.get("Resources").unwrap();
    for (id, resource) in before.get("Resources").unwrap().entries() {
        let same = yaml::to_json(after.get(&id.text).unwrap()) == yaml::to_json(resource);
        assert_eq!(same, id.text != "ColorTellerVirtualNode", "{}", id.text);
    }
}

#[test]
fn what_app_mesh_has_no_property_for_is_a_tag() {
    let odd = ExternalService {
        tls: true,
        ..service("odd", "odd.example.com", 5432)
    };
    let plain = ExternalService {
        tls: false,
        ..service("plain", "plain.example.com", 443)
    };
    let usual = service("usual", "usual.example.com", 443);
    let mesh = stack(&with_services(vec![odd, plain, usual]), Role::Mesh);
    let tree = tree(&mesh);
    let resources = tree.get("Resources").unwrap();
    let tags = |id: &str| {
        let node = resources.get(id).unwrap().get("Properties").unwrap();
        node.get("Tags").map(yaml::to_json)
    };
    let tls = |value: &str| Some(serde_json::json!([{"Key": "colormesh:tls", "Value": value}]));
    assert_eq!(tags("ExternalOddVirtualNode"), tls("true"));
    assert_eq!(tags("ExternalPlainVirtualNode"), tls("false"));
    assert_eq!(tags("ExternalUsualVirtualNode"), None);
}

#[test]
fn a_service_that_no_node_may_call_is_in_the_mesh_and_nowhere_else() {
    let nobodys = ExternalService {
        nodes: BTreeSet::new(),
        ..service("nobodys", "nobody.example.com", 443)
    };
    let config = with_services(vec![nobodys, service("apps", "app.example.com", 443)]);
    let mesh = stack(&config, Role::Mesh);
    let backend =
        |host: &str| format!("VirtualServiceName: !GetAtt External{host}VirtualService.V");
    assert!(!mesh.template.contains(&backend("NobodyExampleCom")));
    assert!(mesh.template.contains(&backend("AppExampleCom")));
    assert!(
        mesh.template
            .contains("VirtualServiceName: nobody.example.com")
    );
    let told = told_services(&stack(&config, Role::EcsService));
    assert!(
        told.iter().all(|(_, value)| !value.contains("nobody")),
        "{told:?}"
    );
}

#[test]
fn a_wildcard_is_a_host_of_that_name() {
    let config = with_services(vec![service("any", "*.example.com", 443)]);
    let mesh = stack(&config, Role::Mesh);
    for expected in [
        "VirtualServiceName: '*.example.com'",
        "Hostname: '*.example.com'",
    ] {
        assert!(mesh.template.contains(expected), "{}", mesh.template);
    }
    let told = told_services(&stack(&config, Role::EcsService));
    assert_eq!(told[0].1, "any=https://www.example.com/");
}

#[test]
fn the_apps_own_name_is_not_taken() {
    let config = with_services(vec![service("ColorTellerWhite", "x.example.com", 443)]);
    let error = render(&config).unwrap_err();
    assert!(error.to_string().contains("`ColorTellerWhite`"), "{error}");
}

#[test]
fn every_parameter_is_one_of_the_template() {
    for stack in render(&Config::default()).unwrap() {
        let tree = tree(&stack);
        let declared = tree.get("Parameters").unwrap();
        for name in stack.parameters.keys() {
            assert!(declared.get(name).is_some(), "{} has no {name}", stack.name);
        }
        for (name, parameter) in declared.entries() {
            let given =
                stack.parameters.contains_key(&name.text) || parameter.get("Default").is_some();
            assert!(given, "{} lacks {}", stack.name, name.text);
        }
    }
}

#[test]
fn port_22_is_open_to_nobody_by_default() {
    for role in Role::ALL {
        let lines: Vec<&str> = role.template().lines().map(str::trim).collect();
        for (index, _) in lines
            .iter()
            .enumerate()
            .filter(|(_, line)| **line == "FromPort: 22")
        {
            let near = &lines[index.saturating_sub(4)..lines.len().min(index + 4)];
            assert!(near.contains(&"CidrIp: !Ref SshFrom"), "{near:?}");
        }
    }
    let cluster = stack(&Config::default(), Role::EcsCluster);
    assert!(!cluster.parameters.contains_key("SshFrom"));
}

#[test]
fn the_minified_template_says_the_same() {
    for stack in render(&Config::default()).unwrap() {
        let json: serde_json::Value = serde_json::from_str(&stack.minified()).unwrap();
        assert_eq!(json, yaml::to_json(&tree(&stack)));
        assert!(stack.minified().len() < stack.template.len());
    }
}

#[test]
fn the_template_room_takes_what_is_rendered() {
    let mut config = Config::default();
    config.vpc.nat = crate::config::Nat::None;
    config.app.port = 8080;
    config
        .external_services
        .push(service("a-b", "1.e3.test", 5432));
    for config in [Config::default(), with_services(Vec::new()), config] {
        for stack in render(&config).unwrap() {
            for text in [stack.template.clone(), stack.minified()] {
                let source = Arc::new(Source::new(stack.role.file_name(), text));
                Template::parse(&source).unwrap();
            }
        }
    }
}

#[test]
fn tasks_with_public_addresses_import_the_public_subnets() {
    let mut config = Config::default();
    let private = "AppMeshExternalExample:PrivateSubnet1";
    assert!(stack(&config, Role::EcsService).imports.contains(private));
    config.vpc.nat = crate::config::Nat::None;
    assert!(!stack(&config, Role::EcsService).imports.contains(private));
}

#[test]
fn hosts_without_end_are_refused_before_aws_does() {
    let services =
        (0..70_000).map(|n| service(&format!("s{n}"), &format!("h{n}.example.com"), 443));
    let error = render(&with_services(services.collect())).unwrap_err();
    assert!(error.to_string().contains("70000 hosts"), "{error}");
}
