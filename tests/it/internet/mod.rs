//! The outside world that is not stand-ins: a machine in namespaces of its own
//! whose default route leads to an internet in another one, with DNS, HTTPS
//! under a proper chain, HTTP and a server that speaks first. So what the
//! program does with the real internet is tried without a packet leaving.

mod hosts;
mod machine;
mod names;
mod resolving;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use hosts::{Internet, RESOLVER, four};
use machine::{Machine, User};
use names::Says;

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
    let expected = [
        "github.com",
        "go.dev",
        "mirror.example.org",
        "db.example.org",
    ];
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

/// What the endpoint says of its outside world, after it was started anew.
fn decided(machine: &Machine, project: &Project) -> (String, String) {
    machine.run(project, &["local", "start"]).code(0);
    let status = machine.run(project, &["local", "status", "--output", "json"]);
    let world = status.code(0).json()["world"].clone();
    machine.run(project, &["local", "stop"]).code(0);
    let text = |field: &str| world[field].as_str().unwrap().to_owned();
    (text("kind"), text("why"))
}

#[test]
#[ignore = "needs root and Envoy"]
fn what_is_missing_of_the_internet_is_said() {
    let internet = Internet::start();
    let machine = machine(&internet, User::Root);
    let project = Project::new();
    let why = |expected: &str| {
        let (kind, why) = decided(&machine, &project);
        assert_eq!(kind, "stand-in");
        assert!(why.contains(expected), "{why}");
    };
    machine.resolve_with("# nobody\n");
    why("this machine names no DNS server");
    machine.resolve_with("nameserver 198.51.100.99\n");
    why("does not answer");
    machine.resolve_with(&format!("nameserver {RESOLVER}\n"));
    let known: Vec<_> = HOSTS.map(|host| (host, internet.dns.what(host))).into();
    let all = |says: &Says| HOSTS.map(|host| internet.dns.say(host, says.clone()));
    all(&Says::Error(ResponseCode::NXDomain));
    why("the DNS server does not know `github.com`");
    all(&Says::Error(ResponseCode::ServFail));
    why("the DNS server cannot find `github.com`");
    all(&Says::Addresses(vec![], 60));
    why("the DNS server knows no address of `github.com`");
    all(&Says::Addresses(vec![four(10)], 60));
    internet.refuse(443);
    why("`github.com` cannot be reached at port 443: Connection refused");
    internet.let_through();
    internet.swallow();
    let started = Instant::now();
    why("`github.com` does not answer within 2 seconds");
    assert!(started.elapsed() < Duration::from_secs(20));
    internet.let_through();
    machine.unplug();
    why("this machine has no default route");
    // One host that answers suffices.
    machine.plug_in();
    all(&Says::Silence);
    let (host, says) = known[1].clone();
    internet.dns.say(host, says);
    assert_eq!(decided(&machine, &project).0, "internet");
}

#[test]
#[ignore = "needs root and Envoy"]
fn where_nothing_is_modelled_nobody_is_asked_for() {
    let internet = Internet::start();
    let machine = machine(&internet, User::Root);
    let project = Project::new().file("colormesh.yaml", "external_services: []\n");
    // The root of all names, which names nobody.
    internet.says("", &[], 60);
    assert_eq!(decided(&machine, &project).0, "internet");
    let asked = internet.dns.asked();
    assert!(
        !asked.is_empty() && asked.iter().all(|asked| asked.name.is_empty()),
        "{asked:?}"
    );
    assert_eq!(internet.reached(), Vec::<String>::new());
}

