//! The way down.

use super::lab::{Lab, five, stack};
use crate::deploy::Event;
use crate::stack::Role;

#[tokio::test]
async fn everything_goes_in_reverse_and_a_second_time_nothing_is_there() {
    let lab = Lab::start().await;
    lab.up(five()).await.report();
    let run = lab.down(five()).await;
    let outcomes = run.outcomes();
    assert_eq!(outcomes[0], "e-ecs-service: deleted");
    let place = |step: &str| outcomes.iter().position(|o| o.starts_with(step)).unwrap();
    assert!(place("e-vpc") > place("e-ecs-cluster") && place("e-vpc") > place("e-mesh"));
    assert_eq!(run.outcome("key pair"), "deleted");
    assert!(
        !lab.ssh().join("color-app.pem").exists(),
        "the private key of an account on this machine goes with it"
    );

    let again = lab.down(five()).await;
    assert!(!again.report().has_changes(), "{:?}", again.outcomes());
}

#[tokio::test]
async fn an_export_in_use_is_a_failure_with_its_reason() {
    let lab = Lab::start().await;
    let mut stacks = five();
    lab.up(stacks.clone()).await.report();
    let mut outsider = stack(
        "outsider",
        Role::Mesh,
        "Resources: {Log: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub ['${V}', {V: !ImportValue 'e:VPC'}]}}}",
    );
    outsider.imports.insert("e:VPC".into());
    lab.up(vec![outsider]).await.report();
    stacks.truncate(5);
    let run = lab.down(stacks).await;
    let failures = run.failures();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(
        failures[0].starts_with("e-vpc: the stack was not deleted: "),
        "{failures:?}"
    );
    assert!(failures[0].contains("outsider"), "{failures:?}");
    let hints = run.events.iter().any(|event| {
        matches!(event, Event::StepFailed { failure } if failure.error.hint().is_some_and(|h| h.contains("imports")))
    });
    assert!(hints);
}
