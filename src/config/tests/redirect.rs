//! How the app's connections come to Envoy.

#![expect(clippy::unwrap_used, reason = "tests")]
use std::collections::BTreeSet;

use super::{load_file, mistakes};
use crate::config::{MeshRuntime, Redirect};
use insta::assert_snapshot;

fn ports(file: &str) -> Vec<u16> {
    let config = load_file(&format!("mesh: {{ redirect: ports }}\n{file}")).unwrap();
    let services = config.external_services.iter();
    services.map(|it| it.local_port.unwrap()).collect()
}

fn services(names: impl IntoIterator<Item = String>) -> String {
    let items = names.into_iter();
    let items = items.map(|name| format!("- {{ name: {name}, host: {name}.example }}\n"));
    format!("external_services:\n{}", items.collect::<String>())
}

#[test]
fn without_it_nothing_has_a_port_on_loopback() {
    let file = "external_services: [{ name: a, host: a.example, local_port: 7000 }]";
    let config = load_file(file).unwrap();
    assert_eq!(config.mesh.redirect, Redirect::ProxyConfiguration);
    assert_eq!(config.mesh.runtime, MeshRuntime::Auto);
    assert_eq!(config.external_services[0].local_port, None);
}

#[test]
fn ports_are_for_envoys_that_are_configured_here() {
    let config = load_file("mesh: { redirect: ports }").unwrap();
    assert_eq!(config.mesh.runtime, MeshRuntime::Envoy);
    assert_snapshot!(mistakes("mesh: { redirect: ports, runtime: app-mesh }\n"), @r"
    error: `redirect: ports` is for Envoys that are configured here, and `mesh.runtime` is `app-mesh`
     --> colormesh.yaml:1:19
      |
    1 | mesh: { redirect: ports, runtime: app-mesh }
      |                   ^^^^^
      |
      = help: write `runtime: envoy`, or leave `redirect` out for ECS's `ProxyConfiguration`

    warning: with `ports` an app that connects elsewhere is not stopped by Envoy, nor noted: on AWS the security group (443 and the modelled ports, to any host) and the DNS firewall alone hold it
     --> colormesh.yaml:1:19
      |
    1 | mesh: { redirect: ports, runtime: app-mesh }
      |                   ^^^^^
      |
      = help: write `proxy-configuration` unless ECS refuses it
    ");
}

#[test]
fn ports_cannot_let_everything_out() {
    assert_snapshot!(mistakes("mesh: { redirect: ports, egress: ALLOW_ALL }\n"), @r"
    error: with `ports` nothing leads to Envoy but what is modelled, so it can let nothing else out
     --> colormesh.yaml:1:19
      |
    1 | mesh: { redirect: ports, egress: ALLOW_ALL }
      |                   ^^^^^
      |
      = help: leave `mesh.egress` out, or write `redirect: proxy-configuration`
    ");
}

#[test]
fn a_port_stays_when_services_are_added_behind() {
    let name = |number| format!("s{number}");
    let few = ports(&services((0..300).map(name)));
    let many = ports(&services((0..5000).map(name)));
    assert_eq!(few[..], many[..300]);
    let distinct: BTreeSet<u16> = many.iter().copied().collect();
    assert_eq!(distinct.len(), 5000);
    assert!(many.iter().all(|port| (20_000..30_000).contains(port)));
    // Nor does one that is written move others.
    let with = services((0..300).map(name)) + "- { name: x, host: x.example, local_port: 80 }\n";
    let with = ports(&format!("app: {{ port: 8080 }}\n{with}"));
    assert_eq!(with[..300], few[..]);
    assert_eq!(with[300], 80);
}

#[test]
fn a_port_is_for_one() {
    let port = ports(&services(["a".to_owned()]))[0];
    let file = format!(
        "mesh: {{ redirect: ports }}
external_services:
  - {{ name: a, host: a.example }}
  - {{ name: b, host: b.example, local_port: {port} }}
  - {{ name: c, host: c.example, local_port: 5432 }}
  - {{ name: d, host: d.example, local_port: 5432 }}
  - {{ name: e, host: e.example, local_port: 15000 }}
  - {{ name: f, host: f.example, local_port: 80 }}
"
    );
    assert_snapshot!(mistakes(&file), @r"
    warning: with `ports` an app that connects elsewhere is not stopped by Envoy, nor noted: on AWS the security group (443 and the modelled ports, to any host) and the DNS firewall alone hold it
     --> colormesh.yaml:1:19
      |
    1 | mesh: { redirect: ports }
      |                   ^^^^^
      |
      = help: write `proxy-configuration` unless ECS refuses it

    error: port 21863 on 127.0.0.1 is taken by `a`
     --> colormesh.yaml:4:45
      |
    4 |   - { name: b, host: b.example, local_port: 21863 }
      |                                             ^^^^^
      |
      = help: leave it out, or write another, such as `local_port: 21675`

    error: port 5432 on 127.0.0.1 is taken by `c`
     --> colormesh.yaml:6:45
      |
    6 |   - { name: d, host: d.example, local_port: 5432 }
      |                                             ^^^^
      |
      = help: leave it out, or write another, such as `local_port: 28062`

    error: port 15000 on 127.0.0.1 is taken by the sidecar
     --> colormesh.yaml:7:45
      |
    7 |   - { name: e, host: e.example, local_port: 15000 }
      |                                             ^^^^^
      |
      = help: leave it out, or write another, such as `local_port: 27591`

    error: port 80 on 127.0.0.1 is taken by the app
     --> colormesh.yaml:8:45
      |
    8 |   - { name: f, host: f.example, local_port: 80 }
      |                                             ^^
      |
      = help: leave it out, or write another, such as `local_port: 20938`
    ");
}

/// Each is called at a port of its own, so nothing has to tell them apart.
#[test]
fn services_may_share_a_port_outside() {
    let two = "target: aws
external_services:
  - { name: a, host: a.example, port: 5432 }
  - { name: b, host: b.example, port: 5432 }
";
    assert_eq!(ports(two).len(), 2);
    assert!(load_file(two).is_err());
}

#[test]
fn an_init_container_needs_instances_of_ones_own() {
    assert_snapshot!(mistakes("mesh: { redirect: init-container }\n"), @r"
    error: an init container needs NET_ADMIN, which Fargate gives no container
     --> colormesh.yaml:1:19
      |
    1 | mesh: { redirect: init-container }
      |                   ^^^^^^^^^^^^^^
      |
      = help: name EC2 instances of your own to run on, `capacity_provider: NAME` beside `mesh`, or write `redirect: ports`
    ");
    let file = "mesh: { redirect: init-container }\ncapacity_provider: own\n";
    let config = load_file(file).unwrap();
    assert_eq!(config.mesh.runtime, MeshRuntime::Envoy);
    assert_eq!(config.capacity_provider.unwrap().as_str(), "own");
    let app_mesh = file.replace(" }", ", runtime: app-mesh }");
    assert!(mistakes(&app_mesh).contains("`redirect: init-container` is for"));
}

#[test]
fn instances_give_tasks_no_public_address() {
    let file = "capacity_provider: own\nvpc: { nat: none }\n";
    assert_snapshot!(mistakes(file), @r"
    error: without NAT gateways tasks need public addresses, which ECS gives on Fargate alone
     --> colormesh.yaml:1:20
      |
    1 | capacity_provider: own
      |                    ^^^
      |
      = help: let `vpc.nat` be `one` or `per_zone`, or leave `capacity_provider` out
    ");
    assert!(mistakes("capacity_provider: FARGATE_SPOT\n").contains("AWS's own capacity"));
}

/// AWS's image leaves SSH alone, so that such a service would open all of it.
#[test]
fn an_init_container_leads_no_ssh_to_envoy() {
    let file = "mesh: { redirect: init-container }
capacity_provider: own
external_services: [{ name: git, host: git.example, port: 22 }]
";
    assert_snapshot!(mistakes(file), @r"
    error: with `redirect: init-container` port 22 goes past Envoy, to any host
     --> colormesh.yaml:3:59
      |
    3 | external_services: [{ name: git, host: git.example, port: 22 }]
      |                                                           ^^
      |
      = help: leave the service out, or write `redirect: ports`
    ");
    assert!(load_file(&file.replace("init-container", "ports")).is_ok());
}

/// While the form changes, the rule for Envoy's own port stands beside the
/// ranges of the new one.
#[test]
fn a_change_of_redirect_has_room_in_the_security_group() {
    let services = |count: u16| {
        let line = |n: u16| {
            format!(
                "  - {{ name: s{n}, host: s{n}.example, port: {} }}\n",
                1000 + 2 * n
            )
        };
        let lines: String = (1..count).map(line).collect();
        format!("target: aws\nmesh: {{ redirect: ports }}\nexternal_services:\n{lines}")
    };
    assert!(load_file(&services(58)).is_ok());
    assert!(mistakes(&services(59)).contains("make 59 ranges"));
    for form in ["redirect: proxy-configuration", "runtime: envoy"] {
        let led = |count| services(count).replace("redirect: ports", form);
        assert!(load_file(&led(58)).is_ok(), "{form}");
        assert!(mistakes(&led(59)).contains("make 59 ranges"), "{form}");
    }
}

/// ECS would refuse the task definition when everything else is there already.
#[test]
fn an_image_of_ones_own_is_told_as_many_ports_as_fit_its_task_definition() {
    let services = |count: u16| {
        let line = |n: u16| format!("  - {{ name: service-{n:04}, host: s{n}.example }}\n");
        let lines: String = (0..count).map(line).collect();
        format!(
            "target: aws\napp: {{ image: 'ghcr.io/example/app:1' }}\nmesh: {{ redirect: ports }}\n\
             external_services:\n{lines}"
        )
    };
    // Nineteen bytes each.
    assert!(load_file(&services(1724)).is_ok());
    let told = mistakes(&services(1725));
    assert!(told.contains("--> colormesh.yaml:1729:"), "{told}");
    assert!(told.contains("longer than 32768 bytes"), "{told}");
    let ours = services(1725).replace("app: { image: 'ghcr.io/example/app:1' }\n", "");
    assert!(load_file(&ours).is_ok());
    assert!(load_file(&services(1725).replace("target: aws", "target: local")).is_ok());
}
