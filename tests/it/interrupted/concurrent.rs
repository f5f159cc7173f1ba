//! Several commands at once.

use std::time::Duration;

use super::moment::{Moment, Running, daemon};
use super::traces;
use crate::project::Project;

const SETTINGS: &str = "internet: stand-in\n";
const LONG: Duration = Duration::from_secs(90);

fn project() -> Project {
    Project::new().file("colormesh.yaml", SETTINGS)
}

#[test]
#[ignore = "needs root and Envoy"]
fn the_second_of_two_ups_waits_and_has_nothing_to_do() {
    let project = project();
    let mut first = Running::start(&project, &["up", "--output", "json"]);
    assert!(first.reach(Moment::Line(2)));
    // Held, or it might be done before the second one comes.
    first.signal("STOP");
    let mut second = Running::start(&project, &["up", "--output", "json"]);
    assert!(second.hear("waiting for `colormesh up` (process "));
    first.signal("CONT");
    let first = first.end(LONG).code(0);
    let second = second.end(LONG).code(0);
    assert_eq!(first.json()["endpoint"], second.json()["endpoint"]);
    let created = |said: &crate::project::Said| {
        let steps = said.json()["finished"].as_array().unwrap().clone();
        let of_stacks = steps.into_iter().filter(|step| {
            step["step"].as_str().unwrap().contains('-') && step["outcome"] == "created"
        });
        of_stacks.count()
    };
    assert_eq!((created(&first), created(&second)), (7, 0));
    project.run(&["verify"]).code(0);
    project.run(&["down"]).code(0);
    traces::assert_none(&project);
}

#[test]
#[ignore = "needs root and Envoy"]
fn many_ups_at_once_start_one_daemon() {
    let project = project();
    let ups: Vec<Running> = (0..4).map(|_| Running::start(&project, &["up"])).collect();
    for up in ups {
        up.end(LONG).code(0);
    }
    let folder = project.path();
    let daemons = traces::processes(folder)
        .into_iter()
        .filter(|process| process.contains("__local-serve"));
    assert_eq!(daemons.count(), 1);
    project.run(&["verify"]).code(0);
    let downs: Vec<Running> = (0..3)
        .map(|_| Running::start(&project, &["down"]))
        .collect();
    for down in downs {
        down.end(LONG).code(0);
    }
    traces::assert_none(&project);
}

#[test]
#[ignore = "needs root and Envoy"]
fn down_waits_for_up_and_up_for_down() {
    let project = project();
    for line in [1, 6, 15] {
        let mut up = Running::start(&project, &["up"]);
        up.reach(Moment::Line(line));
        let down = Running::start(&project, &["down"]);
        up.end(LONG).code(0);
        down.end(LONG).code(0);
        traces::assert_none(&project);

        project.run(&["up"]).code(0);
        let mut down = Running::start(&project, &["down"]);
        down.reach(Moment::Line(line));
        let up = Running::start(&project, &["up"]);
        down.end(LONG).code(0);
        up.end(LONG).code(0);
        project.run(&["verify"]).code(0);
        project.run(&["down"]).code(0);
        traces::assert_none(&project);
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn two_environments_share_a_daemon_and_the_last_takes_it_along() {
    let project = project();
    let other = |command: &'static str| {
        let names = [
            "--environment",
            "Other",
            "--mesh-name",
            "other",
            "--image-name",
            "other",
        ];
        let more = ["--key-pair", "other", "--services-domain", "other.local"];
        [&[command], &names[..], &more[..]].concat()
    };
    let (one, two) = (
        Running::start(&project, &["up"]),
        Running::start(&project, &other("up")),
    );
    let (one, two) = (one.end(LONG).code(0), two.end(LONG).code(0));
    assert_ne!(
        one.stdout, two.stdout,
        "each has a load balancer of its own"
    );
    project.run(&["verify"]).code(0);
    project.run(&other("verify")).code(0);
    let pid = daemon(&project).unwrap();
    let said = project.run(&["down"]).code(0);
    assert!(
        said.stderr.contains("the local endpoint goes on"),
        "{}",
        said.stderr
    );
    project.run(&other("verify")).code(0);
    assert_eq!(
        daemon(&project),
        Some(pid),
        "the other's tasks were not restarted"
    );
    // One comes while the other goes.
    let (up, down) = (
        Running::start(&project, &["up"]),
        Running::start(&project, &other("down")),
    );
    up.end(LONG).code(0);
    down.end(LONG).code(0);
    project.run(&["verify"]).code(0);
    project.run(&["down"]).code(0);
    traces::assert_none(&project);
}
