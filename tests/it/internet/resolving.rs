//! Names: what the app is told, and how Envoy finds the hosts behind them.

use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;

use super::hosts::{Internet, RESOLVER, four, six};
use super::machine::{Machine, User};
use super::names::Says;
use super::{SERVICES, machine};
use crate::live::netns::within;
use crate::project::Project;

/// The endpoint of what the settings describe.
fn up(machine: &Machine, project: &Project, internet: &str) -> String {
    let up = ["up", "--output", "json", "--internet", internet];
    let up = machine.run(project, &up).code(0).json();
    up["endpoint"].as_str().unwrap().to_owned()
}

/// Asks until the answer is this one.
fn eventually(what: &str, is: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_changed_address_is_followed_and_the_last_one_kept() {
    let internet = Internet::start();
    let machine = machine(&internet, User::Root);
    let project = Project::new().file("colormesh.yaml", SERVICES);
    let (github, elsewhere) = ([four(10)], [four(11)]);
    internet.pages("github.com", &elsewhere);
    internet.says("github.com", &github, 1);
    internet.says("db.example.org", &[four(50)], 1);
    let endpoint = up(&machine, &project, "real");
    let page = || machine.get(&format!("{endpoint}/external_github"));
    let at = |address: &str| page() == (200, format!("hello from github.com at {address}"));
    assert!(at("198.51.100.10"), "{:?}", page());
    let mut connection = connect(&machine, &project, "db.example.org", 5432);

    internet.says("github.com", &elsewhere, 1);
    internet
        .dns
        .say("db.example.org", Says::Error(ResponseCode::NXDomain));
    eventually("the new address is used", || at("198.51.100.11"));
    for says in [
        Says::Error(ResponseCode::ServFail),
        Says::Silence,
        Says::Error(ResponseCode::NXDomain),
        Says::Addresses(Vec::new(), 1),
    ] {
        internet.dns.say("github.com", says.clone());
        let before = internet.dns.asked_for("github.com");
        eventually("it asks again", || {
            internet.dns.asked_for("github.com") > before + 1
        });
        assert!(at("198.51.100.11"), "{says:?}: {:?}", page());
    }
    internet.says("github.com", &github, 1);
    eventually("the first address is used again", || at("198.51.100.10"));

    connection
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let silent = connection.read(&mut [0; 8]).unwrap_err();
    assert_eq!(silent.kind(), ErrorKind::WouldBlock);
    machine.run(&project, &["down"]).code(0);
}

/// A connection of the app's to a service that greets.
fn connect(machine: &Machine, project: &Project, host: &str, port: u16) -> TcpStream {
    let address = machine
        .in_app(project, &format!("getent ahostsv4 {host}"))
        .1;
    let address: Ipv4Addr = address.split_whitespace().next().unwrap().parse().unwrap();
    let network = machine.app_network(project);
    let connected = within(&network, || TcpStream::connect((address, port)));
    let mut stream = connected.unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut greeting = [0; 5];
    stream.read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"hello");
    let rest = stream.read(&mut [0; 512]).unwrap();
    assert!(rest > 0);
    stream
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_dead_name_holds_up_nobody_and_questions_are_few() {
    let internet = Internet::start();
    let machine = machine(&internet, User::Root);
    let dead = "
  - { name: silent, host: silent.example.org }
  - { name: failing, host: failing.example.org }
  - { name: missing, host: missing.example.org }
";
    let project = Project::new().file("colormesh.yaml", &format!("{SERVICES}{dead}"));
    internet.dns.say("silent.example.org", Says::Silence);
    internet
        .dns
        .say("failing.example.org", Says::Error(ResponseCode::ServFail));
    // A time to live of nothing is no reason to ask all the time.
    internet.says("go.dev", &[four(20)], 0);
    let endpoint = up(&machine, &project, "real");
    for service in ["github", "godev", "plain", "database"] {
        assert_eq!(
            machine.get(&format!("{endpoint}/external_{service}")).0,
            200
        );
    }
    for service in ["silent", "failing", "missing"] {
        assert_eq!(
            machine.get(&format!("{endpoint}/external_{service}")).0,
            502
        );
    }
    let living = [
        "github.com",
        "go.dev",
        "mirror.example.org",
        "db.example.org",
    ];
    let count = || living.map(|host| internet.dns.asked_for(host));
    let before = count();
    thread::sleep(Duration::from_secs(4));
    assert_eq!(count(), before);
    // The dead ones are asked for now and then, so that they may come alive.
    internet.pages("missing.example.org", &[four(60)]);
    let page = format!("{endpoint}/external_missing");
    eventually("it has come alive", || machine.get(&page).0 == 200);
    machine.run(&project, &["down"]).code(0);
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_slow_resolver_is_an_internet_all_the_same() {
    for user in [User::Root, User::Nobody] {
        let internet = Internet::start();
        let machine = machine(&internet, user);
        let project = Project::new().file("colormesh.yaml", SERVICES);
        for (host, address) in [("github.com", four(10)), ("go.dev", four(20))] {
            // Later than Envoy waits before it asks again.
            let late = Says::Late(vec![address], Duration::from_millis(1200));
            internet.dns.say(host, late);
        }
        up(&machine, &project, "auto");
        let report = machine.run(&project, &["verify", "--output", "json"]);
        assert_eq!(report.code(0).json()["world"], "internet");
        machine.run(&project, &["down"]).code(0);
    }
}

const PREFERENCES: &str = "\
external_services:
  - { name: four, host: four.example.org, ip_preference: IPv4_ONLY }
  - { name: six, host: six.example.org, ip_preference: IPv6_ONLY }
  - { name: prefers4, host: prefers4.example.org, ip_preference: IPv4_PREFERRED }
  - { name: prefers6, host: prefers6.example.org, ip_preference: IPv6_PREFERRED }
  - { name: rather6, host: rather6.example.org, ip_preference: IPv4_PREFERRED }
  - { name: rather4, host: rather4.example.org, ip_preference: IPv6_PREFERRED }
";

#[test]
#[ignore = "needs root and Envoy"]
fn each_service_is_reached_by_the_kind_of_address_that_it_prefers() {
    for user in [User::Root, User::Nobody] {
        let internet = Internet::start();
        let machine = machine(&internet, user);
        let project = Project::new().file("colormesh.yaml", PREFERENCES);
        let hosts = [
            ("four.example.org", vec![four(60), six(60)], four(60)),
            ("six.example.org", vec![four(61), six(61)], six(61)),
            ("prefers4.example.org", vec![four(62), six(62)], four(62)),
            ("prefers6.example.org", vec![four(63), six(63)], six(63)),
            ("rather6.example.org", vec![six(64)], six(64)),
            ("rather4.example.org", vec![four(65)], four(65)),
        ];
        for (host, addresses, _) in &hosts {
            internet.pages(host, addresses);
        }
        let endpoint = up(&machine, &project, "auto");
        for (host, _, expected) in &hosts {
            let (name, _) = host.split_once('.').unwrap();
            let page = machine.get(&format!("{endpoint}/external_{name}"));
            assert_eq!(page, (200, format!("hello from {host} at {expected}")));
        }
        machine.run(&project, &["verify"]).code(0);
        machine.run(&project, &["down"]).code(0);
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn the_other_kind_of_address_serves_where_the_preferred_one_is_dead() {
    let internet = Internet::start();
    let machine = machine(&internet, User::Root);
    let project = Project::new().file("colormesh.yaml", PREFERENCES);
    internet.pages("four.example.org", &[four(60)]);
    internet.pages("prefers4.example.org", &[six(62)]);
    internet.pages("prefers6.example.org", &[four(63)]);
    // Nobody has the other ones.
    internet.says("prefers4.example.org", &[four(162), six(62)], 60);
    internet.says("prefers6.example.org", &[four(63), six(163)], 60);
    let endpoint = up(&machine, &project, "real");
    for (name, address) in [("prefers4", six(62)), ("prefers6", four(63))] {
        let page = machine.get(&format!("{endpoint}/external_{name}"));
        let expected = format!("hello from {name}.example.org at {address}");
        assert_eq!(page, (200, expected));
    }
    machine.run(&project, &["down"]).code(0);
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_machine_without_ipv6_uses_the_addresses_that_it_can() {
    for user in [User::Root, User::Nobody] {
        let internet = Internet::start();
        let machine = machine(&internet, user);
        machine.shell("ip -6 route del default");
        let project = Project::new().file("colormesh.yaml", PREFERENCES);
        internet.pages("four.example.org", &[four(60)]);
        internet.pages("prefers6.example.org", &[four(63), six(63)]);
        let endpoint = up(&machine, &project, "auto");
        let page = machine.get(&format!("{endpoint}/external_prefers6"));
        let expected = format!("hello from prefers6.example.org at {}", four(63));
        assert_eq!(page, (200, expected), "{user:?}");
        machine.run(&project, &["down"]).code(0);
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn stand_ins_have_addresses_of_both_kinds() {
    for user in [User::Root, User::Nobody] {
        let internet = Internet::start();
        let machine = machine(&internet, user);
        machine.unplug();
        let project = Project::new().file("colormesh.yaml", PREFERENCES);
        up(&machine, &project, "auto");
        machine.run(&project, &["verify"]).code(0);
        let witness = project.state().join("runtime/stand-ins.log");
        let witness = std::fs::read_to_string(witness).unwrap();
        assert!(witness.contains("six.example.org"), "{witness}");
        machine.run(&project, &["down"]).code(0);
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn the_app_knows_modelled_names_and_asks_nobody_else() {
    let internet = Internet::start();
    let machine = machine(&internet, User::Root);
    let project = Project::new().file("colormesh.yaml", SERVICES);
    up(&machine, &project, "real");
    // What the app's own resolver would be told by its image: glibc's client
    // asks for both kinds of address at once and tries each search domain.
    machine.resolve_with(&format!(
        "nameserver {RESOLVER}\nsearch corp.test default.svc.cluster.local\noptions ndots:5\n"
    ));
    let known = |name: &str| machine.in_app(&project, &format!("getent ahosts {name}"));
    for name in ["github.com", "GITHUB.com", "go.dev.", "db.example.org"] {
        let (found, said) = known(name);
        assert!(found && said.starts_with("24"), "{name}: {said}");
    }
    for name in [
        "www.example.com",
        "api.github.com",
        "example.org",
        "localhost.corp.test",
    ] {
        let (found, said) = known(name);
        assert!(!found, "{name}: {said}");
    }
    for asked in internet.dns.asked() {
        assert!(SERVICES.contains(&asked.name), "{asked:?}");
    }
    machine.run(&project, &["down"]).code(0);
}
