//! The way up.

use std::os::unix::fs::PermissionsExt;

use super::lab::{Lab, REPOSITORIES, five, stack};
use crate::account::lab::{ResourceEffect, ResourceFault, Verb};
use crate::deploy::{DeployError, Interrupter};
use crate::plan::{Action, Direction, Plan};
use crate::stack::{ParameterValue, Role};

#[tokio::test]
async fn five_stacks_come_up_and_a_second_time_nothing_changes() {
    let lab = Lab::start().await;
    let first = lab.up(five()).await;
    let mut outcomes = first.outcomes();
    assert_eq!(outcomes.last().unwrap(), "e-ecs-service: created");
    outcomes.sort();
    assert_eq!(
        outcomes,
        [
            "e-ecr-repositories: created",
            "e-ecs-cluster: created",
            "e-ecs-service: created",
            "e-mesh: created",
            "e-vpc: created",
            "key pair: created"
        ]
    );

    let pem = lab.ssh().join("color-app.pem");
    assert_eq!(pem.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let again = lab.up(five()).await;
    assert!(!again.report().has_changes(), "{:?}", again.outcomes());
    assert!(again.resource_events("e-vpc").is_empty());
}

#[tokio::test]
async fn each_event_is_told_once_and_in_order() {
    let lab = Lab::start().await;
    let run = lab.up(five()).await;
    let mut told = run.resource_events("e-vpc");
    // A resource in progress is told twice: begun, and given its physical id.
    told.dedup();
    assert_eq!(
        told,
        [
            "e-vpc CREATE_IN_PROGRESS",
            "Vpc CREATE_IN_PROGRESS",
            "Vpc CREATE_COMPLETE",
            "e-vpc CREATE_COMPLETE"
        ]
    );
}

#[tokio::test]
async fn only_what_differs_is_changed() {
    let lab = Lab::start().await;
    lab.up(five()).await.report();
    let mut changed = five();
    changed[3]
        .parameters
        .insert("Days".into(), ParameterValue::Known("14".into()));
    let plan = Plan::up(
        changed.clone(),
        &lab.observe(Direction::Up, &changed).await,
        &lab.wishes(),
    )
    .unwrap();
    let updates: Vec<String> = plan
        .steps
        .iter()
        .filter(|step| step.action != Action::Unchanged)
        .map(|step| step.id.to_string())
        .collect();
    assert_eq!(updates, ["e-mesh"]);

    let run = lab.up(changed).await;
    assert_eq!(run.outcome("e-mesh"), "updated");
    assert_eq!(run.outcome("e-vpc"), "unchanged");
}

#[tokio::test]
async fn a_failure_names_its_cause_and_stops_only_what_needs_it() {
    let lab = Lab::start().await;
    let mut stacks = five();
    stacks[1].template = stacks[1].template.replace(
        "Outputs:",
        "  App: {Type: AWS::ECR::Repository, Properties: {RepositoryName: e-app-2}}\nOutputs:",
    );
    let reason = "too many repositories".to_owned();
    let fails = ResourceEffect::Fail { reason };
    let rule = ResourceFault::of("e-ecs-cluster", "App", Verb::Create, fails);
    lab.account.lab().fail_resource(rule);
    let run = lab.up(stacks.clone()).await;
    let failures = run.failures();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(
        failures[0].starts_with("e-ecs-cluster: `App` (AWS::ECR::Repository) CREATE_FAILED: "),
        "{failures:?}"
    );
    let Err(error @ DeployError::Failed { .. }) = &run.result else {
        panic!()
    };
    assert!(error.is_rolled_back());
    let DeployError::Failed {
        skipped, report, ..
    } = error
    else {
        panic!()
    };
    assert_eq!(
        skipped.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["e-ecs-service"]
    );
    assert_eq!(report.finished.len(), 4);

    // It is not replaced unasked.
    stacks[1] = five().remove(1);
    let again = lab.up(stacks.clone()).await;
    assert!(
        again.failures()[0].contains("ROLLBACK_COMPLETE"),
        "{:?}",
        again.failures()
    );
    let asked = crate::deploy::Work {
        replace_failed: true,
        ..lab.work()
    };
    let last = lab
        .up_with(stacks, asked, crate::deploy::Interrupt::never())
        .await;
    assert_eq!(last.outcome("e-ecs-cluster"), "created");
    assert_eq!(last.outcome("e-ecs-service"), "created");
}

#[tokio::test]
async fn a_name_that_is_taken_is_told_before_anything_runs() {
    let lab = Lab::start().await;
    let other = stack("other", Role::EcrRepositories, REPOSITORIES);
    lab.up(vec![other]).await.report();
    let failures = lab.up(five()).await.failures();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(
        failures[0].contains("/Resources/App/Properties/RepositoryName")
            && failures[0].contains("already exists"),
        "{failures:?}"
    );
    // Nothing is left of the stack that was not made.
    let left = lab.cloud.stack("e-ecr-repositories").await.unwrap();
    assert_eq!(left, None);
}

#[tokio::test]
async fn an_interrupted_run_is_taken_up_again() {
    let lab = Lab::start().await;
    let (interrupter, interrupt) = Interrupter::new();
    let break_off = async {
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        interrupter.interrupt();
    };
    let (run, ()) = tokio::join!(lab.up_with(five(), lab.work(), interrupt), break_off);
    let Err(DeployError::Interrupted { not_started, .. }) = &run.result else {
        panic!("not interrupted: {:?}", run.result)
    };
    assert!(
        not_started
            .iter()
            .any(|step| step.to_string() == "e-ecs-service")
    );

    let again = lab.up(five()).await;
    assert_eq!(again.outcome("e-ecs-service"), "created");
    assert!(!lab.up(five()).await.report().has_changes());
}
