//! Changes of what CloudFormation keeps with a stack, alone.

use super::lab::{Lab, five};
use super::odd::{TEMPLATE, go, one, the_outcome};
use super::scripted::Scripted;
use crate::deploy::{Event, Outcome, Progress};
use crate::plan::{Direction, Plan, Term};
use crate::stack::{RenderedStack, StackTerms};

const TOPIC: &str = "arn:aws:sns:us-west-2:123456789012:stacks";
const ALARM: &str = "arn:aws:cloudwatch:us-west-2:123456789012:alarm:errors";

fn with(topics: Option<&[&str]>, alarms: Option<&[&str]>) -> Vec<RenderedStack> {
    let list = |list: Option<&[&str]>| {
        list.map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let mut stacks = five();
    for stack in &mut stacks {
        stack.terms = StackTerms {
            notification_arns: list(topics),
            rollback_alarms: list(alarms),
            ..StackTerms::default()
        };
    }
    stacks
}

async fn has_changes(lab: &Lab, stacks: Vec<RenderedStack>) -> bool {
    let deployed = lab.observe(Direction::Up, &stacks).await;
    Plan::up(stacks, &deployed, &lab.wishes())
        .unwrap()
        .has_changes()
}

fn change_sets(lab: &Lab) -> usize {
    let calls = lab.account.lab().calls();
    let made = |operation: &str| operation == "cloudformation:CreateChangeSet";
    calls.iter().filter(|call| made(&call.operation)).count()
}

/// Each of them was once taken for no change at all.
#[tokio::test]
async fn a_change_of_the_terms_alone_is_an_update_of_no_resource() {
    let lab = Lab::start().await;
    lab.up(five()).await.report();
    for (topics, alarms) in [
        (&[TOPIC][..], &[][..]),
        (&[TOPIC][..], &[ALARM][..]),
        (&[][..], &[ALARM][..]),
        (&[][..], &[][..]),
    ] {
        let wanted = || with(Some(topics), Some(alarms));
        assert!(has_changes(&lab, wanted()).await, "{topics:?} {alarms:?}");
        let run = lab.up(wanted()).await;
        for stack in five() {
            let name = stack.name.as_str();
            assert_eq!(run.outcome(name), "updated", "{name}");
            let events = run.resource_events(name);
            let of_stack = |event: &&String| event.starts_with(name);
            assert!(events.iter().all(|event| of_stack(&event)), "{events:?}");
            let there = lab.cloud.stack(name).await.unwrap().unwrap();
            assert_eq!(there.status.as_str(), "UPDATE_COMPLETE");
            assert_eq!(there.notification_arns, topics, "{name}");
            assert_eq!(there.rollback_alarms, alarms, "{name}");
        }
        lab.account.lab().forget_calls();
        assert!(!lab.up(wanted()).await.report().has_changes());
        assert_eq!(change_sets(&lab), 0);
    }
}

#[tokio::test]
async fn terms_that_nobody_names_stay() {
    let lab = Lab::start().await;
    lab.up(with(Some(&[TOPIC]), Some(&[ALARM]))).await.report();
    assert!(!has_changes(&lab, five()).await);
    // A change of another kind leaves them, too.
    let mut stacks = five();
    stacks[3].tags.insert("team".into(), "mesh".into());
    assert_eq!(lab.up(stacks).await.outcome("e-mesh"), "updated");
    let there = lab.cloud.stack("e-mesh").await.unwrap().unwrap();
    assert_eq!(there.notification_arns, [TOPIC]);
    assert_eq!(there.rollback_alarms, [ALARM]);
    assert_eq!(there.tags["team"], "mesh");
}

/// It has a call of its own: nothing is worked out first.
#[tokio::test]
async fn protection_alone_needs_no_change_set() {
    let lab = Lab::start().await;
    lab.up(five()).await.report();
    lab.account.lab().forget_calls();
    let mut stacks = five();
    for stack in &mut stacks {
        stack.terms.termination_protection = Some(true);
    }
    assert_eq!(lab.up(stacks).await.outcome("e-vpc"), "updated");
    assert_eq!(change_sets(&lab), 0);
    assert!(
        lab.cloud
            .stack("e-vpc")
            .await
            .unwrap()
            .unwrap()
            .is_protected
    );
}

#[tokio::test]
async fn a_service_that_sees_no_change_in_them_is_told_of() {
    let (scripted, cloud) = Scripted::start().await;
    scripted.put("s", "CREATE_COMPLETE", TEMPLATE);
    scripted.0.lock().unwrap().empty_change_sets = 1;
    let mut stacks = one();
    stacks[0].terms.rollback_alarms = Some(vec![ALARM.into()]);
    let (result, events) = go(&cloud, Direction::Up, stacks).await;
    assert_eq!(the_outcome(&result), Outcome::Unchanged);
    let is_told = events.iter().any(|event| match event {
        Event::StepProgress {
            progress: Progress::TermsLeft { terms },
            ..
        } => *terms == [Term::RollbackAlarms],
        _ => false,
    });
    assert!(is_told, "{events:?}");
}
