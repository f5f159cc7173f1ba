//! Every kind of external service, from a line of the settings to the app's
//! own call, on this machine with stand-ins.

use crate::project::Project;

const SERVICES: &str = "\
internet: stand-in
external_services:
  - { name: github, host: github.com }
  - { name: any, host: '*.packages.test' }
  - { name: pages, host: '*.packages.test', port: 80, protocol: http }
  - { name: cache, host: cache.test, port: 6380, tls: true }
  - { name: one, host: db1.test, port: 3306 }
  - { name: two, host: db2.test, port: 3306 }
  - { name: ssh, host: github.com, port: 22 }
  - { name: nobodys, host: nobodys.test, nodes: [] }
";

/// Status and body of what the app answers.
fn get(endpoint: &str, service: &str) -> (u16, String) {
    let output = std::process::Command::new("curl")
        .args(["-sS", "-m", "15", "-w", "\n%{http_code}"])
        .arg(format!("{endpoint}/external_{service}"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

fn verdict(report: &serde_json::Value, name: &str) -> String {
    let checks = report["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name);
    check.unwrap()["verdict"].as_str().unwrap().to_owned()
}

#[test]
#[ignore = "needs root and Envoy"]
fn every_kind_of_service_is_reached_from_a_line_of_the_settings() {
    let project = Project::new().file("colormesh.yaml", SERVICES);
    let up = project.run(&["up", "--output", "json"]).code(0);
    assert!(!up.stderr.contains("warning"), "{}", up.stderr);
    let up = up.json();
    let endpoint = up["endpoint"].as_str().unwrap();
    for (service, said) in [
        ("github", "stand-in for github.com"),
        ("any", "stand-in for www.packages.test"),
        ("pages", "packages.test"),
        ("cache", "stand-in for cache.test"),
        ("one", "stand-in for db1.test"),
        ("two", "stand-in for db2.test"),
        ("ssh", "stand-in for github.com port 22"),
    ] {
        let (status, body) = get(endpoint, service);
        assert!(
            status == 200 && body.contains(said),
            "{service}: {status} {body}"
        );
    }
    assert_eq!(get(endpoint, "nobodys").0, 404);
    let report = project.run(&["verify", "--output", "json"]).code(0).json();
    assert_eq!(verdict(&report, "refusal logged"), "passed");

    // As App Mesh matched, with a word on what that lets through.
    let by_port = "internet: stand-in\nmesh: { matching: port }\n";
    project.write("colormesh.yaml", by_port);
    let plan = project.run(&["plan"]).code(0);
    for expected in [
        "warning: by port alone",
        "`github.com` on port 443",
        "colormesh.yaml:2:19",
    ] {
        assert!(plan.stderr.contains(expected), "{}", plan.stderr);
    }
    let up = project.run(&["up"]).code(0);
    assert!(
        up.stderr.contains("warning: by port alone"),
        "{}",
        up.stderr
    );
    let report = project.run(&["verify", "--output", "json"]).code(0).json();
    assert_eq!(verdict(&report, "external github"), "passed");
    assert_eq!(verdict(&report, "unmodelled www.example.com"), "skipped");
    project.run(&["down"]).code(0);
}
