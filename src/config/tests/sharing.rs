//! What services may not have in common.

#![expect(clippy::unwrap_used, reason = "tests")]
use super::{load_file, mistakes};
use insta::assert_snapshot;

fn file(services: &str) -> String {
    format!("external_services:\n{services}")
}

#[test]
fn services_that_may_share_a_port() {
    for services in [
        "- { name: a, host: a.example }\n- { name: b, host: b.example }",
        "- { name: a, host: a.example, port: 80, protocol: http }\n- { name: b, host: b.example, port: 80, protocol: http }",
        "- { name: a, host: a.example, port: 5432 }\n- { name: b, host: b.example, port: 5432, via_port: 5433 }",
        "- { name: a, host: a.example }\n- { name: b, host: a.example, port: 80, protocol: http }",
        "- { name: a, host: a.example, via_port: 444 }\n- { name: b, host: b.example, via_port: 444 }",
        "- { name: a, host: a.example }\n- { name: b, host: '*.example' }",
        "- { name: a, host: b.a.example, port: 80, protocol: http }\n- { name: b, host: '*.a.example', port: 80, protocol: http }",
    ] {
        assert_eq!(
            load_file(&file(services)).unwrap().external_services.len(),
            2,
            "{services}"
        );
    }
}

#[test]
fn where_we_own_dns_every_service_has_an_address_of_its_own() {
    let services = "
- { name: one, host: a.example, port: 3306 }
- { name: two, host: b.example, port: 3306 }
- { name: three, host: c.example, port: 3306, tls: true }
- { name: four, host: d.example, port: 443, tls: false }
- { name: five, host: e.example }
- { name: six, host: f.example, port: 80 }
- { name: seven, host: g.example, port: 80, protocol: http }
";
    let services = file(services);
    assert_eq!(load_file(&services).unwrap().external_services.len(), 7);
    let problems = load_file(&format!("target: aws\n{services}")).unwrap_err();
    let about: Vec<&str> = problems
        .0
        .iter()
        .map(|problem| problem.message.split('`').nth(1).unwrap())
        .collect();
    assert_eq!(about, ["two", "three", "five", "seven"]);
}

