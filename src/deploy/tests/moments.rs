//! Broken off, or killed, at any moment: nothing is left that is not told of,
//! nothing is begun twice, and the next run comes to the end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::lab::{Lab, five};
use crate::account::cloudformation::ChangeSetStatus;
use crate::account::lab::LabSettings;
use crate::aws::StackStatus;
use crate::deploy::{
    DeployError, Intent, Interrupt, Interrupter, OnInterrupt, Report, Work, down, review, sweep, up,
};
use crate::plan::{Direction, Plan};
use crate::stack::{ParameterValue, RenderedStack};

const LAB: &str = "latency: {scale: 0.004}";
/// "Soon", on a busy machine.
const SOON: Duration = Duration::from_secs(20);
const MOMENTS: u32 = 20;
/// How often not all is put away in time, on a busy machine.
const SELDOM: u32 = MOMENTS / 4;

/// Moments of a run that takes about this long, and some after it.
fn moments(whole: Duration, count: u32) -> impl Iterator<Item = Duration> {
    // Steps that meet no rhythm of the run.
    (0..count).map(move |n| whole * ((n * 37) % count) / count + Duration::from_micros(n.into()))
}

async fn started() -> Lab {
    Lab::with(LabSettings::parse("lab", LAB).unwrap()).await
}

/// Changes of two stacks, and a new one.
fn changed() -> Vec<RenderedStack> {
    let mut stacks = five();
    let days = ParameterValue::Known("14".into());
    stacks[3].parameters.insert("Days".into(), days);
    let group = &mut stacks[1].template;
    *group = group.replace(
        "Resources:",
        "Resources:\n  More: {Type: AWS::Logs::LogGroup}",
    );
    stacks
}

/// A whole `up` or `down`, as the program makes it; none when it was broken
/// off before anything ran.
async fn run(
    lab: &Lab,
    direction: Direction,
    stacks: Vec<RenderedStack>,
    (mut work, interrupt): (Work, Interrupt),
) -> Option<Result<Report, DeployError>> {
    let deployed = lab.observe(direction, &stacks).await;
    let (events, _told) = tokio::sync::mpsc::unbounded_channel();
    match direction {
        Direction::Up => {
            let plan = Plan::up(stacks, &deployed, &lab.wishes()).unwrap();
            let until = interrupt.clone();
            work.review = review(&plan, &lab.cloud, &work, Intent::CarryOut, until).await?;
            Some(up(&plan, &lab.cloud, work, events, interrupt).await)
        }
        Direction::Down => {
            let plan = Plan::down(stacks, &deployed, &lab.wishes()).unwrap();
            Some(down(&plan, &lab.cloud, work, events, interrupt).await)
        }
    }
}

async fn whole(lab: &Lab, direction: Direction, stacks: Vec<RenderedStack>) -> Duration {
    let begun = Instant::now();
    let ended = run(lab, direction, stacks, (lab.work(), Interrupt::never()));
    ended.await.unwrap().unwrap();
    begun.elapsed()
}

/// Nothing goes on at the endpoint any more.
async fn quiet(lab: &Lab) {
    let end = Instant::now() + SOON;
    let is_busy = |status: &str| StackStatus::from(status).is_in_progress();
    while lab.account.read(|state| {
        let mut stacks = state.cloudformation.stacks.values();
        stacks.any(|stack| is_busy(&stack.status))
    }) {
        assert!(Instant::now() < end, "something does not end");
        sleep(Duration::from_millis(5)).await;
    }
}

/// The stacks in review, and those that change sets wait on.
fn left(lab: &Lab) -> Vec<String> {
    lab.account.read(|state| {
        let stacks = state.cloudformation.stacks.values();
        let waits = |stack: &crate::account::cloudformation::Stack| {
            let mut sets = stack.change_sets.values();
            stack.status == "REVIEW_IN_PROGRESS"
                || sets.any(|set| set.status != ChangeSetStatus::Executed)
        };
        let left = stacks.filter(|stack| waits(stack));
        left.map(|stack| stack.name.clone()).collect()
    })
}

/// How often each kind of operation began on the stacks of each name, but for
/// those that never had anything.
fn begun(lab: &Lab) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    lab.account.read(|state| {
        let stacks = state.cloudformation.stacks.values();
        let is_made = |event: &str| event == "CREATE_IN_PROGRESS";
        for stack in stacks.filter(|stack| stack.events.iter().any(|it| is_made(&it.status))) {
            for event in &stack.events {
                let is_begin = event.reason.as_deref() == Some("User Initiated");
                if is_begin && event.status != "REVIEW_IN_PROGRESS" {
                    let key = (stack.name.clone(), event.status.clone());
                    *counts.entry(key).or_default() += 1;
                }
            }
        }
    });
    counts
}

/// Whatever stays is told of; says whether anything does.
fn stays(lab: &Lab, work: &Work, moment: Duration) -> bool {
    let told = work.made.waiting();
    for stack in left(lab) {
        let is_told = told.iter().any(|(_, named)| *named == stack);
        assert!(is_told, "{moment:?}: {stack} is not told of in {told:?}");
    }
    !told.is_empty()
}

/// What a moment is for: a signal, or a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Interrupted,
    /// With what was begun.
    CalledOff,
    Killed,
}

