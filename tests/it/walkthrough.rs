//! The whole walkthrough on this machine: real stacks, real namespaces, a
//! real Envoy. The outside world is stand-ins, so nothing leaves the machine.

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
