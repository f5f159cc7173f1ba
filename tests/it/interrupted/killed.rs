//! SIGKILL in the middle of things: of the command, and of the daemon.

use std::time::Duration;

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
