//! What seldom happens: throttling, operations of others, statuses after
//! accidents.

use std::time::Duration;

use tokio::sync::mpsc;

use super::lab::stack;
use super::scripted::{CREATES, DELETE_FAILS, ROLLS_BACK, STAYS, Scripted, UPDATES};
use crate::aws::{Cloud, StackStatus};
use crate::deploy::{
    DeployError, Event, ImageSource, Interrupt, Outcome, Progress, Report, StepError, Work, down,
    observe, up,
};
use crate::plan::{Direction, ImagePlan, Plan, Wishes};
use crate::stack::{RenderedStack, Role};

pub(super) const TEMPLATE: &str = "Resources: {A: {Type: T::T}}";

pub(super) fn one() -> Vec<RenderedStack> {
    let mut stack = stack("s", Role::Mesh, TEMPLATE);
    stack.tags.clear();
    vec![stack]
}

pub(super) async fn go(
    cloud: &Cloud,
    direction: Direction,
    stacks: Vec<RenderedStack>,
) -> (Result<Report, DeployError>, Vec<Event>) {
    go_with(cloud, direction, stacks, |_| {}, Interrupt::never()).await
}

/// The same, with what the user decided.
pub(super) async fn go_with(
    cloud: &Cloud,
    direction: Direction,
    stacks: Vec<RenderedStack>,
    decide: impl FnOnce(&mut Work),
    interrupt: Interrupt,
) -> (Result<Report, DeployError>, Vec<Event>) {
    let wishes = Wishes {
        environment: "e".into(),
        key_pair: None,
        image: ImagePlan::Given("i".into()),
        unwanted: Vec::new(),
    };
    let mut work = Work {
        image: Some(ImageSource::Given("i".into())),
        ..Work::new("e")
    };
    decide(&mut work);
    let deployed = observe(cloud, direction, &stacks, None).await.unwrap();
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let result = match direction {
        Direction::Up => {
            up(
                &Plan::up(stacks, &deployed, &wishes).unwrap(),
                cloud,
                work,
                sender,
                interrupt,
            )
            .await
        }
        Direction::Down => {
            down(
                &Plan::down(stacks, &deployed, &wishes).unwrap(),
                cloud,
                work,
                sender,
                interrupt,
            )
            .await
        }
    };
    let mut events = Vec::new();
    while let Some(event) = receiver.recv().await {
        events.push(event);
    }
    (result, events)
}

pub(super) fn the_outcome(result: &Result<Report, DeployError>) -> Outcome {
    result.as_ref().unwrap().finished[0].outcome
}

pub(super) fn the_error(result: Result<Report, DeployError>) -> StepError {
    match result {
        Err(DeployError::Failed { failures, .. }) => failures[0].error.clone(),
        other => panic!("not failed: {other:?}"),
    }
}

pub(super) fn told(events: &[Event]) -> Vec<String> {
    let line = |event: &Event| match event {
        Event::Resource {
            logical_id, status, ..
        } => Some(format!("{logical_id} {status}")),
        _ => None,
    };
    events.iter().filter_map(line).collect()
}

#[tokio::test]
async fn throttled_calls_never_fail_a_deployment() {
    let (scripted, cloud) = Scripted::start().await;
    scripted.0.lock().unwrap().throttle_every = 2;
    let stacks = (0..5)
        .map(|n| stack(&format!("s{n}"), Role::Mesh, TEMPLATE))
        .collect();
    let (result, events) = go(&cloud, Direction::Up, stacks).await;
    assert_eq!(result.unwrap().finished.len(), 5);
    assert_eq!(told(&events).len(), 5 * CREATES.len());
}

/// A run that was over went on asking for what is only told.
#[tokio::test]
async fn a_run_ends_although_its_last_events_are_not_granted() {
    let (scripted, cloud) = Scripted::start().await;
    scripted.0.lock().unwrap().grants_no_events = true;
    let run = go(&cloud, Direction::Up, one());
    let (result, _) = tokio::time::timeout(Duration::from_secs(60), run)
        .await
        .expect("an end");
    assert_eq!(the_outcome(&result), Outcome::Created);
}

