//! What people see on a terminal of 80 columns, and what goes into a pipe.

use std::process::Command;

use crate::project::{Project, Said};

/// Runs the program on a terminal of so many columns.
fn on_terminal(project: &Project, columns: usize, arguments: &str) -> String {
    let program = project.command();
    let mut command = Command::new("script");
    command.args([
        "-qec",
        &format!("stty cols {columns}; exec $PROGRAM {arguments}"),
        "/dev/null",
    ]);
    command
        .current_dir(project.path())
        .env_clear()
        .env("PROGRAM", program.get_program());
    command.envs(
        program
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().replace('\r', "")
}

/// What differs from run to run.
fn settled(text: &str) -> String {
    let words = text.split_inclusive([' ', '\n']).map(|word| {
        let bare = word.trim_end();
        let is_id = bare.len() == 8 && bare.chars().all(|c| c.is_ascii_hexdigit());
        let is_port = bare.starts_with("http://localhost:");
        if is_id {
            word.replace(bare, "1f2e3d4c")
        } else if is_port {
            word.replace(bare, "http://localhost:8080")
        } else {
            word.to_owned()
        }
    });
    words.collect()
}

#[test]
#[ignore = "needs root and Envoy"]
fn rows_fit_a_terminal_and_are_whole_in_a_pipe() {
    let project = Project::new().file("colormesh.yaml", "internet: stand-in\n");
    project.run(&["up"]).code(0);
    let status = on_terminal(&project, 80, "status");
    insta::assert_snapshot!(settled(&status), @r"
    stack    ecr-repositories           CREATE_COMPLETE
    stack    ecs-cluster                CREATE_COMPLETE
    stack    ecs-service                CREATE_COMPLETE
    stack    ingress                    CREATE_COMPLETE
    stack    mesh                       CREATE_COMPLETE
    stack    nat                        CREATE_COMPLETE
    stack    vpc                        CREATE_COMPLETE
    service  ColorGateway               1 of 1 running
    service  ColorTellerWhite           1 of 1 running
    envoy    ColorGateway 1f2e3d4c      HEALTHY
    envoy    ColorTellerWhite 1f2e3d4c  HEALTHY

    outside   stand-in (asked for)

    endpoint  http://localhost:8080
    ");
    let verify = on_terminal(&project, 80, "verify");
    for text in [
        &status,
        &verify,
        &on_terminal(&project, 80, "plan"),
        &on_terminal(&project, 60, "verify"),
    ] {
        assert!(!text.contains('\x1b'), "NO_COLOR is obeyed: {text}");
    }
    for line in status.lines().chain(verify.lines()) {
        assert!(
            line.chars().count() <= 80 || line.contains(" passed, "),
            "{line}"
        );
    }
    let Said { stdout, .. } = project.run(&["status"]).code(0);
    let whole = "service  AppMeshExternalExample-ecs-service-ColorTellerWhiteService-";
    assert!(stdout.contains(whole), "{stdout}");
    let Said { stdout, .. } = project.run(&["verify"]).code(0);
    // The README's rows, but for the seconds.
    let readme = include_str!("../../../README.md");
    let mut rows = readme
        .lines()
        .filter(|line| line.starts_with("ok  "))
        .peekable();
    assert!(rows.peek().is_some());
    for row in rows {
        let (row, _seconds) = row.rsplit_once("  ").unwrap();
        assert!(stdout.contains(&format!("{row}  ")), "{row} in\n{stdout}");
    }
    assert!(
        stdout.contains("Connection reset by peer (os error 104)`\n"),
        "{stdout}"
    );
}
