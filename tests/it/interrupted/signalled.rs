//! Ctrl-C, SIGTERM, and a reader that has read enough.

use std::time::Duration;

use super::moment::{Moment, Running, signal};
use super::traces;
use crate::project::Project;

const SETTINGS: &str = "internet: stand-in\n";
/// "At once", on a busy machine.
const SOON: Duration = Duration::from_secs(5);
/// Lines of `up` or `down` after which a signal comes.
const LINES: [usize; 5] = [1, 4, 8, 12, 20];

fn project() -> Project {
    Project::new().file("colormesh.yaml", SETTINGS)
}

/// The signals, the code of each, and the word for it.
const SIGNALS: [(&str, i32, &str); 2] =
    [("INT", 130, "interrupted; "), ("TERM", 143, "terminated; ")];

#[test]
#[ignore = "needs root and Envoy"]
fn up_and_down_say_how_things_stand_when_they_are_asked_to_end() {
    let project = project();
    let mut asked = 0;
    for (name, code, word) in SIGNALS {
        for line in LINES {
            for command in ["up", "down"] {
                if command == "down" {
                    project.run(&["up"]).code(0);
                }
                let mut running = Running::start(&project, &[command]);
                running.reach(Moment::Line(line));
                running.signal(name);
                let said = running.end(SOON);
                if said.code != 0 {
                    let said = said.code(code);
                    let told = said.stderr.contains(word)
                        && (said.stderr.contains("the same command again")
                            || said.stderr.contains(&format!("`colormesh {command}`")));
                    assert!(told, "{}", said.stderr);
                    asked += 1;
                }
                project.run(&["down"]).code(0);
            }
        }
    }
    assert!(asked >= 10, "only {asked} were still running");
    traces::assert_none(&project);
}

#[test]
#[ignore = "needs root and Envoy"]
fn an_interrupt_before_the_first_change_changes_nothing() {
    let project = project();
    let claimed = Running::start(&project, &["up"]);
    let mut waiting = Running::start(&project, &["up"]);
    // It is being started, or waits for the other: nothing of it is done yet.
    let waits = waiting.hear("waiting for `colormesh up` (process ");
    waiting.signal("INT");
    let said = waiting.end(SOON);
    if waits {
        let said = said.code(130);
        assert!(
            said.stderr.contains("no stack was changed"),
            "{}",
            said.stderr
        );
    }
    claimed.end(Duration::from_secs(60)).code(0);
    project.run(&["down"]).code(0);
    traces::assert_none(&project);
}

#[test]
#[ignore = "needs root and Envoy"]
fn verify_ends_when_it_is_asked_to_and_a_second_time_at_once() {
    let project = project();
    project.run(&["up"]).code(0);
    let daemon = super::moment::daemon(&project).unwrap();
    // It waits for an answer.
    signal(daemon, "STOP");
    for (name, code, word) in SIGNALS {
        let mut verify = Running::start(&project, &["verify", "--junit", "report.xml"]);
        assert!(verify.reach(Moment::After(Duration::from_millis(500))));
        verify.signal(name);
        verify.signal(name);
        let said = verify.end(SOON).code(code);
        assert!(
            said.stderr.is_empty() || said.stderr.contains(word),
            "{}",
            said.stderr
        );
    }
    signal(daemon, "CONT");
    let half_written = std::fs::read_dir(project.path()).unwrap();
    let reports = half_written.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("report.xml")
    });
    assert_eq!(reports.count(), 0);
    project.run(&["verify"]).code(0);
    project.run(&["down"]).code(0);
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_reader_that_has_read_enough_is_no_error() {
    let project = project();
    project.run(&["up"]).code(0);
    for command in [
        "status",
        "logs",
        "plan",
        "render",
        "verify",
        "completions bash",
        "--help",
    ] {
        let script = format!("$0 {command} | true; echo ${{PIPESTATUS[0]}}");
        let program = project.command();
        let mut bash = project.command_of("bash");
        bash.args(["-c", &script]).arg(program.get_program());
        let output = bash.output().unwrap();
        let code = String::from_utf8(output.stdout).unwrap();
        assert_eq!(code, "0\n", "{command}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{command}");
    }
    project.run(&["down"]).code(0);
}

#[test]
#[ignore = "needs root and Envoy"]
fn ctrl_c_in_a_terminal_reaches_the_command_and_not_the_daemon() {
    let project = project();
    project.run(&["local", "start"]).code(0);
    let pid = super::moment::daemon(&project).unwrap();
    let session = |process: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        let fields: Vec<String> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        // After the name come state, parent, group and session.
        (fields[2].clone(), fields[3].clone())
    };
    assert_ne!(session(pid), session(std::process::id()));
    assert_ne!(session(pid).1, session(std::process::id()).1);
    project.run(&["local", "stop"]).code(0);
    project.run(&["down"]).code(0);
    traces::assert_none(&project);
}
