//! Change sets that a command made for others to look at, when it is broken
//! off: by a key, by a signal, by a kill.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use colormesh::account::cloudformation::ChangeSetStatus;
use colormesh::account::lab::{CallEffect, CallFault};

use super::moment::Running;
use super::terminal::Terminal;
use crate::as_aws::{AsAws, ENVIRONMENT};
use crate::project::Project;

const SETTINGS: &str = "key_pair: none\nvpc: { nat: none }\n";
const CHANGED: &str = "mesh: { egress: ALLOW_ALL }\n";
/// Another repository: the one before holds an image.
const LOSES: &str = "app: { image_name: other }\n";
/// "At once", on a busy machine.
const SOON: Duration = Duration::from_secs(10);
/// Much longer than that.
const LONG: f64 = 60.0;
const CALLER: &str = "sts:GetCallerIdentity";
const CTRL_C: &str = "\u{3}";

/// An environment that stands, and settings that change it.
async fn changed(by: &str) -> (Project, AsAws) {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    let aws = AsAws::start().await;
    aws.run(&project, &["up", "--yes"]).await.code(0);
    project.write("colormesh.yaml", &format!("{SETTINGS}{by}"));
    (project, aws)
}

/// The stacks that change sets wait on.
pub(super) fn waiting(aws: &AsAws) -> Vec<String> {
    aws.local.account.read(|state| {
        let stacks = state.cloudformation.stacks.values();
        let waits = |set: &colormesh::account::cloudformation::ChangeSet| {
            set.status != ChangeSetStatus::Executed
        };
        stacks
            .flat_map(|stack| {
                let sets = stack.change_sets.values().filter(|set| waits(set));
                sets.map(|_| stack.name.clone())
            })
            .collect()
    })
}

