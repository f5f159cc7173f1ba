//! Services of every host below a domain, and what matching by port lets through.

#![expect(clippy::unwrap_used, reason = "tests")]
use super::{load_layers, mistakes};
use crate::config::{Input, Overrides, load_with_warnings};
use crate::diag::{Severity, Source};
use insta::assert_snapshot;
use std::sync::Arc;

fn warnings(file: &str) -> String {
    let input = Input {
        file: Some(Arc::new(Source::new("colormesh.yaml", file))),
        environment: &|_| None,
        overrides: Overrides::default(),
    };
    let (_, found) = load_with_warnings(&input).unwrap_or_else(|found| panic!("{found}"));
    assert!(
        found
            .0
            .iter()
            .all(|each| each.severity == Severity::Warning)
    );
    found.to_string()
}

#[test]
fn what_many_hosts_cannot_be() {
    let file = "
external_services:
  - { name: a, host: '*' }
  - { name: b, host: 'a.*.com' }
  - { name: c, host: '*.db.example', port: 5432 }
  - { name: d, host: '*.cluster.local' }
  - { name: e, host: '*.e.example', port: 80, protocol: http, ip_preference: IPv6_ONLY }
  - { name: f, host: '*.f.example' }
  - { name: g, host: '*.f.example' }
  - { name: h, host: h.example, port: 80, protocol: http, tls: true }
  - { name: i, host: i.example, tls: maybe }
";
    assert_snapshot!(mistakes(file), @r"
    error: `*` is every host there is, and then nothing is dropped
     --> colormesh.yaml:3:22
      |
    3 |   - { name: a, host: '*' }
      |                      ^^^
      |
      = help: write one domain whose hosts are meant, such as `*.example.com`; `ALLOW_ALL` lets everything out

    error: `a.*.com` has a `*` elsewhere than as its whole first label
     --> colormesh.yaml:4:22
      |
    4 |   - { name: b, host: 'a.*.com' }
      |                      ^^^^^^^^^
      |
      = help: write one domain whose hosts are meant, such as `*.example.com`; `ALLOW_ALL` lets everything out

    error: `*.db.example` is many hosts, and without TLS nothing in a connection says which is meant
     --> colormesh.yaml:5:22
      |
    5 |   - { name: c, host: '*.db.example', port: 5432 }
      |                      ^^^^^^^^^^^^^^
      |
      = help: write one entry for each host, or `tls: true` when the app begins with TLS there

    error: `*.cluster.local` covers the mesh's own domain, `default.svc.cluster.local`
     --> colormesh.yaml:6:22
      |
    6 |   - { name: d, host: '*.cluster.local' }
      |                      ^^^^^^^^^^^^^^^^^
      |
      = help: name a domain outside the mesh, or give `services_domain` another value

    error: an `http` service of many hosts cannot have `IPv6_ONLY`
     --> colormesh.yaml:7:78
      |
    7 |   - { name: e, host: '*.e.example', port: 80, protocol: http, ip_preference: IPv6_ONLY }
      |                                                                              ^^^^^^^^^
      |
      = help: leave `ip_preference` out: these hosts are reached by IPv4

    error: `*.f.example` on port 443 is already `f`
     --> colormesh.yaml:9:22
      |
    9 |   - { name: g, host: '*.f.example' }
      |                      ^^^^^^^^^^^^^
      |
      = help: delete one of the two

    error: `tls` is for `tcp` services: to the mesh, `http` is HTTP without TLS
      --> colormesh.yaml:10:64
       |
    10 |   - { name: h, host: h.example, port: 80, protocol: http, tls: true }
       |                                                                ^^^^
       |
       = help: leave `tls` out, or write `protocol: tcp` when the app makes HTTPS itself

    error: `maybe` is neither true nor false
      --> colormesh.yaml:11:38
       |
    11 |   - { name: i, host: i.example, tls: maybe }
       |                                      ^^^^^
       |
       = help: write `true` or `false`
    ");
}

#[test]
fn many_hosts_are_not_told_apart_by_port() {
    let file = "mesh: { matching: port }\nexternal_services: [{ name: a, host: '*.a.example' }]\n";
    assert_snapshot!(mistakes(file), @r"
    error: `*.a.example` is many hosts, and matching by port alone does not look at which is meant
     --> colormesh.yaml:2:38
      |
    2 | external_services: [{ name: a, host: '*.a.example' }]
      |                                      ^^^^^^^^^^^^^
      |
      = help: write one entry for each host, or set `mesh.matching` to `sni`
    ");
}

#[test]
fn domains_below_which_strangers_have_hosts_are_pointed_at() {
    let file = "
external_services:
  - { name: a, host: '*.com' }
  - { name: b, host: '*.s3.amazonaws.com' }
  - { name: c, host: '*.corp.example' }
";
    assert_snapshot!(warnings(file), @r"
    warning: anybody can have a host below `com`, and the app may send it what it likes
     --> colormesh.yaml:3:22
      |
    3 |   - { name: a, host: '*.com' }
      |                      ^^^^^^^
      |
      = help: name the hosts that are meant, such as `yours.com`

    warning: anybody can have a host below `s3.amazonaws.com`, and the app may send it what it likes
     --> colormesh.yaml:4:22
      |
    4 |   - { name: b, host: '*.s3.amazonaws.com' }
      |                      ^^^^^^^^^^^^^^^^^^^^
      |
      = help: name the hosts that are meant, such as `yours.s3.amazonaws.com`
    ");
}

#[test]
fn what_matching_by_port_lets_through_is_said() {
    let file = "mesh: { matching: port }\n";
    assert_snapshot!(warnings(file), @r"
    warning: by port alone, a connection goes to `github.com` on port 443 and `go.dev` on port 444, whatever host and server name it is for
     --> colormesh.yaml:1:19
      |
    1 | mesh: { matching: port }
      |                   ^^^^
      |
      = help: write `sni`: then whoever asks for another host is refused, and it is noted; `port` is what App Mesh did
    ");
    for quiet in [
        "",
        "mesh: { matching: sni }",
        "mesh: { matching: port }\nexternal_services: []",
    ] {
        assert_eq!(warnings(quiet), "", "{quiet}");
    }
}

#[test]
fn a_warning_does_not_keep_settings_from_being_used() {
    let file = "external_services: [{ name: a, host: '*.com' }]";
    let config = load_layers(file, &[], Overrides::default()).unwrap();
    assert_eq!(config.external_services[0].host.as_str(), "*.com");
}
