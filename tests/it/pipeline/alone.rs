//! Nobody sits at a CI job: nothing is asked, nothing is changed unasked.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::local::Local;
use crate::project::{Project, Said, said};

/// Runs against an endpoint of this test, as if it were AWS.
pub(crate) async fn run(project: &Project, local: &Local, arguments: &[&str]) -> Said {
    finish(on_aws(project, local).args(arguments)).await
}

pub(super) fn on_aws(project: &Project, local: &Local) -> Command {
    let mut command = project.command();
    command
        .args(["--target", "aws", "--endpoint-url"])
        .arg(format!("http://{}", local.address))
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test");
    command
}

/// The endpoint answers in this process meanwhile.
pub(super) async fn finish(command: &mut Command) -> Said {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = child.spawn().unwrap();
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output());
    let ended = tokio::time::timeout(Duration::from_mins(2), ended).await;
    said(ended.expect("it waits for somebody").unwrap().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn aws_is_not_changed_without_a_yes() {
    let (project, local) = (Project::new(), Local::start().await);
    for (arguments, words) in [
        (&["up"][..], "`--yes` agrees to the plan"),
        (&["up", "--output", "json"], "`--yes` agrees to the plan"),
    ] {
        let said = run(&project, &local, arguments).await.code(2);
        assert!(said.stderr.contains(words), "{}", said.stderr);
        // What would have been done is shown.
        assert!(said.stderr.contains("-vpc "), "{}", said.stderr);
    }
    let status = run(&project, &local, &["status", "--output", "json"]).await;
    let stacks = status.code(0).json()["stacks"].clone();
    for (name, status) in stacks.as_object().unwrap() {
        assert_eq!(status, "absent", "{name}");
    }
    // There is nothing to agree to.
    run(&project, &local, &["down"]).await.code(0);
    run(&project, &local, &["plan", "--exit-code"])
        .await
        .code(3);
}

/// On a terminal too: some runners give their jobs one.
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_in_a_ci_job_is_not_asked() {
    let (project, local) = (Project::new(), Local::start().await);
    let program = on_aws(&project, &local);
    let mut line = program.get_program().to_str().unwrap().to_owned();
    for argument in program.get_args() {
        line.push_str(&format!(" '{}'", argument.to_str().unwrap()));
    }
    // A terminal for all three streams, at which nobody types.
    let mut command = project.command_of("script");
    command
        .args([
            "--quiet",
            "--return",
            "--command",
            &format!("{line} up"),
            "/dev/null",
        ])
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("CI", "true")
        .stdin(Stdio::piped());
    let said = finish(&mut command).await.code(2);
    assert!(
        said.stdout.contains("nobody can be asked"),
        "{}",
        said.stdout
    );
}

/// What ends early is a document too.
#[test]
fn an_error_is_json_where_json_is_asked_for() {
    let project = Project::new().file("colormesh.yaml", "regoin: x\n");
    let said = project.run(&["plan", "--output", "json"]).code(2);
    assert_eq!(said.json()["code"], 2);
    let error = said.json()["error"].to_string();
    assert!(error.contains("nothing was changed"), "{error}");
    let project = Project::new();
    let said = project.run(&["verify", "--output", "json"]).code(1);
    assert!(
        said.json()["error"]
            .as_str()
            .unwrap()
            .contains("`colormesh up`")
    );
    let said = project.run(&["local", "env", "--output", "json"]).code(1);
    assert_eq!(said.json()["code"], 1);
}
