//! The whole walkthrough on this machine: real stacks, real namespaces, a
//! real Envoy. The outside world is stand-ins, so nothing leaves the machine.

mod changes;
mod size;

use crate::project::Project;

/// The walkthrough with stand-ins.
const SETTINGS: &str = "internet: stand-in\n";

#[test]
#[ignore = "needs root and Envoy"]
fn the_local_endpoint_starts_tells_of_itself_and_stops() {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    let started = project.run(&["local", "start"]).code(0);
    assert!(
        started.stdout.starts_with("http://127.0.0.1:"),
        "{}",
        started.stdout
    );
    let again = project.run(&["local", "start"]).code(0);
    assert_eq!(again.stdout, started.stdout);
    let status = project
        .run(&["local", "status", "--output", "json"])
        .code(0)
        .json();
    assert_eq!(status["world"]["kind"], "stand-in");
    assert_eq!(status["problems"], serde_json::json!([]));
    let pid = status["pid"].as_u64().unwrap();
    project.run(&["local", "stop"]).code(0);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    let status = project
        .run(&["local", "status", "--output", "json"])
        .code(0)
        .json();
    assert_eq!(status["running"], false);
}

#[test]
#[ignore = "needs root and Envoy"]
fn the_whole_walkthrough_goes_up_is_proved_changes_and_goes_down() {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    let up = project.run(&["up", "--output", "json"]).code(0).json();
    let endpoint = up["endpoint"].as_str().unwrap().to_owned();
    assert_eq!(get(&endpoint, "/"), (200, "white".to_owned()));

    let report = project
        .run(&["verify", "--output", "json", "--junit", "junit.xml"])
        .code(0)
        .json();
    assert_eq!(report["world"], "stand-in");
    for name in [
        "gateway",
        "external github",
        "external godev",
        "refusal logged",
    ] {
        assert_eq!(check(&report, name)["verdict"], "passed", "{name}");
    }
    let junit = std::fs::read_to_string(project.path().join("junit.xml")).unwrap();
    assert!(junit.contains("failures=\"0\""), "{junit}");
    // The stand-in itself is the witness that the page came from it.
    let (status, page) = get(&endpoint, "/external_github");
    assert_eq!(status, 200);
    assert!(page.contains("stand-in for github.com"), "{page}");
    assert_eq!(get(&endpoint, "/egress_denied").0, 502);
    let witness = project.state().join("runtime/stand-ins.log");
    let seen = std::fs::read_to_string(witness).unwrap();
    assert!(
        seen.contains("github.com") && !seen.contains("www.example.com"),
        "{seen}"
    );

    // Nothing to do is done at once and changes nothing.
    project.run(&["plan", "--exit-code"]).code(0);
    let again = project.run(&["up", "--output", "json"]).code(0).json();
    let steps = again["finished"].as_array().unwrap();
    let stacks = steps
        .iter()
        .filter(|step| step["step"].as_str().unwrap().contains('-'));
    assert!(
        stacks.clone().count() == 7 && stacks.clone().all(|step| step["outcome"] == "unchanged")
    );

    // A service more: http, and plain tcp. The cluster lets its port and its
    // name out; the VPC and the repository stay as they are.
    project.write("colormesh.yaml", &format!("{SETTINGS}{MORE}"));
    project.run(&["plan", "--exit-code"]).code(3);
    let changed = project.run(&["up", "--output", "json"]).code(0).json();
    for step in changed["finished"].as_array().unwrap() {
        let name = step["step"].as_str().unwrap();
        let touched = ["-mesh", "-ecs-cluster", "-ecs-service"]
            .iter()
            .any(|end| name.ends_with(end));
        if name.contains('-') {
            assert_eq!(
                step["outcome"],
                if touched { "updated" } else { "unchanged" },
                "{name}"
            );
        }
    }
    project.run(&["verify"]).code(0);
    assert_eq!(get(&endpoint, "/external_plain").0, 200);
    assert_eq!(get(&endpoint, "/external_database").0, 200);

    // The other of the walkthrough's ways.
    project.run(&["up", "--egress", "ALLOW_ALL"]).code(0);
    project.run(&["verify", "--egress", "ALLOW_ALL"]).code(0);
    project.run(&["verify", "--timeout", "1s"]).code(5);

    project.run(&["down"]).code(0);
    assert!(!project.path().join("state").join("colormesh").exists());
    assert!(!project.path().join(".ssh/color-app.pem").exists());
    let nothing = project.run(&["down"]).code(0);
    assert!(
        nothing.stderr.contains("nothing is deployed"),
        "{}",
        nothing.stderr
    );
}

const MORE: &str = "\
external_services:
  - { name: github, host: github.com }
  - { name: godev, host: go.dev, via_port: 444 }
  - { name: plain, host: mirror.example.org, port: 80, protocol: http }
  - { name: database, host: db.example.org, port: 5432 }
";

#[test]
#[ignore = "needs root and Envoy"]
fn up_goes_on_after_the_daemon_was_killed() {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    project.run(&["up"]).code(0);
    let status = project
        .run(&["local", "status", "--output", "json"])
        .code(0)
        .json();
    let pid = status["pid"].as_i64().unwrap();
    let killed = std::process::Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    while std::path::Path::new(&format!("/proc/{pid}/exe")).exists() {
        std::thread::yield_now();
    }
    let up = project.run(&["up", "--output", "json"]).code(0).json();
    let endpoint = up["endpoint"].as_str().unwrap();
    assert_eq!(get(endpoint, "/external_github").0, 200);
    project.run(&["verify"]).code(0);
    project.run(&["down"]).code(0);
}

pub(crate) fn check<'a>(report: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap()
}

/// Status and body.
pub(crate) fn get(endpoint: &str, path: &str) -> (u16, String) {
    let output = std::process::Command::new("curl")
        .args(["-sS", "-m", "15", "-w", "\n%{http_code}"])
        .arg(format!("{endpoint}{path}"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}
