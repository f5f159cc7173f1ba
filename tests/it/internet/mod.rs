//! The outside world that is not stand-ins: a machine in namespaces of its own
//! whose default route leads to an internet in another one, with DNS, HTTPS
//! under a proper chain, HTTP and a server that speaks first. So what the
//! program does with the real internet is tried without a packet leaving.

mod hosts;
mod machine;
mod names;

use hosts::{Internet, RESOLVER};
use machine::{Machine, User};

use crate::project::Project;

fn machine(internet: &Internet, user: User) -> Machine {
    let resolver = format!("nameserver {RESOLVER}\n");
    Machine::new(&internet.netns, &resolver, &internet.root, user)
}

#[test]
#[ignore = "needs root and Envoy"]
fn the_walkthrough_reaches_the_internet() {
    let internet = Internet::start();
    let machine = machine(&internet, User::Root);
    let project = Project::new().file("colormesh.yaml", SERVICES);
    let up = machine.run(&project, &["up", "--output", "json"]).code(0);
    let endpoint = up.json()["endpoint"].as_str().unwrap().to_owned();
    for service in ["github", "godev", "plain", "database"] {
        let (status, page) = machine.get(&format!("{endpoint}/external_{service}"));
        assert_eq!(status, 200, "{service}: {page}");
        assert!(page.contains("hello from"), "{service}: {page}");
    }
    let report = machine
        .run(&project, &["verify", "--output", "json"])
        .code(0)
        .json();
    assert_eq!(report["world"], "internet");
    machine.run(&project, &["down"]).code(0);
}

const SERVICES: &str = "\
external_services:
  - { name: github, host: github.com }
  - { name: godev, host: go.dev, via_port: 444 }
  - { name: plain, host: mirror.example.org, port: 80, protocol: http }
  - { name: database, host: db.example.org, port: 5432 }
";