async fn ended_at(
    lab: &Lab,
    (direction, end): (Direction, End),
    stacks: Vec<RenderedStack>,
    moment: Duration,
) -> Work {
    let mut work = lab.work();
    if end == End::CalledOff {
        work.choices.on_interrupt = OnInterrupt::Cancel;
    }
    let (interrupter, interrupt) = Interrupter::new();
    let running = run(lab, direction, stacks, (work.clone(), interrupt));
    match end {
        End::Killed => drop(timeout(moment, running).await),
        End::Interrupted | End::CalledOff => {
            let asked = async {
                sleep(moment).await;
                interrupter.interrupt();
            };
            let both = async { tokio::join!(running, asked) };
            let (ended, ()) = timeout(SOON, both).await.expect("it does not end");
            if let Some(Err(error)) = ended {
                assert!(matches!(error, DeployError::Interrupted { .. }), "{error}");
            }
        }
    }
    work
}

/// Each is begun once, whatever happened on the way.
async fn converges(direction: Direction, end: End) {
    let lab = started().await;
    let takes = whole(&lab, Direction::Up, five()).await;
    let mut stayed = 0;
    for moment in moments(takes + takes / 10, MOMENTS) {
        let lab = started().await;
        if direction == Direction::Down {
            whole(&lab, Direction::Up, five()).await;
        }
        let work = ended_at(&lab, (direction, end), five(), moment).await;
        quiet(&lab).await;
        if end == End::Interrupted {
            stayed += u32::from(stays(&lab, &work, moment));
        }
        whole(&lab, direction, five()).await;
        quiet(&lab).await;
        assert_eq!(left(&lab), [""; 0], "{moment:?}: after the next run");
        for (what, count) in begun(&lab) {
            assert_eq!(count, 1, "{moment:?}: {what:?}");
        }
    }
    assert!(stayed <= SELDOM, "{stayed} times it was not in time");
}

#[tokio::test]
async fn an_up_that_is_broken_off_at_any_moment_leaves_nothing_and_goes_on() {
    converges(Direction::Up, End::Interrupted).await;
}

/// When it returns nothing of it goes on, and every stack stands or is gone.
#[tokio::test]
async fn an_up_that_is_called_off_at_any_moment_leaves_whole_stacks_or_none() {
    let lab = started().await;
    let takes = whole(&lab, Direction::Up, five()).await;
    for moment in moments(takes + takes / 10, MOMENTS) {
        let lab = started().await;
        let work = ended_at(&lab, (Direction::Up, End::CalledOff), five(), moment).await;
        let told = work.made.waiting();
        let statuses: Vec<(String, String)> = lab.account.read(|state| {
            let stacks = state.cloudformation.stacks.values();
            let told = stacks.map(|stack| (stack.name.clone(), stack.status.clone()));
            told.collect()
        });
        for (stack, status) in statuses {
            let is_told = told.iter().any(|(_, named)| *named == stack);
            // An empty one may be on its way out.
            let is_whole = matches!(status.as_str(), "CREATE_COMPLETE" | "DELETE_COMPLETE");
            let is_husk = !begun(&lab).contains_key(&(stack.clone(), "CREATE_IN_PROGRESS".into()));
            assert!(
                is_told || is_whole || is_husk,
                "{moment:?}: {stack} is {status}"
            );
        }
        whole(&lab, Direction::Up, five()).await;
        assert_eq!(left(&lab), [""; 0], "{moment:?}: after the next run");
    }
}

#[tokio::test]
async fn a_down_that_is_broken_off_at_any_moment_goes_on() {
    converges(Direction::Down, End::Interrupted).await;
}

#[tokio::test]
async fn an_up_that_is_killed_at_any_moment_goes_on() {
    converges(Direction::Up, End::Killed).await;
}

#[tokio::test]
async fn a_down_that_is_killed_at_any_moment_goes_on() {
    converges(Direction::Down, End::Killed).await;
}

#[tokio::test]
async fn a_change_that_is_ended_at_any_moment_leaves_nothing_and_goes_on() {
    let lab = started().await;
    whole(&lab, Direction::Up, five()).await;
    let takes = whole(&lab, Direction::Up, changed()).await;
    let mut stayed = 0;
    for end in [End::Interrupted, End::Killed] {
        for moment in moments(takes + takes / 10, MOMENTS) {
            let lab = started().await;
            whole(&lab, Direction::Up, five()).await;
            let work = ended_at(&lab, (Direction::Up, end), changed(), moment).await;
            quiet(&lab).await;
            if end == End::Interrupted {
                stayed += u32::from(stays(&lab, &work, moment));
            }
            // As the next command does, which finds the note.
            let stacks: Vec<String> = five().iter().map(|it| it.name.to_string()).collect();
            let swept = sweep(&lab.cloud, &work.run, &stacks, None).await;
            swept.unwrap();
            assert_eq!(left(&lab), [""; 0], "{moment:?}: after the sweep");
            whole(&lab, Direction::Up, changed()).await;
            let updates = begun(&lab).into_iter();
            let updates = updates.filter(|((_, status), _)| status == "UPDATE_IN_PROGRESS");
            let updates: Vec<usize> = updates.map(|(_, count)| count).collect();
            assert_eq!(updates, [1, 1], "{moment:?}");
        }
    }
    assert!(stayed <= SELDOM, "{stayed} times it was not in time");
}
