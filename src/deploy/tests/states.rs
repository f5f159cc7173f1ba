//! Every cell of the table of stack statuses, against an endpoint that plays
//! each of them.

use super::odd::{TEMPLATE, go, go_with, one, the_error, the_outcome};
use super::scripted::{
    CREATES, DELETE_FAILS, DELETES, ROLLS_BACK, STUCK_AGAIN, Script, Scripted, UPDATES,
};
use crate::aws::{Cloud, StackStatus};
use crate::deploy::{Event, Interrupt, Outcome, Progress, SkippedResource, StepError};
use crate::plan::{Direction, DownStanding, TABLE, UpStanding};

/// How an operation in some status ends, for those that are waited for.
fn ending(status: &StackStatus) -> Script {
    match status {
        StackStatus::CreateInProgress => CREATES,
        StackStatus::RollbackInProgress => &["@ ROLLBACK_IN_PROGRESS x", "@ ROLLBACK_COMPLETE"],
        StackStatus::DeleteInProgress => DELETES,
        StackStatus::UpdateRollbackInProgress => &[
            "@ UPDATE_ROLLBACK_IN_PROGRESS x",
            "@ UPDATE_ROLLBACK_COMPLETE",
        ],
        StackStatus::UpdateRollbackCompleteCleanupInProgress => &[
            "@ UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS x",
            "@ UPDATE_ROLLBACK_COMPLETE",
        ],
        StackStatus::ImportInProgress => &["@ IMPORT_IN_PROGRESS x", "@ IMPORT_COMPLETE"],
        StackStatus::ImportRollbackInProgress => &[
            "@ IMPORT_ROLLBACK_IN_PROGRESS x",
            "@ IMPORT_ROLLBACK_COMPLETE",
        ],
        _ => UPDATES,
    }
}

async fn staged(status: &StackStatus) -> (Scripted, Cloud) {
    let (scripted, cloud) = Scripted::start().await;
    scripted.put("s", status.as_str(), TEMPLATE);
    if status.is_in_progress() {
        scripted.play("s", ending(status), "theirs");
    }
    (scripted, cloud)
}

fn notes(events: &[Event]) -> Vec<String> {
    let note = |event: &Event| match event {
        Event::StepProgress { progress, .. } => Some(progress.to_string()),
        _ => None,
    };
    events.iter().filter_map(note).collect()
}

#[tokio::test]
async fn up_does_with_each_status_what_the_table_says() {
    for row in &TABLE {
        let status = &row.status;
        let (scripted, cloud) = staged(status).await;
        let (result, _) = go(&cloud, Direction::Up, one()).await;
        match row.up {
            UpStanding::Create => assert_eq!(the_outcome(&result), Outcome::Created, "{status}"),
            UpStanding::Compare => {
                assert_eq!(the_outcome(&result), Outcome::Unchanged, "{status}");
                assert_eq!(scripted.calls("CreateChangeSet"), 0, "{status}");
            }
            UpStanding::Force => assert_eq!(the_outcome(&result), Outcome::Updated, "{status}"),
            UpStanding::Continue => {
                assert_eq!(the_outcome(&result), Outcome::Unchanged, "{status}");
                assert_eq!(scripted.calls("ContinueUpdateRollback"), 1, "{status}");
            }
            UpStanding::Replace => {
                let error = the_error(result);
                assert!(
                    matches!(error, StepError::MayNotReplace { .. }),
                    "{status}: {error}"
                );
                assert_eq!(scripted.calls("DeleteStack"), 0, "{status}");
            }
            UpStanding::Blocked(_) => {
                let error = the_error(result);
                assert!(
                    matches!(error, StepError::Blocked { .. }) && error.hint().is_some(),
                    "{status}"
                );
            }
            UpStanding::Wait => match status {
                StackStatus::RollbackInProgress => {
                    let error = the_error(result);
                    assert!(matches!(error, StepError::MayNotReplace { .. }), "{status}");
                }
                StackStatus::DeleteInProgress => {
                    assert_eq!(the_outcome(&result), Outcome::Created, "{status}");
                }
                _ => {
                    assert_eq!(the_outcome(&result), Outcome::Unchanged, "{status}");
                    assert_eq!(scripted.calls("ExecuteChangeSet"), 0, "{status}");
                }
            },
        }
    }
}

#[tokio::test]
async fn what_may_be_replaced_is_deleted_and_made_anew() {
    for row in TABLE.iter().filter(|row| row.up == UpStanding::Replace) {
        let (scripted, cloud) = staged(&row.status).await;
        scripted.played("s", &ROLLS_BACK[..5], "theirs");
        scripted.put_status("s", row.status.as_str());
        let agree = |work: &mut crate::deploy::Work| work.replace_failed = true;
        let (result, events) =
            go_with(&cloud, Direction::Up, one(), agree, Interrupt::never()).await;
        assert_eq!(the_outcome(&result), Outcome::Created, "{}", row.status);
        assert_eq!(scripted.calls("DeleteStack"), 1, "{}", row.status);
        let why = notes(&events);
        assert!(
            why[0].starts_with("removes what an earlier failure left")
                && why[0].contains("no such image"),
            "{}: {why:?}",
            row.status
        );
    }
}

