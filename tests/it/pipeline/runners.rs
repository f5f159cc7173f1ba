//! What each runner reads from the log.

use std::fs::File;

use super::alone::{finish, on_aws, run};
use crate::local::Local;
use crate::project::{Project, said};

#[test]
fn a_mistake_is_annotated_at_its_line() {
    let project = Project::new().file("colormesh.yaml", "mesh:\n  egress: DROP\n");
    let mut command = project.command();
    command.args(["plan"]).env("GITHUB_ACTIONS", "true");
    let said = said(command.output().unwrap()).code(2);
    let annotation = said
        .stderr
        .lines()
        .find(|line| line.starts_with("::error "));
    let annotation = annotation.unwrap_or_else(|| panic!("{}", said.stderr));
    assert!(
        annotation.starts_with("::error file=colormesh.yaml,line=2,col=11,title="),
        "{annotation}"
    );
    // Once: its place is more than the count at the end.
    assert_eq!(said.stderr.matches("::error ").count(), 1);
    let said = project.run(&["plan"]).code(2);
    assert!(!said.stderr.contains("::error"), "{}", said.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn github_folds_the_plan_and_gitlab_too() {
    let (project, local) = (Project::new(), Local::start().await);
    let mut github = on_aws(&project, &local);
    let said = finish(github.arg("up").env("GITHUB_ACTIONS", "true")).await;
    let (_, rest) = said.stderr.split_once("::group::Plan\n").unwrap();
    let (plan, rest) = rest.split_once("::endgroup::\n").unwrap();
    assert!(plan.contains("-vpc "), "{plan}");
    assert!(
        rest.contains("::error title=colormesh%3A failed::"),
        "{rest}"
    );

    let mut gitlab = on_aws(&project, &local);
    gitlab
        .arg("up")
        .env("GITLAB_CI", "true")
        .env_remove("NO_COLOR");
    let said = finish(&mut gitlab).await;
    let opened = said.stderr.find("\x1b[0Ksection_start:").unwrap();
    let closed = said.stderr.find("\x1b[0Ksection_end:").unwrap();
    let plan = &said.stderr[opened..closed];
    assert!(plan.contains(":colormesh_plan\r\x1b[0KPlan\n"), "{plan:?}");
    assert!(plan.contains("-vpc "), "{plan:?}");
    // Nothing else is coloured: a log is no terminal.
    let others = said.stderr.matches('\x1b').count();
    assert_eq!(others, 4, "{:?}", said.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_gets_no_escape_codes_whoever_runs_it() {
    let (project, local) = (Project::new(), Local::start().await);
    for runner in ["GITHUB_ACTIONS", "GITLAB_CI", "CI"] {
        let log = project.path().join("log");
        let file = File::create(&log).unwrap();
        let mut command = on_aws(&project, &local);
        command.arg("up").env(runner, "true").env_remove("NO_COLOR");
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let ended = tokio::task::spawn_blocking(move || command.status());
        assert_eq!(ended.await.unwrap().unwrap().code(), Some(2));
        let text = std::fs::read_to_string(&log).unwrap();
        assert!(text.contains("-vpc "), "{text}");
        assert!(
            !text.contains('\x1b') && !text.contains("::group"),
            "{text:?}"
        );
    }
    let said = run(&project, &local, &["plan"]).await.code(0);
    assert!(!said.stdout.contains('\x1b'), "{:?}", said.stdout);
}