#[test]
#[ignore = "needs root and Envoy"]
fn without_a_network_there_are_stand_ins() {
    for user in [User::Root, User::Nobody] {
        let internet = Internet::start();
        let machine = machine(&internet, user);
        machine.unplug();
        let project = Project::new().file("colormesh.yaml", SERVICES);
        let up = machine.run(&project, &["up"]).code(0);
        let said = "stand-ins on this machine: this machine has no default route";
        assert!(up.stderr.contains(said), "{}", up.stderr);
        let report = machine.run(&project, &["verify"]).code(0);
        assert!(report.stdout.contains("stand-ins"), "{}", report.stdout);
        machine.run(&project, &["down"]).code(0);
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn the_real_internet_may_come_and_go() {
    for user in [User::Root, User::Nobody] {
        let internet = Internet::start();
        let machine = machine(&internet, user);
        machine.unplug();
        let project = Project::new().file("colormesh.yaml", SERVICES);
        let up = ["up", "--internet", "real", "--output", "json"];
        let up = machine.run(&project, &up).code(0);
        let said = "does not answer: this machine has no default route";
        assert!(up.stderr.contains(said), "{}", up.stderr);
        let failed = machine
            .run(&project, &["verify", "--timeout", "1s"])
            .code(5);
        let said = "this machine does not reach it either: this machine has no default route";
        assert!(failed.stdout.contains(said), "{}", failed.stdout);

        let before = processes(&machine, &project);
        for _ in 0..2 {
            machine.plug_in();
            machine
                .run(&project, &["verify", "--timeout", "60s"])
                .code(0);
            machine.unplug();
            let page = format!(
                "{}/external_github",
                up.json()["endpoint"].as_str().unwrap()
            );
            assert_eq!(machine.get(&page).0, 502);
        }
        assert_eq!(processes(&machine, &project), before);
        machine.run(&project, &["down"]).code(0);
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_resolver_of_the_machine_s_own_is_asked_once_the_settings_name_it() {
    for user in [User::Root, User::Nobody] {
        let internet = Internet::start();
        let machine = machine(&internet, user);
        let stub = Ipv4Addr::new(127, 0, 0, 53);
        internet.dns.serve(&machine.network(), stub);
        machine.resolve_with("nameserver 198.51.100.99\n");
        let project = Project::new().file("colormesh.yaml", SERVICES);
        machine.run(&project, &["up", "--internet", "real"]).code(0);
        // As systemd-resolved or a VPN's client rewrites it.
        machine.resolve_with(&format!(
            "nameserver {stub}\noptions edns0 trust-ad\nsearch home.arpa\n"
        ));
        machine.run(&project, &["verify"]).code(0);
        machine.run(&project, &["down"]).code(0);
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn an_open_mesh_reaches_what_is_not_modelled() {
    for user in [User::Root, User::Nobody] {
        let internet = Internet::start();
        let machine = machine(&internet, user);
        let project = Project::new().file("colormesh.yaml", SERVICES);
        let open = ["up", "--egress", "ALLOW_ALL", "--output", "json"];
        let up = machine.run(&project, &open).code(0).json();
        let page = format!("{}/egress_denied", up["endpoint"].as_str().unwrap());
        assert_eq!(machine.get(&page).0, 200);
        machine
            .run(&project, &["verify", "--egress", "ALLOW_ALL"])
            .code(0);
        assert!(
            internet
                .reached()
                .contains(&"www.example.com:443".to_owned())
        );
        machine.run(&project, &["down"]).code(0);
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn proxies_of_the_machine_are_not_asked_for_what_is_on_it() {
    let internet = Internet::start();
    let machine = machine(&internet, User::Root);
    let project = Project::new().file("colormesh.yaml", SERVICES);
    let nobody = "http://127.0.0.1:9";
    let proxies = [
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "ALL_PROXY",
        "https_proxy",
        "http_proxy",
    ];
    let proxies = proxies.map(|name| (name, nobody));
    for command in ["up", "verify", "status", "plan", "down"] {
        machine.run_with(&project, &[command], &proxies).code(0);
    }
}

/// The endpoint's process and its tasks.
fn processes(machine: &Machine, project: &Project) -> (u64, Vec<String>) {
    let status = machine.run(project, &["local", "status", "--output", "json"]);
    let status = status.code(0).json();
    let tasks = status["tasks"].as_array().unwrap().iter();
    let names = tasks.map(|task| task["name"].as_str().unwrap().to_owned());
    (status["pid"].as_u64().unwrap(), names.collect())
}

/// The walkthrough's own.
const HOSTS: [&str; 2] = ["github.com", "go.dev"];

const SERVICES: &str = "\
external_services:
  - { name: github, host: github.com }
  - { name: godev, host: go.dev, via_port: 444 }
  - { name: plain, host: mirror.example.org, port: 80, protocol: http }
  - { name: database, host: db.example.org, port: 5432 }
";
