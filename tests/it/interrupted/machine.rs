//! An ordinary user, and machines that give such a one little.

use std::os::unix::fs::chown;
use std::process::Command;
use std::time::Duration;

use super::moment::{Moment, Running};
use super::traces;
use crate::project::{Project, said};

const SETTINGS: &str = "internet: stand-in\n";
/// Nobody special.
const USER: u32 = 65_534;

/// A project of an ordinary user.
fn project() -> Project {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    chown(project.path(), Some(USER), Some(USER)).unwrap();
    project.wrapped(&[
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--",
    ])
}

#[test]
#[ignore = "needs root and Envoy"]
fn an_ordinary_user_goes_up_and_down_and_leaves_nothing() {
    let project = project();
    project.run(&["doctor"]).code(0);
    project.run(&["up"]).code(0);
    project.run(&["verify"]).code(0);
    project.run(&["down"]).code(0);
    traces::assert_none(&project);
}

#[test]
#[ignore = "needs root and Envoy"]
fn an_ordinary_users_up_goes_on_after_kills_and_signals() {
    let project = project();
    for (signal, line) in [("KILL", 3), ("INT", 6), ("KILL", 14), ("TERM", 20)] {
        let mut up = Running::start(&project, &["up"]);
        up.reach(Moment::Line(line));
        up.signal(signal);
        let ended = up.end(Duration::from_secs(10));
        assert!([-1, 0, 130, 143].contains(&ended.code), "{}", ended.stderr);
        project.run(&["up"]).code(0);
        project.run(&["verify"]).code(0);
        let mut down = Running::start(&project, &["down"]);
        down.reach(Moment::Line(line / 2));
        down.signal(signal);
        down.end(Duration::from_secs(10));
        project.run(&["down"]).code(0);
        traces::assert_none(&project);
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_state_folder_that_may_not_be_written_is_named() {
    let project = project();
    std::fs::create_dir(project.path().join("state")).unwrap();
    for command in ["up", "plan", "local start"] {
        let arguments: Vec<&str> = command.split(' ').collect();
        let said = project.run(&arguments).code(1);
        for words in ["state/colormesh", "Permission denied", "XDG_STATE_HOME"] {
            assert!(said.stderr.contains(words), "{}", said.stderr);
        }
    }
    let down = project.run(&["down"]).code(0);
    assert!(
        down.stderr.contains("nothing is deployed"),
        "{}",
        down.stderr
    );
}

#[test]
#[ignore = "needs root and Envoy"]
fn where_user_namespaces_are_refused_doctor_and_up_say_so() {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    // An ordinary user of a machine that allows none: root of a namespace of
    // its own without any privilege in there.
    let script = "echo 0 > /proc/sys/user/max_user_namespaces; \
                  exec setpriv --bounding-set=-all --inh-caps=-all -- \"$0\" \"$@\"";
    let run = |command: &str| {
        let mut unshare = project.command_of("unshare");
        unshare.args(["-Ur", "sh", "-c", script]);
        let program = Command::get_program(&project.command()).to_owned();
        said(unshare.arg(program).arg(command).output().unwrap())
    };
    let doctor = run("doctor").code(1);
    assert!(
        doctor
            .stdout
            .contains("user namespaces are refused here: run as root"),
        "{}",
        doctor.stdout
    );
    let up = run("up").code(1);
    for words in [
        "does not let an ordinary user make namespaces",
        "run as root",
    ] {
        assert!(up.stderr.contains(words), "{}", up.stderr);
    }
    assert_eq!(traces::processes(project.path()), Vec::<String>::new());
    let down = run("down");
    assert!(
        down.code == 0 || down.stderr.contains("run as root"),
        "{}",
        down.stderr
    );
}
