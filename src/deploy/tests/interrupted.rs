//! Broken off: by a signal, or by a kill.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::odd::{TEMPLATE, go, go_with, one, the_error, the_outcome};
use super::scripted::{CREATES, GOES_ON, Scripted, UPDATE_GOES_ON};
use crate::aws::{Cloud, StackStatus};
use crate::deploy::sweep::remove_empty;
use crate::deploy::{
    CalledOff, DeployError, Interrupt, Interrupter, OnInterrupt, Outcome, StepError,
};
use crate::plan::{Direction, StepId};

/// "At once", on a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// Runs `up`, breaks it off when the stack is in `status`, and tells how it
/// ended: what goes on, and what was called off.
async fn broken_off_in(
    (scripted, cloud): (&Scripted, &Cloud),
    status: &str,
    on_interrupt: OnInterrupt,
) -> (Vec<StepId>, Vec<CalledOff>) {
    let (interrupter, interrupt) = Interrupter::new();
    let mut stacks = one();
    stacks[0].template = TEMPLATE.replace("T::T", "T::U");
    let decide = |work: &mut crate::deploy::Work| work.choices.on_interrupt = on_interrupt;
    let run = go_with(cloud, Direction::Up, stacks, decide, interrupt);
    let asked = async {
        while scripted.try_status("s").as_deref() != Some(status) {
            sleep(Duration::from_millis(5)).await;
        }
        sleep(Duration::from_millis(60)).await;
        interrupter.interrupt();
    };
    let (ended, ()) = timeout(SOON, async { tokio::join!(run, asked) })
        .await
        .unwrap();
    match ended.0 {
        Err(DeployError::Interrupted {
            going_on,
            called_off,
            ..
        }) => (going_on, called_off),
        other => panic!("not interrupted: {other:?}"),
    }
}

fn of_s() -> StepId {
    StepId::Stack("s".parse().unwrap())
}

fn at(status: StackStatus) -> Vec<CalledOff> {
    vec![CalledOff {
        step: of_s(),
        status: Some(status),
        error: None,
    }]
}

#[tokio::test]
async fn what_goes_on_at_the_endpoint_is_left_there_and_named() {
    let (scripted, cloud) = Scripted::start().await;
    scripted.script("s", "create", GOES_ON);
    let on = (&scripted, &cloud);
    let (going_on, off) = broken_off_in(on, "CREATE_IN_PROGRESS", OnInterrupt::Detach).await;
    assert_eq!((going_on, off), (vec![of_s()], Vec::new()));
    assert_eq!(scripted.status("s"), "CREATE_IN_PROGRESS");
    assert_eq!(scripted.calls("DeleteStack"), 0);
}

#[tokio::test]
async fn a_creation_that_is_called_off_is_deleted_and_watched() {
    let (scripted, cloud) = Scripted::start().await;
    scripted.script("s", "create", GOES_ON);
    let on = (&scripted, &cloud);
    let (going_on, off) = broken_off_in(on, "CREATE_IN_PROGRESS", OnInterrupt::Cancel).await;
    assert_eq!(
        (going_on, off),
        (Vec::new(), at(StackStatus::DeleteComplete))
    );
    assert_eq!(scripted.status("s"), "DELETE_COMPLETE");
}

#[tokio::test]
async fn an_update_that_is_called_off_is_taken_back_and_watched() {
    let (scripted, cloud) = Scripted::start().await;
    scripted.put("s", "CREATE_COMPLETE", TEMPLATE);
    scripted.script("s", "update", UPDATE_GOES_ON);
    let on = (&scripted, &cloud);
    let (_, off) = broken_off_in(on, "UPDATE_IN_PROGRESS", OnInterrupt::Cancel).await;
    assert_eq!(off, at(StackStatus::UpdateRollbackComplete));
    assert_eq!(scripted.calls("CancelUpdateStack"), 1);
    assert_eq!(scripted.calls("DeleteStack"), 0);
}

