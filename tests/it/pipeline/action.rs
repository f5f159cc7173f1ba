//! The reusable action and the examples: valid, pinned, and run here.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::project::{Project, said};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

const FILES: [(&str, &str); 3] = [
    (
        "vendor.github-actions",
        ".github/actions/colormesh/action.yml",
    ),
    ("vendor.github-workflows", "examples/github-actions.yml"),
    ("vendor.gitlab-ci", "examples/gitlab-ci.yml"),
];

#[test]
#[ignore = "needs the test tools"]
fn the_action_and_the_examples_are_what_the_runners_read() {
    for (schema, file) in FILES {
        let output = Command::new(root().join("target/emulators/bin/check-jsonschema"))
            .args(["--builtin-schema", schema])
            .arg(root().join(file))
            .output()
            .expect("`.ci/setup test` installs it");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{file}: {said}");
    }
}

/// A tag can be moved to other code, a commit cannot.
#[test]
fn actions_of_others_are_pinned_by_commit() {
    let mut pinned = 0;
    for (_, file) in FILES {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        for line in text.lines() {
            let Some((_, used)) = line.split_once("uses: ") else {
                continue;
            };
            if used.starts_with("./.github/actions/") {
                assert!(
                    root()
                        .join(used.trim_start_matches("./"))
                        .join("action.yml")
                        .is_file()
                );
                continue;
            }
            let (_, version) = used.split_once('@').unwrap_or_else(|| panic!("{line}"));
            let commit = version.split(' ').next().unwrap();
            assert!(
                commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit()),
                "{line}"
            );
            pinned += 1;
        }
        // What is written into a script would be run as one.
        let scripts = text
            .lines()
            .filter(|line| line.trim_start().starts_with("run:"));
        assert!(scripts.clone().all(|line| !line.contains("${{")), "{file}");
    }
    assert!(pinned > 5);
}

/// The example's commands are ours, with flags that there are.
#[test]
fn the_gitlab_example_calls_what_there_is() {
    let text = std::fs::read_to_string(root().join("examples/gitlab-ci.yml")).unwrap();
    let mut commands = 0;
    for line in text.lines() {
        let Some(arguments) = line.trim().strip_prefix("- colormesh ") else {
            continue;
        };
        let arguments: Vec<&str> = arguments.split(' ').chain(["--help"]).collect();
        Project::new().run(&arguments).code(0);
        commands += 1;
    }
    assert_eq!(commands, 4);
}

/// Runs the action's step as a runner does, in an empty repository.
fn step(project: &Project, variables: &[(&str, &str)]) -> crate::project::Said {
    let script = root().join(".github/actions/colormesh/run.sh");
    let mut command = project.command_of(script.to_str().unwrap());
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", project.path().join("summary"))
        .env("GITHUB_OUTPUT", project.path().join("output"))
        .env("COLORMESH_BINARY", env!("CARGO_BIN_EXE_colormesh"))
        .envs(variables.iter().copied());
    said(command.output().unwrap())
}

#[test]
fn a_step_is_refused_what_is_no_command() {
    let project = Project::new();
    let refused = step(&project, &[("COLORMESH_COMMAND", "plan; rm -rf /")]).code(2);
    assert!(refused.stderr.contains("::error"), "{}", refused.stderr);
    let settings = [
        ("COLORMESH_COMMAND", "plan"),
        ("COLORMESH_SETTINGS", "absent.yaml"),
    ];
    let refused = step(&project, &settings).code(2);
    assert!(
        refused.stderr.contains("`absent.yaml`"),
        "{}",
        refused.stderr
    );
}

#[test]
#[ignore = "needs root and Envoy"]
fn the_steps_of_a_job_go_up_prove_it_and_go_down() {
    let project = Project::new().file("my.yaml", "internet: stand-in\n");
    let run = |command, more: &[(&str, &str)]| {
        let settings = [
            ("COLORMESH_COMMAND", command),
            ("COLORMESH_SETTINGS", "my.yaml"),
        ];
        step(&project, &[&settings[..], more].concat()).code(0)
    };
    let read = |name: &str| std::fs::read_to_string(project.path().join(name)).unwrap();
    run("plan", &[("COLORMESH_ARGUMENTS", "--environment\nJob\n\n")]);
    assert_eq!(read("output"), "changes=true\n");
    assert!(
        read("summary").contains("| `Job-vpc` | create |"),
        "{}",
        read("summary")
    );
    let up = run("up", &[("COLORMESH_ARGUMENTS", "--yes")]);
    assert!(up.stderr.contains("::group::Steps\n"), "{}", up.stderr);
    assert!(
        read("output").contains("\nendpoint=http://localhost:"),
        "{}",
        read("output")
    );
    run("verify", &[("COLORMESH_JUNIT", "mesh.xml")]);
    assert!(read("mesh.xml").contains("failures=\"0\""));
    assert!(
        read("output").contains("\npassed=true\n"),
        "{}",
        read("output")
    );
    run("down", &[("COLORMESH_ARGUMENTS", "--yes")]);
}