fn wait_for_one(aws: &AsAws) {
    let end = Instant::now() + SOON * 3;
    while waiting(aws).is_empty() {
        assert!(Instant::now() < end, "no change set is made");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn delay(aws: &AsAws, operation: &str) {
    let effect = CallEffect::Delay { seconds: LONG };
    aws.lab().fail_call(CallFault::each(operation, effect));
}

/// The notes on this machine.
pub(super) fn notes(project: &Project) -> usize {
    note_paths(project).len()
}

fn note_paths(project: &Project) -> Vec<PathBuf> {
    let files = std::fs::read_dir(project.path().join("state/colormesh"));
    let names = files.into_iter().flatten().map(|file| file.unwrap().path());
    names
        .filter(|path| path.extension().is_some_and(|end| end == "note"))
        .collect()
}

/// Kills a plan that has made change sets.
fn kill_a_plan(project: &Project, aws: &AsAws) {
    delay(aws, "cloudformation:DescribeChangeSet");
    let plan = Running::of(aws.command(project, &["plan", "--detail"]));
    wait_for_one(aws);
    plan.signal("KILL");
    plan.end(SOON);
    aws.lab().heal();
    assert!(waiting(aws).contains(&format!("{ENVIRONMENT}-mesh")));
    assert_eq!(notes(project), 1);
}

/// As an endpoint that has no STS.
fn without_sts(aws: &AsAws) {
    let effect = CallEffect::Error {
        code: "InvalidAction".to_owned(),
        message: "no such action".to_owned(),
        status: 400,
    };
    aws.lab().fail_call(CallFault::each(CALLER, effect));
}

/// It could not be broken off there, and left the change sets.
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_at_the_question_about_losses_leaves_no_change_set() {
    let (project, aws) = changed(LOSES).await;
    for key in [CTRL_C, "n\n"] {
        let mut terminal = Terminal::start(&aws.command(&project, &["up", "--yes"]));
        terminal.see("Lose it? [y/N]");
        assert!(!waiting(&aws).is_empty());
        terminal.press(key);
        let (code, shown) = terminal.end();
        let (expected, words) = match key {
            CTRL_C => (130, "interrupted; no stack was changed"),
            _ => (2, "not agreed to; nothing was changed"),
        };
        assert_eq!(code, Some(expected), "{shown}");
        assert!(shown.contains(words), "{shown}");
        assert_eq!(waiting(&aws), [""; 0]);
        assert_eq!(notes(&project), 0);
    }
    let mut terminal = Terminal::start(&aws.command(&project, &["up", "--yes"]));
    terminal.see("Lose it? [y/N]");
    terminal.press("y\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    // Off a terminal it is refused.
    let third = LOSES.replace("other", "third");
    project.write("colormesh.yaml", &format!("{SETTINGS}{third}"));
    let refused = aws.run(&project, &["up", "--yes"]).await.code(2);
    assert!(
        refused.stderr.contains("--allow-replacement"),
        "{}",
        refused.stderr
    );
    assert_eq!(waiting(&aws), [""; 0]);
}

/// They stayed.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_in_detail_that_is_broken_off_leaves_no_change_set() {
    let (project, aws) = changed(CHANGED).await;
    for (signal, code, word) in [("INT", 130, "interrupted"), ("TERM", 143, "terminated")] {
        delay(&aws, "cloudformation:DescribeChangeSet");
        let plan = Running::of(aws.command(&project, &["plan", "--detail"]));
        wait_for_one(&aws);
        // It is worked out by now, so that it can be removed.
        std::thread::sleep(Duration::from_millis(200));
        plan.signal(signal);
        let said = plan.end(SOON).code(code);
        let words = format!("{word}; nothing was changed");
        assert!(said.stderr.contains(&words), "{}", said.stderr);
        assert_eq!(waiting(&aws), [""; 0]);
        assert_eq!(notes(&project), 0);
        aws.lab().heal();
    }
}

/// They stayed until their stack changed again.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_kill_leaves_goes_with_the_next_command_though_nothing_changes_there() {
    let (project, aws) = changed(CHANGED).await;
    for next in [&["plan"][..], &["up", "--yes"], &["down", "--yes"]] {
        project.write("colormesh.yaml", &format!("{SETTINGS}{CHANGED}"));
        kill_a_plan(&project, &aws);
        // Nobody wants that change any more.
        project.write("colormesh.yaml", SETTINGS);
        let said = aws.run(&project, next).await.code(0);
        let words = "that an earlier run left";
        assert!(said.stderr.contains(words), "{}", said.stderr);
        assert_eq!(waiting(&aws), [""; 0]);
        assert_eq!(notes(&project), 0);
    }
}

/// The one ended the command, the other was taken for nothing to remove.
#[tokio::test(flavor = "multi_thread")]
async fn a_note_that_cannot_be_read_or_is_empty_stays_and_ends_nothing() {
    let (project, aws) = changed(CHANGED).await;
    kill_a_plan(&project, &aws);
    let note = note_paths(&project).remove(0);
    let written = std::fs::read(&note).unwrap();
    for (text, words) in [
        (&b"\xff\xfe\n"[..], "cannot read `"),
        (b"", "names no stack"),
    ] {
        std::fs::write(&note, text).unwrap();
        let said = aws.run(&project, &["plan"]).await.code(0);
        let stays = "change sets of an earlier run stay";
        assert_eq!(said.stderr.matches(stays).count(), 1, "{}", said.stderr);
        for words in [words, &*note.to_string_lossy(), "remove it when"] {
            assert!(said.stderr.contains(words), "{words} in\n{}", said.stderr);
        }
        assert_eq!(std::fs::read(&note).unwrap(), text);
        assert_ne!(waiting(&aws), [""; 0]);
    }
    std::fs::write(&note, written).unwrap();
    aws.run(&project, &["plan"]).await.code(0);
    assert_eq!((waiting(&aws).len(), notes(&project)), (0, 0));
}

/// Each place that wanted the account asked again.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_without_sts_is_asked_once_for_the_account() {
    let (project, aws) = changed(CHANGED).await;
    without_sts(&aws);
    for command in [&["plan", "--detail"][..], &["up", "--yes"]] {
        aws.lab().forget_calls();
        let said = aws.run(&project, command).await.code(0);
        assert!(said.stderr.contains("an account of"), "{}", said.stderr);
        let calls = aws.lab().calls();
        let asked = calls.iter().filter(|call| call.operation == CALLER);
        assert_eq!(asked.count(), 1, "{command:?}");
    }
}

