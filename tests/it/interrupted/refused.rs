//! What the machine does not give: each time an error that says what to do,
//! and nothing half-done.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::moment::daemon;
use super::traces;
use crate::project::{Project, Said, said};

const SETTINGS: &str = "internet: stand-in\n";

fn project() -> Project {
    Project::new().file("colormesh.yaml", SETTINGS)
}

/// Fails unless the error has all these words.
#[track_caller]
fn says(said: Said, code: i32, words: &[&str]) {
    let said = said.code(code);
    for word in words {
        assert!(
            said.stderr.contains(word),
            "no `{word}` in:\n{}",
            said.stderr
        );
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_state_folder_with_a_long_path_works() {
    let project = project();
    let long = project.path().join("state").join("long".repeat(40));
    let run = |arguments: &[&str]| {
        let mut command = project.command();
        command.env("XDG_STATE_HOME", &long).args(arguments);
        said(command.output().unwrap()).code(0)
    };
    run(&["up"]);
    run(&["verify"]);
    run(&["down"]);
    assert_eq!(fs::read_dir(&long).unwrap().count(), 0);
    assert_eq!(traces::processes(project.path()), Vec::<String>::new());
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_full_disk_is_named_and_healed_by_space() {
    let project = project();
    let state = project.path().join("state");
    fs::create_dir(&state).unwrap();
    let mount = |options: &str| {
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&state)
            .status();
        assert!(mount.unwrap().success());
    };
    mount("size=1m");
    for size in ["4k", "64k", "256k", "1m", "3m", "8m"] {
        mount(&format!("remount,size={size}"));
        let filler = state.join("filler");
        if size == "4k" {
            fs::write(&filler, vec![0; 4096]).unwrap();
        }
        let up = project.run(&["up"]);
        let _not_there = fs::remove_file(filler);
        if up.code != 0 {
            let words = ["No space left", "os error 28", "disk is full"];
            let named = words.iter().any(|word| up.stderr.contains(word));
            assert!(named, "{size}:\n{}", up.stderr);
        }
    }
    mount("remount,size=200m");
    project.run(&["up"]).code(0);
    project.run(&["verify"]).code(0);
    project.run(&["down"]).code(0);
    let unmounted = Command::new("umount").arg(&state).status();
    assert!(unmounted.unwrap().success());
    traces::assert_none(&project);
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_damaged_state_is_named_with_the_way_out() {
    let project = project();
    project.run(&["up"]).code(0);
    project.run(&["local", "stop"]).code(0);
    let file = project.state().join("account/state.json");
    let text = fs::read(&file).unwrap();
    fs::write(&file, &text[..text.len() / 2]).unwrap();
    for command in ["up", "down", "plan"] {
        let words = [
            "account/state.json",
            "does not hold an account's state",
            "rm -r",
        ];
        says(project.run(&[command]), 1, &words);
    }
    assert_eq!(traces::processes(project.path()), Vec::<String>::new());
    fs::write(&file, text).unwrap();
    project.run(&["up"]).code(0);
    project.run(&["down"]).code(0);
    traces::assert_none(&project);
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_second_daemon_over_the_same_state_does_not_start() {
    let project = project();
    project.run(&["local", "start"]).code(0);
    let first = daemon(&project).unwrap();
    let arguments = fs::read(format!("/proc/{first}/cmdline")).unwrap();
    let arguments = String::from_utf8(arguments).unwrap();
    let second = project
        .command()
        .args(arguments.split('\0').skip(1).take(2))
        .output()
        .unwrap();
    says(said(second), 1, &["a local endpoint runs already over"]);
    assert_eq!(daemon(&project), Some(first));
    project.run(&["local", "status"]).code(0);
    project.run(&["local", "stop"]).code(0);
    project.run(&["down"]).code(0);
    traces::assert_none(&project);
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_record_left_behind_harms_no_process_that_has_its_number() {
    let project = project();
    project.run(&["local", "start"]).code(0);
    let record = fs::read_to_string(project.state().join("daemon.json")).unwrap();
    let process = daemon(&project).unwrap();
    super::moment::signal(process, "KILL");
    let mut innocent = Command::new("sleep").arg("100").spawn().unwrap();
    let mut stale: serde_json::Value = serde_json::from_str(&record).unwrap();
    stale["pid"] = innocent.id().into();
    stale["first"] = innocent.id().into();
    // The lock goes with the daemon.
    while fs::read_link(format!("/proc/{process}/exe")).is_ok() {
        std::thread::yield_now();
    }
    fs::write(project.state().join("daemon.json"), stale.to_string()).unwrap();
    let stopped = project.run(&["local", "stop"]).code(0);
    assert!(
        stopped.stderr.contains("it did not run"),
        "{}",
        stopped.stderr
    );
    project.run(&["local", "start"]).code(0);
    project.run(&["down"]).code(0);
    assert!(innocent.try_wait().unwrap().is_none());
    innocent.kill().unwrap();
    innocent.wait().unwrap();
    traces::assert_none(&project);
}

#[test]
fn an_envoy_that_does_not_serve_is_refused_before_anything_starts() {
    let project = project();
    let script = |name: &str, text: &str, mode: u32| {
        let path = project.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    let old = "echo 'envoy  version: 0123/1.20.0/Clean/RELEASE/BoringSSL'";
    let cases = [
        (script("silent", "exit 0", 0o755), "is not an Envoy"),
        (script("plain", "exit 0", 0o644), "Permission denied"),
        (script("old", old, 0o755), "1.20.0"),
        (project.path().join("nowhere"), "No such file"),
    ];
    for (path, why) in cases {
        let mut command = project.command();
        command.env("COLORMESH_ENVOY", &path);
        command.args(["local", "start"]);
        let name = path.display().to_string();
        let said = said(command.output().unwrap());
        says(said, 1, &[&name, why, "COLORMESH_ENVOY"]);
        let mut doctor = project.command();
        doctor.env("COLORMESH_ENVOY", &path).arg("doctor");
        let doctor = crate::project::said(doctor.output().unwrap()).code(1);
        assert!(doctor.stdout.contains(why), "{}", doctor.stdout);
    }
    assert_eq!(traces::processes(project.path()), Vec::<String>::new());
    project.run(&["down"]).code(0);
    traces::assert_none(&project);
}

#[test]
fn without_the_colour_app_the_way_to_it_is_told() {
    let project = project();
    let elsewhere = project.path().join("colormesh");
    let program = project.command().get_program().to_owned();
    if fs::hard_link(&program, &elsewhere).is_err() {
        fs::copy(&program, &elsewhere).unwrap();
    }
    let mut command = project.command_of(elsewhere.to_str().unwrap());
    let said = said(command.arg("up").output().unwrap());
    says(
        said,
        2,
        &["the colour app is not built", "`cargo app`", "`--image`"],
    );
    assert!(!Path::new(&project.state()).exists());
}