#[tokio::test]
async fn down_ends_with_nothing_whatever_the_status() {
    for row in &TABLE {
        let status = &row.status;
        let (scripted, cloud) = staged(status).await;
        let (result, events) = go(&cloud, Direction::Down, one()).await;
        let (expected, deletions) = match row.down {
            DownStanding::Absent => (Outcome::Absent, 0),
            DownStanding::Wait if *status == StackStatus::DeleteInProgress => (Outcome::Deleted, 0),
            DownStanding::Delete | DownStanding::Again | DownStanding::Wait => {
                (Outcome::Deleted, 1)
            }
        };
        assert_eq!(the_outcome(&result), expected, "{status}");
        assert_eq!(scripted.calls("DeleteStack"), deletions, "{status}");
        assert_eq!(scripted.status("s"), "DELETE_COMPLETE", "{status}");
        let again = events.iter().any(|event| {
            matches!(
                event,
                Event::StepProgress {
                    progress: Progress::DeletingAgain { .. },
                    ..
                }
            )
        });
        assert_eq!(again, row.down == DownStanding::Again, "{status}");
    }
}

#[tokio::test]
async fn a_deletion_that_failed_is_tried_again_and_its_cause_is_told() {
    let (scripted, cloud) = staged(&StackStatus::DeleteFailed).await;
    scripted.played("s", DELETE_FAILS, "theirs");
    let (result, events) = go(&cloud, Direction::Down, one()).await;
    assert_eq!(the_outcome(&result), Outcome::Deleted);
    assert_eq!(
        notes(&events)[0],
        "tries again what failed before (DELETE_FAILED): `A` (T::T) DELETE_FAILED: has a dependent \
         object (templates/mesh.yaml:1)"
    );
}

#[tokio::test]
async fn a_half_done_update_is_never_taken_for_no_changes() {
    let (scripted, cloud) = staged(&StackStatus::UpdateFailed).await;
    scripted.0.lock().unwrap().empty_change_sets = 1;
    // What stood before the update that failed.
    scripted.script(
        "s",
        "roll back",
        &[
            "@template Resources: {A: {Type: T::Older}}",
            "@ UPDATE_ROLLBACK_IN_PROGRESS User Initiated",
            "@ UPDATE_ROLLBACK_COMPLETE",
        ],
    );
    let (result, events) = go(&cloud, Direction::Up, one()).await;
    assert_eq!(the_outcome(&result), Outcome::Updated);
    assert_eq!(scripted.calls("RollbackStack"), 1);
    assert!(
        notes(&events).contains(&"takes back the update that failed half-way".to_owned()),
        "{events:?}"
    );
    assert_eq!(scripted.0.lock().unwrap().change_sets, []);
}

#[tokio::test]
async fn a_roll_back_is_continued_without_what_the_user_names_and_nothing_else() {
    let (scripted, cloud) = staged(&StackStatus::UpdateRollbackFailed).await;
    scripted.played("s", STUCK_AGAIN, "theirs");
    scripted.script("s", "continue", STUCK_AGAIN);
    let (result, events) = go(&cloud, Direction::Up, one()).await;
    let error = the_error(result);
    assert_eq!(
        error.to_string(),
        "the roll-back failed again (UPDATE_ROLLBACK_FAILED): `A` (T::T) UPDATE_FAILED: the bucket \
         is gone (templates/mesh.yaml:1)"
    );
    assert!(error.hint().unwrap().contains("`--skip-resource s.A`"));
    assert!(
        notes(&events)[0].contains("the bucket is gone"),
        "{events:?}"
    );
    assert_eq!(scripted.0.lock().unwrap().skipped, Vec::<String>::new());

    scripted.script("s", "continue", super::scripted::CONTINUES);
    let of = |stack: &str, id: &str| SkippedResource {
        stack: stack.parse().unwrap(),
        logical_id: id.into(),
    };
    let named = vec![of("s", "A"), of("other", "B")];
    let name = |work: &mut crate::deploy::Work| work.choices.skip = named;
    let (result, _) = go_with(&cloud, Direction::Up, one(), name, Interrupt::never()).await;
    assert_eq!(the_outcome(&result), Outcome::Unchanged);
    assert_eq!(scripted.0.lock().unwrap().skipped, ["A"]);
}

#[tokio::test]
async fn change_sets_of_killed_runs_are_removed_and_those_of_others_stay() {
    let (scripted, cloud) = staged(&StackStatus::ReviewInProgress).await;
    scripted.leave_change_set("s", "colormesh-dead-1-0");
    scripted.leave_change_set("s", "colormesh-dead-2-7");
    let (result, _) = go(&cloud, Direction::Up, one()).await;
    assert_eq!(the_outcome(&result), Outcome::Created);
    assert_eq!(scripted.calls("DeleteChangeSet"), 2);

    // Nothing to change after all: ours goes too, somebody else's stays.
    scripted.leave_change_set("s", "colormesh-dead-3-0");
    scripted.leave_change_set("s", "reviewed-by-a-person");
    scripted.0.lock().unwrap().empty_change_sets = 1;
    let mut changed = one();
    changed[0].template = format!("{TEMPLATE}\nMetadata: {{A: 1}}");
    let (result, _) = go(&cloud, Direction::Up, changed).await;
    assert_eq!(the_outcome(&result), Outcome::Unchanged);
    let left = scripted.0.lock().unwrap().change_sets.clone();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].1.ends_with("reviewed-by-a-person"), "{left:?}");
}