/// The SDK gives up after a few attempts, which five stacks side by side can use
/// up by bad luck alone.
#[tokio::test]
async fn a_throttled_change_set_is_asked_for_until_it_is_made() {
    let (scripted, cloud) = Scripted::start().await;
    scripted.put("s", "REVIEW_IN_PROGRESS", TEMPLATE);
    scripted.0.lock().unwrap().refused_change_sets = 8;
    let (result, _) = go(&cloud, Direction::Up, one()).await;
    assert_eq!(the_outcome(&result), Outcome::Created);
    assert_eq!(scripted.0.lock().unwrap().refused_change_sets, 0);
}

#[tokio::test]
async fn events_come_once_and_in_order_over_short_pages() {
    let (scripted, cloud) = Scripted::start().await;
    scripted.0.lock().unwrap().page = 2;
    let (result, events) = go(&cloud, Direction::Up, one()).await;
    assert_eq!(the_outcome(&result), Outcome::Created);
    assert_eq!(
        told(&events),
        [
            "s CREATE_IN_PROGRESS",
            "A CREATE_IN_PROGRESS",
            "A CREATE_COMPLETE",
            "s CREATE_COMPLETE"
        ]
    );
    let mut changed = one();
    changed[0].template = TEMPLATE.replace("T::T", "T::U");
    let (result, events) = go(&cloud, Direction::Up, changed).await;
    assert_eq!(the_outcome(&result), Outcome::Updated);
    assert_eq!(told(&events).len(), UPDATES.len());
}

#[tokio::test]
async fn the_cause_is_told_before_the_roll_back_ends() {
    let (scripted, cloud) = Scripted::start().await;
    scripted.script("s", "create", ROLLS_BACK);
    let (result, events) = go(&cloud, Direction::Up, one()).await;
    let StepError::Failed { status, cause } = the_error(result) else {
        panic!("another error")
    };
    assert_eq!(status, StackStatus::RollbackComplete);
    assert_eq!(
        cause.to_string(),
        "`A` (T::T) CREATE_FAILED: no such image (templates/mesh.yaml:1) (and 1 more after it)"
    );
    let place = |wanted: &dyn Fn(&Event) -> bool| events.iter().position(wanted).unwrap();
    let failing = place(&|e| {
        matches!(
            e,
            Event::StepProgress {
                progress: Progress::Failing { .. },
                ..
            }
        )
    });
    let ended = place(
        &|e| matches!(e, Event::Resource { status, .. } if status.as_str() == "ROLLBACK_COMPLETE"),
    );
    assert!(failing < ended);
}

#[tokio::test]
async fn an_operation_of_somebody_else_is_waited_for() {
    let (scripted, cloud) = Scripted::start().await;
    scripted.put("s", "CREATE_COMPLETE", TEMPLATE);
    scripted.play("s", UPDATES, "theirs");
    let (result, events) = go(&cloud, Direction::Up, one()).await;
    assert_eq!(the_outcome(&result), Outcome::Unchanged);
    assert_eq!(told(&events).len(), UPDATES.len());
    assert_eq!(
        scripted
            .0
            .lock()
            .unwrap()
            .calls
            .iter()
            .filter(|call| *call == "CreateChangeSet")
            .count(),
        0
    );
}

#[tokio::test]
async fn a_deletion_that_is_called_off_is_a_failure() {
    let (scripted, cloud) = Scripted::start().await;
    scripted.put("s", "CREATE_COMPLETE", TEMPLATE);
    scripted.script("s", "delete", STAYS);
    let (result, _) = go(&cloud, Direction::Down, one()).await;
    assert_eq!(
        the_error(result).to_string(),
        "the stack was not deleted: Delete canceled. Cannot delete export X as it is in use by Y."
    );
}

#[tokio::test]
async fn a_deletion_that_fails_names_the_resource() {
    let (scripted, cloud) = Scripted::start().await;
    scripted.put("s", "DELETE_FAILED", TEMPLATE);
    scripted.script("s", "delete", DELETE_FAILS);
    let (result, _) = go(&cloud, Direction::Down, one()).await;
    assert_eq!(
        the_error(result).to_string(),
        "`A` (T::T) DELETE_FAILED: has a dependent object (templates/mesh.yaml:1)"
    );
}