#[test]
fn names_and_hosts_that_stand_twice() {
    let services = "
- { name: api, host: a.example }
- { name: api, host: b.example }
- { name: A-P-I, host: c.example }
- { name: api2, host: a.example }
";
    assert_snapshot!(mistakes(&file(services)), @r"
    error: the name `api` is taken by `a.example`
     --> colormesh.yaml:4:11
      |
    4 | - { name: api, host: b.example }
      |           ^^^
      |
      = help: choose another, such as `api3`

    error: the name `A-P-I` is too like `api`, the name of `a.example`
     --> colormesh.yaml:5:11
      |
    5 | - { name: A-P-I, host: c.example }
      |           ^^^^^
      |
      = help: choose another, such as `A-P-I4`

    error: `a.example` on port 443 is already `api`
     --> colormesh.yaml:6:23
      |
    6 | - { name: api2, host: a.example }
      |                       ^^^^^^^^^
      |
      = help: delete one of the two
    ");
}

#[test]
fn ports_that_nothing_tells_apart() {
    let services = "
- { name: one, host: a.example, port: 5432 }
- { name: two, host: b.example, port: 5432 }
- { name: three, host: c.example, port: 5432 }
- { name: four, host: d.example, port: 5433 }
- { name: five, host: e.example, port: 80, protocol: http }
- { name: six, host: f.example, port: 80 }
- { name: seven, host: g.example, port: 6379, via_port: 5433 }
";
    let file = format!("target: aws\n{}", file(services));
    assert_snapshot!(mistakes(&file), @r"
    error: `two` and `one` are two `tcp` services on port 5432, and nothing tells them apart on AWS, where the app's resolver is not ours
     --> colormesh.yaml:5:39
      |
    5 | - { name: two, host: b.example, port: 5432 }
      |                                       ^^^^
      |
      = help: let the app connect to `two` on a port of its own: `via_port: 5434`

    error: `three` and `one` are two `tcp` services on port 5432, and nothing tells them apart on AWS, where the app's resolver is not ours
     --> colormesh.yaml:6:41
      |
    6 | - { name: three, host: c.example, port: 5432 }
      |                                         ^^^^
      |
      = help: let the app connect to `three` on a port of its own: `via_port: 5435`

    error: `six` and `five` share port 80, and one is `tcp`, the other `http`
     --> colormesh.yaml:9:39
      |
    9 | - { name: six, host: f.example, port: 80 }
      |                                       ^^
      |
      = help: give `six` a port of its own on AWS, where the app's resolver is not ours: `via_port: 81`

    error: `seven` and `four` are two `tcp` services on port 5433, and nothing tells them apart on AWS, where the app's resolver is not ours
      --> colormesh.yaml:10:57
       |
    10 | - { name: seven, host: g.example, port: 6379, via_port: 5433 }
       |                                                         ^^^^
       |
       = help: let the app connect to `seven` on a port of its own: `via_port: 5436`
    ");
}

#[test]
fn matching_by_port_alone_tells_no_tls_apart() {
    let services = "- { name: one, host: a.example }\n- { name: two, host: b.example }\n";
    let text = format!("mesh: {{ matching: port }}\n{}", file(services));
    assert_snapshot!(mistakes(&text), @r"
    error: `two` and `one` are two `tcp` services on port 443, and nothing tells them apart
     --> colormesh.yaml:4:22
      |
    4 | - { name: two, host: b.example }
      |                      ^^^^^^^^^
      |
      = help: let the app connect to `two` on a port of its own: `via_port: 444`, or set `mesh.matching` to `sni`
    ");
}

#[test]
fn all_advice_can_be_followed_together() {
    let services = |via: &dyn Fn(u16) -> String| -> String {
        (0..50)
            .map(|n| {
                format!(
                    "- {{ name: s{n}, host: h{n}.example, port: 65530{} }}\n",
                    via(n)
                )
            })
            .collect::<Vec<_>>()
            .concat()
    };
    let file = |services: &str| format!("target: aws\n{}", file(services));
    let problems = load_file(&file(&services(&|_| String::new()))).unwrap_err();
    assert_eq!(problems.0.len(), 49);
    let advice: Vec<&str> = problems
        .0
        .iter()
        .filter_map(|problem| problem.help.as_deref()?.split('`').nth(3))
        .collect();
    let mended = services(&|n| {
        n.checked_sub(1)
            .map_or_else(String::new, |n| format!(", {}", advice[usize::from(n)]))
    });
    assert_eq!(
        load_file(&file(&mended)).unwrap().external_services.len(),
        50,
        "{mended}"
    );
}

#[test]
fn five_thousand_services_are_read_and_checked() {
    let service = |n| format!("- {{ name: s{n}, host: h{n}.example, port: 443, protocol: tcp }}\n");
    let services = (0..5000).map(service).collect::<Vec<String>>().concat();
    assert_eq!(
        load_file(&file(&services)).unwrap().external_services.len(),
        5000
    );
    let all_wrong = services.replace("443", "5432").replace(": s", ": 1s");
    let all_wrong = format!("target: aws\n{}", file(&all_wrong));
    assert_eq!(load_file(&all_wrong).unwrap_err().0.len(), 5000 + 4999);
}

#[test]
fn one_host_is_called_by_all_of_a_node_or_by_none() {
    let services = "
- { name: one, host: a.example, nodes: [] }
- { name: two, host: a.example, port: 22 }
- { name: three, host: b.example, nodes: [gateway] }
- { name: four, host: c.example, nodes: app }
- { name: five, host: d.example, nodes: [app] }
";
    assert_snapshot!(mistakes(&file(services)), @r"
    error: `two` and `one` are one host, `a.example`, and differ in `nodes`
     --> colormesh.yaml:3:40
      |
    3 | - { name: one, host: a.example, nodes: [] }
      |                                        ^^
      |
      = help: give both the same `nodes`: a node may call a host or not

    error: `gateway` is not a node that can call services outside
     --> colormesh.yaml:5:43
      |
    5 | - { name: three, host: b.example, nodes: [gateway] }
      |                                           ^^^^^^^
      |
      = help: leave it out: the gateway takes connections in and has no way out

    error: `nodes` must be a list
     --> colormesh.yaml:6:41
      |
    6 | - { name: four, host: c.example, nodes: app }
      |                                         ^^^ this is text
      |
      = help: write `nodes: [app]`
    ");
}

#[test]
fn more_ports_than_a_security_group_takes_are_refused_on_aws() {
    let on_rare_ports = |count: u32| {
        let service = |n: u32| {
            let port = 10_000 + 2 * n;
            format!("- {{ name: s{n}, host: h{n}.example, port: {port} }}\n")
        };
        file(&(0..count).map(service).collect::<String>())
    };
    let on_aws = |count: u32| format!("target: aws\n{}", on_rare_ports(count));
    // Port 443 is always one of the 58.
    assert_eq!(load_file(&on_aws(57)).unwrap().external_services.len(), 57);
    assert!(
        load_file(&on_rare_ports(58)).is_ok(),
        "this machine has no such limit"
    );
    assert_snapshot!(mistakes(&on_aws(59)), @r"
    error: the ports of the services make 60 ranges, and a security group of AWS has room for 58
      --> colormesh.yaml:60:41
       |
    60 | - { name: s57, host: h57.example, port: 10114 }
       |                                         ^^^^^
       |
       = help: split the services between two environments
    ");
    let joined = on_aws(59).replace("port: 10114", "port: 10001");
    assert!(load_file(&joined).is_ok(), "10000 to 10002 are one range");

    let with_registry = |port: u16| {
        let image = format!("app: {{ image: 'registry.example.com:{port}/a', port: 8080 }}\n");
        image + &on_aws(57)
    };
    let said = mistakes(&with_registry(5000));
    assert!(
        said.contains("the services and of the images' registries make 59 ranges"),
        "{said}"
    );
    assert!(
        load_file(&with_registry(444)).is_ok(),
        "443 and 444 are one"
    );
}
