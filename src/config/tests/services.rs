//! The list of external services.

#![expect(clippy::unwrap_used, reason = "tests")]
use super::{load_file, mistakes};
use crate::config::{Caller, ExternalService, IpPreference, Protocol};
use insta::assert_snapshot;

#[test]
fn a_name_and_a_host_are_enough() {
    let config = load_file("external_services: [{ name: x, host: X.example }]").unwrap();
    let expected = ExternalService {
        name: "x".parse().unwrap(),
        host: "x.example".parse().unwrap(),
        port: 443,
        protocol: Protocol::Tcp,
        tls: true,
        nodes: [Caller::App].into(),
        ip_preference: IpPreference::Ipv4Only,
        via_port: None,
        local_port: None,
    };
    assert_eq!(config.external_services, [expected]);
}

#[test]
fn what_is_wrong_with_one_service() {
    let file = "
external_services:
  - github.com
  - [a]
  - { host: api.github.com }
  - { name: a }
  - { name: b, host: 'https://b.example/x', prot: 443, egress: x }
  - { name: c, host: c.example, port: 443, protocol: http }
  - { name: d, host: d.example, port: 80, protocol: http, via_port: 81 }
  - { name: e, host: e.example, port: 5432, via_port: 5432 }
  - { name: f, host: f.default.svc.cluster.local }
  - { name: g, host: g.example, port: 53 }
  - { name: h, host: h.example, port: 70000, protocol: https, ip_preference: ipv4 }
  - { name: i, host: i.example, port: [443] }
";
    assert_snapshot!(mistakes(file), @r"
    error: an external service must be a map
     --> colormesh.yaml:3:5
      |
    3 |   - github.com
      |     ^^^^^^^^^^
      |
      = help: write `{ name: github, host: github.com }`

    error: an external service must be a map
     --> colormesh.yaml:4:5
      |
    4 |   - [a]
      |     ^^^
      |
      = help: write a name and a host, such as `{ name: github, host: github.com }`

    error: this external service has no `name`
     --> colormesh.yaml:5:5
      |
    5 |   - { host: api.github.com }
      |     ^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: add one, such as `name: github`

    error: this external service has no `host`
     --> colormesh.yaml:6:5
      |
    6 |   - { name: a }
      |     ^^^^^^^^^^^
      |
      = help: add its host, such as `host: github.com`

    error: a host has no scheme, and this one has `https://`
     --> colormesh.yaml:7:22
      |
    7 |   - { name: b, host: 'https://b.example/x', prot: 443, egress: x }
      |                      ^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write `b.example`

    error: unknown key `prot` in an external service
     --> colormesh.yaml:7:45
      |
    7 |   - { name: b, host: 'https://b.example/x', prot: 443, egress: x }
      |                                             ^^^^
      |
      = help: did you mean `port`?

    error: unknown key `egress` in an external service
     --> colormesh.yaml:7:56
      |
    7 |   - { name: b, host: 'https://b.example/x', prot: 443, egress: x }
      |                                                        ^^^^^^
      |
      = help: write it as `egress: …` under `mesh`

    error: an `http` service cannot be on port 443: HTTPS is made by the app itself, and is `tcp` to the mesh
     --> colormesh.yaml:8:54
      |
    8 |   - { name: c, host: c.example, port: 443, protocol: http }
      |                                                      ^^^^
      |
      = help: write `protocol: tcp`, or `port: 80` when it is HTTP without TLS

    error: `via_port` is for `tcp` services: `http` ones are told apart by host and share a port
     --> colormesh.yaml:9:69
      |
    9 |   - { name: d, host: d.example, port: 80, protocol: http, via_port: 81 }
      |                                                                     ^^
      |
      = help: leave `via_port` out

    error: `via_port` is 5432, and so is the port itself
      --> colormesh.yaml:10:55
       |
    10 |   - { name: e, host: e.example, port: 5432, via_port: 5432 }
       |                                                       ^^^^
       |
       = help: leave `via_port` out, or write another port

    error: `f.default.svc.cluster.local` lies inside the mesh's own domain, `default.svc.cluster.local`
      --> colormesh.yaml:11:22
       |
    11 |   - { name: f, host: f.default.svc.cluster.local }
       |                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: name a host outside the mesh, or give `services_domain` another value

    error: on port 53 the mesh answers DNS itself, and no connection gets through to a service
      --> colormesh.yaml:12:39
       |
    12 |   - { name: g, host: g.example, port: 53 }
       |                                       ^^
       |
       = help: let the app connect to another port: `via_port: 5353`

    error: `70000` is not a port
      --> colormesh.yaml:13:39
       |
    13 |   - { name: h, host: h.example, port: 70000, protocol: https, ip_preference: ipv4 }
       |                                       ^^^^^
       |
       = help: write a number from 1 to 65535

    error: `https` is not a protocol of a service outside
      --> colormesh.yaml:13:56
       |
    13 |   - { name: h, host: h.example, port: 70000, protocol: https, ip_preference: ipv4 }
       |                                                        ^^^^^
       |
       = help: write `tcp`: the app makes HTTPS itself, and the mesh sees TCP; on a port that is seldom TLS add `tls: true`

    error: `ipv4` is not a preference of addresses
      --> colormesh.yaml:13:78
       |
    13 |   - { name: h, host: h.example, port: 70000, protocol: https, ip_preference: ipv4 }
       |                                                                              ^^^^
       |
       = help: write `IPv4_ONLY`, `IPv6_ONLY`, `IPv4_PREFERRED` or `IPv6_PREFERRED`

    error: `port` must be one value
      --> colormesh.yaml:14:39
       |
    14 |   - { name: i, host: i.example, port: [443] }
       |                                       ^^^^^ this is a list
       |
       = help: write `port: …` on one line
    ");
}

#[test]
fn what_is_no_list() {
    let cases = [
        "external_services:",
        "external_services: { github: github.com }",
        "external_services: none",
    ];
    let all: Vec<String> = cases.iter().map(|case| mistakes(case)).collect();
    assert_snapshot!(all.join("\n\n"), @r"
    error: `external_services` has no value
     --> colormesh.yaml:1:18
      |
    1 | external_services:
      |                  ^
      |
      = help: write `[]` for none, or an item for each: `- { name: github, host: github.com }`

    error: `external_services` must be a list
     --> colormesh.yaml:1:20
      |
    1 | external_services: { github: github.com }
      |                    ^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write `[]` for none, or an item for each: `- { name: github, host: github.com }`

    error: `external_services` must be a list
     --> colormesh.yaml:1:20
      |
    1 | external_services: none
      |                    ^^^^
      |
      = help: write `[]` for none, or an item for each: `- { name: github, host: github.com }`
    ");
}
