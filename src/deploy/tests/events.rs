//! Each event once and in order, whatever the clocks, the pages and the calls.

use super::odd::{TEMPLATE, go, one, the_error, the_outcome, told};
use super::scripted::{CREATES, ROLLS_BACK, Script, Scripted, UPDATES};
use super::stage::Newer;
use crate::deploy::{Outcome, Progress};
use crate::plan::Direction;

/// A creation of so many resources.
fn long(resources: usize) -> Script {
    let line = |n: usize, status: &str| &*format!("R{n} CREATE_{status}").leak();
    let mut script = vec!["@ CREATE_IN_PROGRESS User Initiated"];
    script.extend((0..resources).map(|n| line(n, "IN_PROGRESS")));
    script.extend((0..resources).map(|n| line(n, "COMPLETE")));
    script.push("@ CREATE_COMPLETE");
    script.leak()
}

/// What a script tells, as `told` writes it.
fn lines(script: Script) -> Vec<String> {
    let line = |line: &&str| {
        let mut words = line.splitn(3, ' ');
        let (who, status) = (words.next().unwrap(), words.next().unwrap());
        format!("{} {status}", if who == "@" { "s" } else { who })
    };
    script.iter().map(line).collect()
}

#[tokio::test]
async fn more_events_than_pages_hold_at_the_same_second_an_hour_off() {
    for newer in [Newer::Absent, Newer::There] {
        for ahead in [-3600, 0, 3600] {
            let (scripted, cloud) = Scripted::start().await;
            {
                let mut stage = scripted.0.lock().unwrap();
                (stage.newer, stage.ahead) = (newer, ahead);
                stage.pause = std::time::Duration::from_millis(1);
            }
            let script = long(150);
            scripted.script("s", "create", script);
            let (result, events) = go(&cloud, Direction::Up, one()).await;
            assert_eq!(the_outcome(&result), Outcome::Created);
            assert_eq!(told(&events), lines(script), "{ahead} s");
        }
    }
}

#[tokio::test]
async fn two_operations_one_after_the_other_are_told_apart() {
    for newer in [Newer::Absent, Newer::There] {
        let (scripted, cloud) = Scripted::start().await;
        scripted.0.lock().unwrap().newer = newer;
        let (_, events) = go(&cloud, Direction::Up, one()).await;
        assert_eq!(told(&events), lines(CREATES));
        let mut changed = one();
        changed[0].template = TEMPLATE.replace("T::T", "T::U");
        let (result, events) = go(&cloud, Direction::Up, changed).await;
        assert_eq!(the_outcome(&result), Outcome::Updated);
        assert_eq!(told(&events), lines(UPDATES));
    }
}

/// `DescribeEvents` shows the latest operation only, and a roll-back is one.
#[tokio::test]
async fn what_failed_is_told_although_the_roll_back_is_another_operation() {
    let (scripted, cloud) = Scripted::start().await;
    scripted.0.lock().unwrap().newer = Newer::There;
    scripted.script("s", "create", ROLLS_BACK);
    let (result, events) = go(&cloud, Direction::Up, one()).await;
    assert_eq!(told(&events), lines(ROLLS_BACK));
    let error = the_error(result).to_string();
    assert!(error.contains("no such image"), "{error}");
    assert_eq!(
        scripted.0.lock().unwrap().count(&["DescribeStackEvents"]),
        0
    );
}

/// The whole failure may happen between two looks.
#[tokio::test]
async fn what_failed_is_told_when_the_roll_back_is_all_that_is_seen() {
    let (scripted, cloud) = Scripted::start().await;
    {
        let mut stage = scripted.0.lock().unwrap();
        stage.newer = Newer::There;
        stage.pause = std::time::Duration::ZERO;
    }
    scripted.script("s", "create", ROLLS_BACK);
    let (result, events) = go(&cloud, Direction::Up, one()).await;
    assert_eq!(told(&events), lines(ROLLS_BACK));
    assert!(the_error(result).to_string().contains("no such image"));
}

#[tokio::test]
async fn a_call_that_is_denied_or_unknown_is_made_once() {
    for newer in [Newer::Absent, Newer::Denied] {
        let (scripted, cloud) = Scripted::start().await;
        scripted.0.lock().unwrap().newer = newer;
        let (_, events) = go(&cloud, Direction::Up, one()).await;
        assert_eq!(told(&events), lines(CREATES));
        let stage = scripted.0.lock().unwrap();
        assert_eq!(stage.count(&["DescribeEvents"]), 1);
        assert!(stage.count(&["DescribeStackEvents"]) > 0);
    }
}

/// A run that is taken up, or somebody else's operation: told from the event
/// that started it, without what was before.
#[tokio::test]
async fn of_an_operation_under_way_the_events_are_told_from_its_start() {
    for newer in [Newer::Absent, Newer::There] {
        let (scripted, cloud) = Scripted::start().await;
        scripted.0.lock().unwrap().newer = newer;
        go(&cloud, Direction::Up, one()).await.0.unwrap();
        scripted.play("s", UPDATES, "theirs");
        tokio::time::sleep(std::time::Duration::from_millis(45)).await;
        let (result, events) = go(&cloud, Direction::Up, one()).await;
        assert_eq!(the_outcome(&result), Outcome::Unchanged);
        assert_eq!(told(&events), lines(UPDATES));
        let attached = events.iter().any(|event| {
            matches!(
                event,
                crate::deploy::Event::StepProgress {
                    progress: Progress::Attached { .. },
                    ..
                }
            )
        });
        assert!(attached);
    }
}
