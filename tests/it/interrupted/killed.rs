//! SIGKILL in the middle of things: of the command, and of the daemon.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::moment::{Moment, Running, daemon, signal};
use super::traces;
use crate::project::Project;

const SETTINGS: &str = "internet: stand-in\n";
/// How long a command may take to notice that its daemon is gone.
const NOTICE: Duration = Duration::from_secs(20);

fn project() -> Project {
    Project::new().file("colormesh.yaml", SETTINGS)
}

/// Deployed, proved, and then away without a trace.
#[track_caller]
fn goes_on(project: &Project) {
    project.run(&["up"]).code(0);
    project.run(&["verify"]).code(0);
    project.run(&["down"]).code(0);
    traces::assert_none(project);
}

#[test]
#[ignore = "needs root and Envoy"]
fn up_goes_on_after_it_was_killed_at_any_moment() {
    let network = traces::network();
    let project = project();
    let mut moments = 0;
    for moment in Moment::all((1..40).step_by(3)) {
        let mut up = Running::start(&project, &["up"]);
        let reached = up.reach(moment);
        up.signal("KILL");
        up.end(NOTICE);
        goes_on(&project);
        if !reached {
            break;
        }
        moments += 1;
    }
    assert!(moments >= 9, "only {moments} moments were reached");
    assert_eq!(traces::network(), network);
}

#[test]
#[ignore = "needs root and Envoy"]
fn down_goes_on_after_it_was_killed_at_any_moment() {
    let project = project();
    let mut moments = 0;
    for moment in Moment::all((1..40).step_by(2)) {
        project.run(&["up"]).code(0);
        let mut down = Running::start(&project, &["down"]);
        let reached = down.reach(moment);
        down.signal("KILL");
        down.end(NOTICE);
        // Both ways are open from there.
        if moments % 2 == 0 {
            project.run(&["down"]).code(0);
            traces::assert_none(&project);
        } else {
            goes_on(&project);
        }
        if !reached {
            break;
        }
        moments += 1;
    }
    assert!(moments >= 7, "only {moments} moments were reached");
}

#[test]
#[ignore = "needs root and Envoy"]
fn up_ends_and_goes_on_after_the_daemon_was_killed_at_any_moment() {
    let project = project();
    let mut moments = 0;
    for moment in Moment::all((2..40).step_by(3)) {
        let mut up = Running::start(&project, &["up"]);
        let reached = up.reach(moment);
        ends_well_or_says_so(&project, up);
        goes_on(&project);
        if !reached {
            break;
        }
        moments += 1;
    }
    assert!(moments >= 9, "only {moments} moments were reached");
}

#[test]
#[ignore = "needs root and Envoy"]
fn down_ends_and_goes_on_after_the_daemon_was_killed_at_any_moment() {
    let project = project();
    let mut moments = 0;
    for moment in Moment::all((2..40).step_by(2)) {
        project.run(&["up"]).code(0);
        let mut down = Running::start(&project, &["down"]);
        let reached = down.reach(moment);
        ends_well_or_says_so(&project, down);
        project.run(&["down"]).code(0);
        traces::assert_none(&project);
        if !reached {
            break;
        }
        moments += 1;
    }
    assert!(moments >= 7, "only {moments} moments were reached");
}

/// Kills the daemon under a command: it is done already, or it names what
/// happened and what to do.
#[track_caller]
fn ends_well_or_says_so(project: &Project, command: Running) {
    let Some(process) = daemon(project) else {
        command.end(NOTICE).code(0);
        return;
    };
    signal(process, "KILL");
    let said = command.end(NOTICE);
    if said.code != 0 {
        let said = said.code(1);
        for words in ["the local endpoint", "hint: the same command again"] {
            assert!(said.stderr.contains(words), "{}", said.stderr);
        }
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_port_that_another_program_took_meanwhile_is_given_up() {
    let project = project();
    let endpoint = |project: &Project| {
        let up = project.run(&["up", "--output", "json"]).code(0).json();
        up["endpoint"].as_str().unwrap().to_owned()
    };
    let before = endpoint(&project);
    // As soon as the daemon lets go of it; another test's may be quicker.
    let taken = |url: &str| {
        let port: u16 = url.rsplit(':').next().unwrap().parse().unwrap();
        let deadline = Instant::now() + Duration::from_secs(2);
        loop {
            let bound = TcpListener::bind(("127.0.0.1", port));
            if bound.is_ok() || Instant::now() > deadline {
                return bound.ok();
            }
        }
    };
    let status = project.run(&["local", "status", "--output", "json"]);
    let status = status.code(0).json();
    let process = daemon(&project).unwrap();
    signal(process, "KILL");
    let held = (taken(&before), taken(status["endpoint"].as_str().unwrap()));
    let after = endpoint(&project);
    assert_ne!(after, before);
    project.run(&["verify"]).code(0);
    let status = project.run(&["status", "--output", "json"]).code(0).json();
    assert_eq!(status["endpoint"], after.as_str());
    drop(held);
    project.run(&["down"]).code(0);
    traces::assert_none(&project);
}

#[test]
#[ignore = "needs root and Envoy"]
fn what_loses_its_parent_in_the_daemons_namespace_is_reaped() {
    let project = project();
    project.run(&["up"]).code(0);
    let daemon = daemon(&project).unwrap();
    let children = |parent: u32| -> Vec<(u32, String)> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap() {
            let path = entry.unwrap().path();
            let stat = std::fs::read_to_string(path.join("stat")).unwrap_or_default();
            let Some((number, rest)) = stat.split_once(' ') else {
                continue;
            };
            let fields: Vec<&str> = rest
                .rsplit(')')
                .next()
                .unwrap()
                .split_whitespace()
                .collect();
            if fields.get(1) == Some(&parent.to_string().as_str()) {
                found.push((number.parse().unwrap(), fields[0].to_owned()));
            }
        }
        found
    };
    let is_launcher = |process: &u32| {
        let arguments = std::fs::read_to_string(format!("/proc/{process}/cmdline"));
        arguments.unwrap_or_default().contains("launch-container")
    };
    let launchers = children(daemon).into_iter().map(|(process, _)| process);
    let launcher = launchers.into_iter().find(is_launcher).unwrap();
    let inner = children(launcher)[0].0;
    // Its container's first process loses its parent and dies.
    signal(launcher, "KILL");
    let deadline = Instant::now() + NOTICE;
    while std::path::Path::new(&format!("/proc/{inner}")).exists() {
        assert!(Instant::now() < deadline, "it is a zombie");
        std::thread::sleep(Duration::from_millis(10));
    }
    project.run(&["verify"]).code(0);
    let zombies = children(daemon)
        .into_iter()
        .filter(|(_, state)| state == "Z");
    assert_eq!(zombies.count(), 0);
    project.run(&["down"]).code(0);
    traces::assert_none(&project);
}
