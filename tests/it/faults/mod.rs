//! The fault runs: the calls of an `up` and of a `down`, each failed once in
//! each way. All converge, at the latest with the second attempt; nothing is
//! made twice, and nothing is lost or left.

mod program;
mod resources;
mod run;
mod scene;

use std::collections::BTreeMap;
use std::sync::Arc;

use colormesh::account::lab::{CallEffect, CallFault, CallOutcome};
use colormesh::image::{self, Image};
use colormesh::plan::Direction;
use scene::Scene;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// As often as no client tries a call by itself.
const OUTLASTING: u64 = 12;

/// One run: a call, and what happens to it.
#[derive(Clone, Debug)]
struct Case {
    direction: Direction,
    rule: CallFault,
}

fn app() -> Arc<Image> {
    let folder = tempfile::tempdir().unwrap();
    let program = crate::elf::program(folder.path(), "does nothing");
    Arc::new(image::build(&program).unwrap())
}

/// The calls of a run without faults.
async fn counted(image: &Arc<Image>) -> BTreeMap<(&'static str, String), u64> {
    let scene = Scene::start(Arc::clone(image)).await;
    let mut counts = BTreeMap::new();
    for (name, direction) in [("up", Direction::Up), ("down", Direction::Down)] {
        scene.attempt(direction).await.unwrap();
        let calls = scene.calls().into_iter();
        counts.extend(calls.map(|(operation, count)| ((name, operation), count)));
    }
    assert_eq!(scene.wrong_down(), [""; 0]);
    counts
}

/// Each call that changes something; of those that only look, which are many
/// and alike, the first, the second and the last.
fn places(operation: &str, count: u64) -> Vec<u64> {
    let looks = ["Describe", "Get", "List", "registry:HEAD", "registry:GET"];
    if looks.iter().any(|look| operation.contains(look)) {
        let mut places = vec![1, 2, count];
        places.retain(|place| *place <= count);
        places.dedup();
        return places;
    }
    (1..=count).collect()
}

fn cases(counts: &BTreeMap<(&'static str, String), u64>) -> Vec<Case> {
    let mut cases = Vec::new();
    for ((name, operation), count) in counts {
        let direction = match *name {
            "up" => Direction::Up,
            _ => Direction::Down,
        };
        for place in places(operation, *count) {
            let once = [
                CallEffect::Internal,
                CallEffect::Throttle,
                CallEffect::Reset,
                CallEffect::ResetAfter,
                CallEffect::Delay { seconds: 0.2 },
            ];
            let rule = |effect: CallEffect| CallFault::nth(operation, place, effect);
            cases.extend(once.map(|effect| Case {
                direction,
                rule: rule(effect),
            }));
            let outlasting = [CallEffect::Internal, CallEffect::Reset];
            cases.extend(outlasting.map(|effect| Case {
                direction,
                rule: CallFault {
                    times: Some(OUTLASTING),
                    ..rule(effect)
                },
            }));
        }
    }
    cases
}

/// What came of a case.
struct Came {
    /// The call that the rule is for was made.
    hit: bool,
    /// The first attempt came through.
    at_once: bool,
    wrong: Vec<String>,
}

async fn run(case: &Case, image: Arc<Image>) -> Came {
    let scene = Scene::start(image).await;
    let lab = scene.lab();
    if case.direction == Direction::Down {
        scene.attempt(Direction::Up).await.unwrap();
    }
    lab.forget_calls();
    lab.fail_call(case.rule.clone());
    let first = scene.attempt(case.direction).await;
    lab.heal();
    let at_once = first.is_ok();
    let outcomes = lab
        .calls()
        .into_iter()
        .filter(|call| call.operation == case.rule.operation);
    let hit = match case.rule.effect {
        CallEffect::Delay { .. } => true,
        _ => outcomes
            .into_iter()
            .any(|call| !matches!(call.outcome, CallOutcome::Done | CallOutcome::Refused)),
    };
    let mut wrong = Vec::new();
    if let Err(first) = first
        && let Err(second) = scene.attempt(case.direction).await
    {
        wrong.push(format!("first {first}; then {second}"));
    }
    wrong.extend(match case.direction {
        Direction::Up => scene.wrong_up(),
        Direction::Down => scene.wrong_down(),
    });
    Came {
        hit,
        at_once,
        wrong,
    }
}

/// The answer to the first import is lost, the client asks again, and the
/// account says that it has such a pair: it is ours, and its file stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_pair_whose_import_was_answered_to_nobody_keeps_its_private_half() {
    let case = Case {
        direction: Direction::Up,
        rule: CallFault::nth("ec2:ImportKeyPair", 1, CallEffect::ResetAfter),
    };
    let came = run(&case, app()).await;
    assert!(came.hit && came.at_once);
    assert_eq!(came.wrong, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_call_fails_once_a_second_attempt_converges() {
    let image = app();
    let counts = counted(&image).await;
    let cases = cases(&counts);
    assert!(cases.len() > 100, "{counts:?}");
    let room = Arc::new(Semaphore::new(12));
    let mut runs = JoinSet::new();
    for case in cases {
        let (image, room) = (Arc::clone(&image), Arc::clone(&room));
        runs.spawn(async move {
            let _permit = room.acquire().await.unwrap();
            let came = run(&case, image).await;
            (case, came)
        });
    }
    let mut wrong = Vec::new();
    let (mut count, mut hit, mut at_once) = (0, 0, 0);
    while let Some(ended) = runs.join_next().await {
        let (case, came) = ended.unwrap();
        count += 1;
        hit += usize::from(came.hit);
        at_once += usize::from(came.at_once);
        if !came.wrong.is_empty() {
            wrong.push(format!("{case:?}:\n    {}", came.wrong.join("\n    ")));
        }
    }
    assert!(hit * 10 >= count * 9, "{hit} of {count}");
    assert!(at_once * 2 >= count, "{at_once} of {count} at once");
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
