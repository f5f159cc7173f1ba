//! Every kind of service, no service at all, and very many.

use std::fmt::Write as _;

use super::{check, get};
use crate::project::{Project, Said};

/// How many services the test has; the issue asks for 5,000, which takes
/// minutes in a debug build: `COLORMESH_TEST_SERVICES=5000` tries them.
fn many() -> usize {
    let wanted = std::env::var("COLORMESH_TEST_SERVICES").ok();
    wanted.map_or(300, |wanted| wanted.parse().unwrap())
}

fn settings(count: usize) -> String {
    let mut text = "internet: stand-in\nexternal_services:\n".to_owned();
    for number in 0..count {
        writeln!(
            text,
            "  - {{ name: s{number}, host: h{number}.example.com }}"
        )
        .unwrap();
    }
    text
}

fn verified(project: &Project) -> serde_json::Value {
    let report = project.run(&["verify", "--timeout", "120s", "--output", "json"]);
    report.code(0).json()
}

fn up(project: &Project) -> serde_json::Value {
    project.run(&["up", "--output", "json"]).code(0).json()
}

#[test]
#[ignore = "needs root and Envoy"]
fn an_app_without_external_services_goes_up_and_reaches_nothing() {
    let text = "internet: stand-in\nexternal_services: []\n";
    let project = Project::new().file("colormesh.yaml", text);
    let up = up(&project);
    let endpoint = up["endpoint"].as_str().unwrap();
    let report = verified(&project);
    assert_eq!(check(&report, "refusal logged")["verdict"], "passed");
    assert_eq!(get(endpoint, "/external_github").0, 404);
    project.run(&["down"]).code(0);
}

#[test]
#[ignore = "needs root and Envoy"]
fn very_many_services_go_up_are_proved_change_and_go_down() {
    let count = many();
    let project = Project::new().file("colormesh.yaml", &settings(count));
    up(&project);
    let report = verified(&project);
    let externals = report["checks"].as_array().unwrap().iter();
    let externals =
        externals.filter(|check| check["name"].as_str().unwrap().starts_with("external s"));
    assert_eq!(externals.count(), count);
    for count in [count + 1, count] {
        project.write("colormesh.yaml", &settings(count));
        project.run(&["plan", "--exit-code"]).code(3);
        up(&project);
        let report = verified(&project);
        let last = format!("external s{}", count - 1);
        assert_eq!(check(&report, &last)["verdict"], "passed");
    }
    project.run(&["verify", "--egress"]).code(0);
    project.run(&["down"]).code(0);
}

/// Each has a port of its own, which a listener for all of them opens.
#[test]
#[ignore = "needs root and Envoy"]
fn very_many_services_have_ports_on_loopback() {
    let count = many();
    let ports = format!("mesh: {{ redirect: ports }}\n{}", settings(count));
    let project = Project::new().file("colormesh.yaml", &ports);
    let up = up(&project);
    verified(&project);
    let endpoint = up["endpoint"].as_str().unwrap();
    for number in [0, count / 2, count - 1] {
        let (status, page) = get(endpoint, &format!("/external_s{number}"));
        let from = format!("stand-in for h{number}.example.com");
        assert!(status == 200 && page.contains(&from), "{number}: {page}");
    }
    assert_eq!(get(endpoint, "/egress_denied").0, 502);
    project.run(&["verify", "--egress"]).code(0);
    project.run(&["down"]).code(0);
}

#[test]
fn what_aws_would_refuse_is_refused_before_anything_is_asked() {
    // What App Mesh itself can tell apart on one port.
    let http = settings(5000).replace(" }", ", port: 80, protocol: http }");
    let project = Project::new().file("colormesh.yaml", &http);
    for command in [&["plan"][..], &["up", "--yes"]] {
        let arguments = ["--target", "aws", "--mesh-runtime", "app-mesh"];
        let said = project.run(&[command, &arguments].concat());
        let Said { stderr, .. } = said.code(2);
        assert!(
            stderr.contains("AppMeshExternalExample-mesh` has 10005 resources"),
            "{stderr}"
        );
        assert!(stderr.contains("nothing was changed"), "{stderr}");
    }
}

const EVERY_KIND: &str = "\
internet: stand-in
external_services:
- { name: tls, host: tls.example.org }
- { name: tls-via, host: other.example.org, via_port: 9443 }
- { name: plain, host: db.example.org, port: 5432 }
- { name: plain-via, host: db3.example.org, port: 3306, via_port: 13306 }
- { name: web, host: web.example.org, port: 80, protocol: http }
- { name: web-same, host: web2.example.org, port: 80, protocol: http }
- { name: shared-web, host: both.example.org, port: 8080, protocol: http }
- { name: shared-ssh, host: both.example.org, port: 22 }
";

#[test]
#[ignore = "needs root and Envoy"]
fn every_kind_of_service_answers_direct_and_by_a_router() {
    let project = Project::new().file("colormesh.yaml", EVERY_KIND);
    let up = up(&project);
    let endpoint = up["endpoint"].as_str().unwrap();
    verified(&project);
    for (name, host, port) in [
        ("tls", "tls", 443),
        ("tls-via", "other", 443),
        ("web", "web", 80),
        ("web-same", "web2", 80),
        ("shared-web", "both", 8080),
    ] {
        let (status, page) = get(endpoint, &format!("/external_{name}"));
        assert_eq!(status, 200, "{name}: {page}");
        let from = format!("stand-in for {host}.example.org");
        let on = format!("on port {port}");
        assert!(page.contains(&from) && page.contains(&on), "{name}: {page}");
    }
    // The witness of what is no page is the stand-in itself.
    let seen = std::fs::read_to_string(project.state().join("runtime/stand-ins.log")).unwrap();
    for (host, port) in [("db", 5432), ("db3", 3306), ("both", 22)] {
        let host = format!(r#""host":"{host}.example.org","port":{port}"#);
        assert!(seen.contains(&host), "{host} in {seen}");
    }
    project.run(&["down"]).code(0);
}
