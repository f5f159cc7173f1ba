//! The outside world that is not stand-ins: a machine in namespaces of its own
//! whose default route leads to an internet in another one, with DNS, HTTPS
//! under a proper chain, HTTP and a server that speaks first. So what the
//! program does with the real internet is tried without a packet leaving.

mod hosts;
mod machine;
mod names;

use hickory_proto::rr::RecordType;

use hosts::{Internet, RESOLVER};
use machine::{Machine, User};

use crate::project::Project;

fn machine(internet: &Internet, user: User) -> Machine {
    let resolver = format!("nameserver {RESOLVER}\n");
    Machine::new(&internet.netns, &resolver, &internet.root, user)
}

/// Everything is modelled, answers, and was fetched where it should be.
fn walk_through(user: User, runs: &[&str]) {
    let internet = Internet::start();
    let machine = machine(&internet, user);
    let project = Project::new().file("colormesh.yaml", SERVICES);
    for choice in runs {
        let choice = ["up", "--output", "json", "--internet", choice];
        let up = machine.run(&project, &choice).code(0);
        assert!(!up.stderr.contains("stand-in"), "{}", up.stderr);
        let endpoint = up.json()["endpoint"].as_str().unwrap().to_owned();
        for (service, host) in [
            ("github", "github.com"),
            ("godev", "go.dev"),
            ("plain", "mirror.example.org"),
            ("database", "db.example.org"),
        ] {
            let (status, page) = machine.get(&format!("{endpoint}/external_{service}"));
            assert_eq!(status, 200, "{service}: {page}");
            assert!(page.contains(&format!("hello from {host}")), "{page}");
        }
        let report = machine.run(&project, &["verify", "--output", "json"]);
        assert_eq!(report.code(0).json()["world"], "internet");
        machine.run(&project, &["down"]).code(0);
    }
    // Their own logs are the witnesses: nobody else was asked or reached.
    let expected = ["github.com", "go.dev", "mirror.example.org", "db.example.org"];
    for asked in internet.dns.asked() {
        assert!(expected.contains(&asked.name.as_str()), "{asked:?}");
        // All of them are `IPv4_ONLY`.
        assert_eq!(asked.kind, RecordType::A, "{asked:?}");
    }
    for reached in internet.reached() {
        let (host, _) = reached.split_once(':').unwrap();
        assert!(expected.contains(&host), "{reached}");
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn the_walkthrough_reaches_the_internet_as_root() {
    walk_through(User::Root, &["auto", "real"]);
}

#[test]
#[ignore = "needs root and Envoy"]
fn the_walkthrough_reaches_the_internet_as_an_ordinary_user() {
    walk_through(User::Nobody, &["auto", "real"]);
}

const SERVICES: &str = "\
external_services:
  - { name: github, host: github.com }
  - { name: godev, host: go.dev, via_port: 444 }
  - { name: plain, host: mirror.example.org, port: 80, protocol: http }
  - { name: database, host: db.example.org, port: 5432 }
";