#[tokio::test]
async fn what_somebody_else_began_is_never_called_off() {
    let (scripted, cloud) = Scripted::start().await;
    scripted.put("s", "CREATE_COMPLETE", TEMPLATE);
    scripted.play("s", UPDATE_GOES_ON, "theirs");
    let on = (&scripted, &cloud);
    let (going_on, off) = broken_off_in(on, "UPDATE_IN_PROGRESS", OnInterrupt::Cancel).await;
    assert_eq!((going_on, off), (vec![of_s()], Vec::new()));
    assert_eq!(scripted.calls("CancelUpdateStack"), 0);
}

#[tokio::test]
async fn a_change_set_that_was_not_carried_out_goes_with_its_empty_stack() {
    let (scripted, cloud) = Scripted::start().await;
    {
        let mut stage = scripted.0.lock().unwrap();
        (stage.pending, stage.only_change_sets) = (true, true);
    }
    let on = (&scripted, &cloud);
    broken_off_in(on, "REVIEW_IN_PROGRESS", OnInterrupt::Detach).await;
    assert_eq!(scripted.0.lock().unwrap().change_sets, []);
    assert_eq!(scripted.calls("DeleteStack"), 1);
    assert_eq!(scripted.calls("ExecuteChangeSet"), 0);
}

/// It was deleted with the stack around it.
#[tokio::test]
async fn a_change_set_of_somebody_else_keeps_the_stack_that_it_waits_on() {
    let (scripted, cloud) = Scripted::start().await;
    scripted.put("s", "REVIEW_IN_PROGRESS", "");
    scripted.leave_change_set("s", "reviewed-by-a-person");
    remove_empty(&cloud, "s", "t", None).await.unwrap();
    assert_eq!(scripted.calls("DeleteStack"), 0);
    scripted.0.lock().unwrap().change_sets.clear();
    remove_empty(&cloud, "s", "t", None).await.unwrap();
    assert_eq!(scripted.calls("DeleteStack"), 1);
}

/// It was waited for without an end, and its empty stack stayed.
#[tokio::test]
async fn a_change_set_that_is_never_worked_out_ends_and_is_removed() {
    let (scripted, cloud) = Scripted::start().await;
    {
        let mut stage = scripted.0.lock().unwrap();
        (stage.pending, stage.only_change_sets) = (true, true);
    }
    let limited = |work: &mut crate::deploy::Work| {
        work.terms.timeout = Some(Duration::from_millis(300));
    };
    let run = go_with(&cloud, Direction::Up, one(), limited, Interrupt::never());
    let (result, _) = timeout(SOON, run).await.unwrap();
    let error = the_error(result);
    assert!(matches!(error, StepError::NotWorkedOut { .. }), "{error}");
    assert!(error.hint().unwrap().contains("run the command again"));
    assert_eq!(scripted.0.lock().unwrap().change_sets, []);
    assert_eq!(scripted.calls("DeleteStack"), 1);
    assert_eq!(scripted.calls("ExecuteChangeSet"), 0);
}

#[tokio::test]
async fn after_a_kill_nothing_is_done_twice() {
    let (scripted, cloud) = Scripted::start().await;
    scripted.script("s", "create", CREATES);
    {
        let killed = go(&cloud, Direction::Up, one());
        let begun = async {
            while scripted.try_status("s").as_deref() != Some("CREATE_IN_PROGRESS") {
                sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::select! {
            _ = killed => panic!("it ended before it was killed"),
            () = begun => {}
        }
    }
    let (result, _) = go(&cloud, Direction::Up, one()).await;
    assert_eq!(the_outcome(&result), Outcome::Unchanged);
    for call in ["CreateChangeSet", "ExecuteChangeSet"] {
        assert_eq!(scripted.calls(call), 1, "{call}");
    }
    assert_eq!(scripted.calls("DeleteStack"), 0);
}