/// The next command looked for it under the account's digits alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_note_from_when_sts_failed_is_found_when_it_answers_again() {
    let (project, aws) = changed(CHANGED).await;
    without_sts(&aws);
    kill_a_plan(&project, &aws);
    let said = aws.run(&project, &["plan"]).await.code(0);
    assert!(said.stderr.contains("account 1"), "{}", said.stderr);
    assert_eq!((waiting(&aws).len(), notes(&project)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_removed_in_time_is_said_and_goes_with_the_next_command() {
    let (project, aws) = changed(CHANGED).await;
    delay(&aws, "cloudformation:DescribeChangeSet");
    delay(&aws, "cloudformation:DeleteChangeSet");
    let up = Running::of(aws.command(&project, &["up", "--yes"]));
    wait_for_one(&aws);
    up.signal("INT");
    let said = up.end(SOON).code(130);
    for words in [
        "not removed in time",
        &format!("of `{ENVIRONMENT}-mesh`"),
        "interrupted; no stack was changed",
    ] {
        assert!(said.stderr.contains(words), "{words} in\n{}", said.stderr);
    }
    assert_eq!(notes(&project), 1);
    aws.lab().heal();
    aws.run(&project, &["plan"]).await.code(0);
    assert_eq!(waiting(&aws), [""; 0]);
    assert_eq!(notes(&project), 0);
}

/// Questions were deaf to it.
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_at_the_first_question_changes_nothing() {
    let (project, aws) = changed(CHANGED).await;
    for (command, question, words) in [
        ("up", "Deploy this to AWS? [y/N]", "no stack was changed"),
        (
            "down",
            "Remove all of it from AWS? [y/N]",
            "nothing was removed",
        ),
    ] {
        let mut terminal = Terminal::start(&aws.command(&project, &[command]));
        terminal.see(question);
        terminal.press(CTRL_C);
        let (code, shown) = terminal.end();
        assert_eq!(code, Some(130), "{shown}");
        assert!(shown.contains(words), "{shown}");
        assert_eq!((waiting(&aws).len(), notes(&project)), (0, 0));
    }
}

/// Somebody else is at the stacks while they are asked about, so that what is
/// lost shows only when their turn comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_loss_that_shows_only_on_the_way_is_asked_for_and_refused_off_a_terminal() {
    let (project, aws) = changed(LOSES).await;
    let made = "cloudformation:CreateChangeSet";
    aws.lab().forget_calls();
    aws.run(&project, &["plan", "--detail"]).await.code(0);
    let calls = aws.lab().calls();
    let asked = calls.iter().filter(|call| call.operation == made).count();
    let occupied = || {
        aws.lab().heal();
        let effect = CallEffect::Error {
            code: "OperationInProgressException".to_owned(),
            message: "somebody else is at it".to_owned(),
            status: 400,
        };
        aws.lab().fail_call(CallFault {
            times: Some(asked.try_into().unwrap()),
            ..CallFault::each(made, effect)
        });
    };
    occupied();
    let refused = aws.run(&project, &["up", "--yes"]).await.code(1);
    for words in ["the change loses data", "--allow-replacement"] {
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
    assert_eq!((waiting(&aws).len(), notes(&project)), (0, 0));
    for (key, expected) in [(CTRL_C, 130), ("y\n", 0)] {
        occupied();
        let mut terminal = Terminal::start(&aws.command(&project, &["up", "--yes"]));
        terminal.see("Lose it? [y/N]");
        terminal.press(key);
        let (code, shown) = terminal.end();
        assert_eq!(code, Some(expected), "{shown}");
        assert!(
            shown.contains("ecr-repositories: the change loses data"),
            "{shown}"
        );
        assert_eq!((waiting(&aws).len(), notes(&project)), (0, 0));
    }
}
