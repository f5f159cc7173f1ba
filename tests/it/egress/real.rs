//! The walkthrough's app, examined.

use std::os::unix::process::CommandExt;

use crate::project::Project;

/// An ordinary user.
const NOBODY: u32 = 65534;

const SETTINGS: &str = "internet: stand-in\n";

#[test]
#[ignore = "needs root and Envoy"]
fn nothing_gets_out_of_an_app_and_it_goes_on_unharmed() {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    let up = project.run(&["up", "--output", "json"]).code(0).json();
    let before = project.tasks();
    let report = project
        .run(&[
            "verify",
            "--egress",
            "--output",
            "json",
            "--junit",
            "junit.xml",
        ])
        .code(0)
        .json();
    assert_eq!(report["passed"], true);
    // Two users and root without a filter, and the witnesses.
    let checks = report["checks"].as_array().unwrap();
    for user in ["app: ", "root: ", "root, unfiltered: ", "witness: "] {
        let names = checks.iter().map(|check| check["name"].as_str().unwrap());
        assert!(
            names.filter(|name| name.starts_with(user)).count() > 1,
            "{user}"
        );
    }
    let junit = std::fs::read_to_string(project.path().join("junit.xml")).unwrap();
    assert!(junit.contains("failures=\"0\""), "{junit}");
    // Nobody asked a stand-in for a name that a probe made up.
    let witness = std::fs::read_to_string(project.state().join("runtime/stand-ins.log")).unwrap();
    assert!(!witness.contains("egress-probe"), "{witness}");

    // What was only tried to see it refused is no mistake in the settings.
    let status = project.run(&["status", "--output", "json"]).code(0).json();
    let denied = status["traffic"]["denied"].as_array().unwrap();
    assert!(denied.iter().any(|one| one["name"] == "github.com"));
    for one in denied {
        assert!(one["suggestion"].is_null(), "{one}");
    }

    assert_eq!(project.tasks(), before);
    let endpoint = up["endpoint"].as_str().unwrap();
    assert_eq!(crate::walkthrough::get(endpoint, "/external_github").0, 200);
    project.run(&["verify"]).code(0);
    project.run(&["down"]).code(0);
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_way_out_is_told_with_the_line_to_look_at() {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    project.run(&["up", "--egress", "ALLOW_ALL"]).code(0);
    let said = project.run(&["verify", "--egress"]).code(5);
    let line = said
        .stdout
        .lines()
        .find(|line| line.starts_with("look at: app: TLS, foreign name:"));
    let line = line.unwrap_or_else(|| panic!("{}", said.stdout));
    assert!(line.contains("witness in world: "), "{line}");
    project.run(&["down"]).code(0);
}

/// Without root: the same table, but for the machine's own network, which an
/// ordinary user may not watch.
#[test]
#[ignore = "needs root and Envoy"]
fn nothing_gets_out_of_an_ordinary_users_app() {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    std::os::unix::fs::chown(project.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = project.command();
        let output = command
            .args(arguments)
            .uid(NOBODY)
            .gid(NOBODY)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        output.stdout
    };
    run(&["up"]);
    let report = run(&["verify", "--egress", "--output", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["passed"], true);
    run(&["down", "--yes"]);
    run(&["local", "stop"]);
}

/// Paused or killed, Envoy lets nothing out; it is noticed and started again,
/// and the app, which went on, gets through as before.
#[test]
#[ignore = "needs root and Envoy"]
fn without_envoy_nothing_gets_out_and_the_app_comes_back_with_it() {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    let up = project.run(&["up", "--output", "json"]).code(0).json();
    let endpoint = up["endpoint"].as_str().unwrap();
    let works = || crate::walkthrough::get(endpoint, "/external_github").0 == 200;
    assert!(works());

    let paused = sidecar(&project);
    signal(paused, "-STOP");
    let report = project
        .run(&["verify", "--egress", "--output", "json"])
        .code(5)
        .json();
    let checks = report["checks"].as_array().unwrap();
    let check = |name: &str| checks.iter().find(|check| check["name"] == name).unwrap();
    for name in [
        "app: TLS, foreign name",
        "root: UDP",
        "root, unfiltered: TLS, foreign name",
    ] {
        assert_eq!(check(name)["verdict"], "passed", "{}", check(name));
    }
    let noticed = check("app: signals to Envoy, its memory");
    assert!(
        noticed["evidence"].as_str().unwrap().contains("stopped"),
        "{noticed}"
    );
    assert!(!works());
    eventually(works);
    let stat = std::fs::read_to_string(format!("/proc/{paused}/stat"));
    assert_ne!(sidecar(&project), paused, "{stat:?} {}", project.tasks());

    let killed = sidecar(&project);
    signal(killed, "-KILL");
    eventually(|| sidecar_of(&project).is_some_and(|number| number != killed));
    eventually(works);
    project.run(&["verify", "--egress"]).code(0);
    project.run(&["down"]).code(0);
}

/// The rules only bring the app to its proxy; they are not what holds it.
#[test]
#[ignore = "needs root and Envoy"]
fn with_its_rules_flushed_the_app_reaches_nothing_at_all() {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    project.run(&["up"]).code(0);
    let (envoy, folder) = (sidecar(&project), project.state().join("run"));
    let networks = format!("/proc/{envoy}/root{}/netns", folder.display());
    let names = std::fs::read_dir(&networks).unwrap();
    let mut names = names.filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    let app = names.find(|name| name.starts_with("app-")).unwrap();
    let flushed = std::process::Command::new("nsenter")
        .arg(format!("--net={networks}/{app}"))
        .args(["nft", "flush", "ruleset"])
        .status();
    assert!(flushed.unwrap().success());
    let report = project
        .run(&["verify", "--egress", "--output", "json"])
        .code(5)
        .json();
    for check in report["checks"].as_array().unwrap() {
        let through = check["expected"] == "gets to the modelled host only";
        let verdict = if through { "failed" } else { "passed" };
        assert_eq!(check["verdict"], verdict, "{check}");
    }
    project.run(&["down"]).code(0);
}

/// The Envoy beside the app: the one with listeners in the app's namespace.
fn sidecar_of(project: &Project) -> Option<u32> {
    let folder = project.path().display().to_string();
    let entries = std::fs::read_dir("/proc").unwrap();
    let numbers = entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let mut found = numbers.filter(|number: &u32| {
        let line = std::fs::read_to_string(format!("/proc/{number}/cmdline")).unwrap_or_default();
        let file = line
            .split('\0')
            .find(|part| part.ends_with("bootstrap.json"));
        let Some(file) = file.filter(|file| file.starts_with(&folder)) else {
            return false;
        };
        let listeners = file.replace("bootstrap.json", "lds/lds.json");
        let listeners = std::fs::read_to_string(format!("/proc/{number}/root{listeners}"));
        listeners.is_ok_and(|listeners| listeners.contains("netns/app-"))
    });
    found.next()
}

fn sidecar(project: &Project) -> u32 {
    sidecar_of(project).unwrap()
}

fn signal(process: u32, signal: &str) {
    let sent = std::process::Command::new("kill")
        .args([signal, &process.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

fn eventually(holds: impl Fn() -> bool) {
    let end = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while !holds() {
        assert!(std::time::Instant::now() < end, "it does not come to pass");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

#[test]
fn egress_needs_a_value_where_nothing_is_tried() {
    let said = Project::new().run(&["plan", "--egress"]).code(2);
    assert!(said.stderr.contains("DROP_ALL"), "{}", said.stderr);
}
