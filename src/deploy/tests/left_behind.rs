//! A repository with images that is replaced: CloudFormation cannot delete the
//! old one, calls the update complete, and knows nothing of it any more.

use super::lab::{Lab, Run, five};
use crate::account::lab::{CallEffect, CallFault};
use crate::deploy::{Choices, Event, Interrupt, LeftBehind, Progress, Work, images};
use crate::plan::{Direction, Plan};
use crate::stack::RenderedStack;

/// The environment, with its repository under another name.
fn renamed() -> Vec<RenderedStack> {
    let mut stacks = five();
    stacks[2].template = stacks[2].template.replace("e-app", "e-other");
    stacks
}

/// An account whose repository, with an image in it, was replaced.
async fn replaced() -> (Lab, Run) {
    let lab = Lab::start_with_app().await;
    lab.up(five()).await.report();
    let agreed = Work {
        choices: Choices {
            allow_replacement: true,
            ..Choices::default()
        },
        ..lab.work()
    };
    let run = lab.up_with(renamed(), agreed, Interrupt::never()).await;
    assert_eq!(run.outcome("e-ecr-repositories"), "updated");
    assert_eq!(repositories(&lab), ["e-app", "e-other"]);
    (lab, run)
}

fn repositories(lab: &Lab) -> Vec<String> {
    let names = |state: &crate::account::State| state.ecr.repositories.keys().cloned().collect();
    lab.account.read(names)
}

fn removed(run: &Run) -> Vec<(String, usize)> {
    let told = run.events.iter().filter_map(|event| match event {
        Event::StepProgress {
            progress: Progress::LeftBehindRemoved { repository, images },
            ..
        } => Some((repository.clone(), *images)),
        _ => None,
    });
    told.collect()
}

#[tokio::test]
async fn a_replaced_repository_with_images_is_told_of_and_goes_with_down() {
    let (lab, run) = replaced().await;
    let [left] = run.report().left_behind.as_slice() else {
        panic!("{:?}", run.report())
    };
    let LeftBehind {
        logical_id,
        physical_id,
        reason,
        ..
    } = left;
    assert_eq!(
        (logical_id.as_str(), physical_id.as_str()),
        ("App", "e-app")
    );
    assert!(reason.contains("still contains images"), "{reason}");
    let told = |event: &&Event| {
        let progress = Progress::LeftBehind(left.clone());
        matches!(event, Event::StepProgress { progress: told, .. } if *told == progress)
    };
    assert_eq!(run.events.iter().filter(told).count(), 1);
    assert!(left.to_string().contains("`colormesh down` removes it"));
    // Nothing has changed since, so nothing is told again.
    assert!(lab.up(renamed()).await.report().left_behind.is_empty());

    let deployed = lab.observe(Direction::Down, &renamed()).await;
    let plan = Plan::down(renamed(), &deployed, &lab.wishes()).unwrap();
    let going = images(&lab.cloud, &plan, "e").await.unwrap();
    assert_eq!(going, [("e-other".to_owned(), 1), ("e-app".to_owned(), 1)]);

    let down = lab.down(renamed()).await;
    assert_eq!(removed(&down), [("e-app".to_owned(), 1)]);
    assert_eq!(repositories(&lab), [""; 0]);
}

/// The question before `down` did not name them, and they were deleted.
#[tokio::test]
async fn what_cannot_be_named_before_is_not_asked_about_as_if_it_were_not_there() {
    let (lab, _) = replaced().await;
    let deployed = lab.observe(Direction::Down, &renamed()).await;
    let plan = Plan::down(renamed(), &deployed, &lab.wishes()).unwrap();
    let refused = |code: &str| CallEffect::Error {
        code: code.to_owned(),
        message: "no".to_owned(),
        status: 400,
    };
    let events = "cloudformation:DescribeStackEvents";
    let rule = CallFault::each(events, refused("ValidationError"));
    lab.account.lab().fail_call(rule);
    let error = images(&lab.cloud, &plan, "e").await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationError"));
}

/// Neither named nor removed.
#[tokio::test]
async fn where_the_events_may_not_be_read_what_is_left_behind_stays() {
    let (lab, _) = replaced().await;
    let effect = CallEffect::Error {
        code: "AccessDenied".to_owned(),
        message: "User: u is not authorized".to_owned(),
        status: 403,
    };
    let rule = CallFault::each("cloudformation:DescribeStackEvents", effect);
    lab.account.lab().fail_call(rule);
    let deployed = lab.observe(Direction::Down, &renamed()).await;
    let plan = Plan::down(renamed(), &deployed, &lab.wishes()).unwrap();
    let going = images(&lab.cloud, &plan, "e").await.unwrap();
    assert_eq!(going, [("e-other".to_owned(), 1)]);
}

#[tokio::test]
async fn a_repository_without_the_environments_mark_stays() {
    let (lab, _) = replaced().await;
    let somebody_elses = |repository: &mut crate::account::ecr::Repository| {
        let tag = repository.tags.get_mut("colormesh:environment");
        *tag.unwrap() = "theirs".to_owned();
    };
    lab.account
        .change_repository("e-app", somebody_elses)
        .unwrap();
    let down = lab.down(renamed()).await;
    assert_eq!(removed(&down), []);
    assert_eq!(down.outcome("e-ecr-repositories"), "deleted");
    assert_eq!(repositories(&lab), ["e-app"]);
}
