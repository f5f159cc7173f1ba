//! How many calls it takes, and what throttling does to a run.

use std::time::{Duration, Instant};

use super::lab::stack;
use super::odd::{TEMPLATE, go, told};
use super::scripted::{CREATES, Scripted};
use crate::deploy::Outcome;
use crate::plan::Direction;
use crate::stack::{RenderedStack, Role};

/// The pace on this machine.
const GAP: Duration = Duration::from_millis(20);
/// Reads ahead of the turns: those on credit, of the first look and of the run,
/// and the few of single stacks that take no turn.
const AHEAD: usize = 3 * 10;

fn many(count: usize) -> Vec<RenderedStack> {
    (0..count)
        .map(|n| stack(&format!("s{n:03}"), Role::Mesh, TEMPLATE))
        .collect()
}

/// Creates so many stacks in an account that holds so many others; gives the
/// numbers of reads and of turns that there were.
async fn create(count: usize, others: usize) -> (usize, usize) {
    let (scripted, cloud) = Scripted::start().await;
    {
        let mut stage = scripted.0.lock().unwrap();
        (stage.others, stage.pause) = (others, Duration::from_millis(100));
    }
    let began = Instant::now();
    let (result, _) = go(&cloud, Direction::Up, many(count)).await;
    let turns = began.elapsed().as_millis() / GAP.as_millis();
    assert_eq!(result.unwrap().finished.len(), count);
    let reads = scripted.0.lock().unwrap().reads();
    (reads, usize::try_from(turns).unwrap())
}

#[tokio::test]
async fn reads_keep_to_the_pace_however_many_stacks_there_are() {
    for (count, others) in [(5, 0), (5, 5000), (100, 0), (100, 5000)] {
        let (reads, turns) = create(count, others).await;
        assert!(
            reads <= turns + AHEAD,
            "{count} stacks beside {others}: {reads} reads in {turns} turns"
        );
    }
}

/// Twenty times the stacks take no more than twenty times the reads.
#[tokio::test]
async fn reads_grow_no_faster_than_the_stacks() {
    let (few, _) = create(5, 5000).await;
    let (many, _) = create(100, 5000).await;
    assert!(many <= 20 * few, "{few} reads for 5 stacks, {many} for 100");
}

/// In an account with more stacks than a page shows, those that something is
/// being done to are asked for, and few of ours one by one.
#[tokio::test]
async fn stacks_of_a_large_account_are_followed_together() {
    let (scripted, cloud) = Scripted::start().await;
    {
        let mut stage = scripted.0.lock().unwrap();
        (stage.others, stage.pause) = (5000, Duration::from_millis(200));
    }
    let (result, events) = go(&cloud, Direction::Up, many(3)).await;
    let all_new = |report: &crate::deploy::Report| {
        report
            .finished
            .iter()
            .all(|f| f.outcome == Outcome::Created)
    };
    assert!(all_new(&result.unwrap()));
    assert_eq!(told(&events).len(), 3 * CREATES.len());
    let stage = scripted.0.lock().unwrap();
    assert!(stage.count(&["ListStacks"]) > 0);
}

/// Half the reads that the pace would make are granted: the run adapts.
#[tokio::test]
async fn a_limit_on_reads_slows_a_run_a_little_and_fails_nothing() {
    let (scripted, cloud) = Scripted::start().await;
    {
        let mut stage = scripted.0.lock().unwrap();
        stage.pause = Duration::from_millis(300);
        stage.least_gap = Some(GAP * 2);
        stage.throttle_every = 10;
    }
    let (result, events) = go(&cloud, Direction::Up, many(5)).await;
    assert_eq!(result.unwrap().finished.len(), 5);
    assert_eq!(told(&events).len(), 5 * CREATES.len());
}
