//! What the service is asked before anything is made.

use std::collections::BTreeMap;

use super::lab::{Lab, five};
use super::put_away::reviewed;
use crate::account::lab::{CallEffect, CallFault};
use crate::deploy::{Intent, Interrupt, Review, Work, forget};
use crate::plan::{Direction, Plan};
use crate::stack::RenderedStack;

async fn plan(lab: &Lab, stacks: Vec<RenderedStack>) -> Plan {
    let deployed = lab.observe(Direction::Up, &stacks).await;
    Plan::up(stacks, &deployed, &lab.wishes()).unwrap()
}

fn refused(review: &Review) -> Vec<String> {
    review.refused.iter().map(ToString::to_string).collect()
}

/// How often each operation of `CloudFormation` was called since the last time.
fn calls(lab: &Lab) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in lab.account.lab().calls() {
        if let Some(operation) = call.operation.strip_prefix("cloudformation:") {
            *counts.entry(operation.to_owned()).or_default() += 1;
        }
    }
    lab.account.lab().forget_calls();
    counts
}

fn names(lab: &Lab) -> Vec<String> {
    lab.account
        .read(|state| state.cloudformation.names.keys().cloned().collect())
}

#[tokio::test]
async fn a_bad_template_of_the_last_stack_stops_all_before_anything_is_made() {
    let lab = Lab::start().await;
    let mut stacks = five();
    stacks[4].template = stacks[4]
        .template
        .replace("!Ref AppImage", "!Ref AppPicture");
    let plan = plan(&lab, stacks).await;
    let work = lab.work();
    let found = reviewed(&plan, &lab.cloud, &work, Intent::CarryOut).await;
    assert_eq!(
        refused(&found),
        [
            "e-ecs-service: CloudFormation refuses the change: Unresolved resource dependencies \
             [AppPicture] in the Outputs block of the template (`Outputs.Image.Value`, templates/ecs-service.yaml:9)"
        ]
    );
    forget(&lab.cloud, &work).await;
    assert_eq!(names(&lab), [""; 0]);
    let made = calls(&lab);
    for operation in ["ExecuteChangeSet", "CreateStack"] {
        assert!(!made.contains_key(operation), "{made:?}");
    }
}

#[tokio::test]
async fn all_that_is_refused_is_told_together() {
    let lab = Lab::start().await;
    let mut stacks = five();
    // One by its template alone, one by its change set's call, one by what that finds.
    stacks[1].template = stacks[1].template.replace("SecurityGroup", "SecurityGrop");
    stacks[3].template = stacks[3].template.replace("!Ref Days", "!Ref Nights");
    stacks[0].template = stacks[0].template.replace("CidrBlock", "CidrBlok");
    let plan = plan(&lab, stacks).await;
    let work = lab.work();
    let found = reviewed(&plan, &lab.cloud, &work, Intent::CarryOut).await;
    let told = refused(&found);
    for (told, (stack, words, place)) in told.iter().zip([
        (
            "e-ecs-cluster",
            "Unrecognized resource types: [AWS::EC2::SecurityGrop]",
            "ecs-cluster.yaml:4",
        ),
        (
            "e-mesh",
            "Unresolved resource dependencies [Nights]",
            "mesh.yaml:6",
        ),
        ("e-vpc", "CidrBlok", "vpc.yaml:3"),
    ]) {
        assert!(told.starts_with(stack) && told.contains(words), "{told}");
        assert!(told.contains(place), "{place}: {told}");
    }
    assert_eq!(told.len(), 3, "{told:?}");
    forget(&lab.cloud, &work).await;
    assert_eq!(names(&lab), [""; 0]);
}

#[tokio::test]
async fn what_was_asked_about_a_new_environment_is_carried_out() {
    let lab = Lab::start().await;
    let plan = plan(&lab, five()).await;
    let work = lab.work();
    let found = reviewed(&plan, &lab.cloud, &work, Intent::CarryOut).await;
    assert_eq!(refused(&found), [""; 0]);
    let asked = calls(&lab);
    assert_eq!(
        (asked["CreateChangeSet"], asked["ValidateTemplate"]),
        (3, 2)
    );
    let work = Work {
        review: found,
        ..work
    };
    let run = lab.up_with(five(), work, Interrupt::never()).await;
    assert_eq!(run.report().finished.len(), 6, "{:?}", run.outcomes());
    let made = calls(&lab);
    assert_eq!(made.get("CreateChangeSet"), None, "{made:?}");
    assert_eq!((made["ExecuteChangeSet"], made["CreateStack"]), (3, 2));

    // All stands now: there is nothing to ask.
    let plan = self::plan(&lab, five()).await;
    calls(&lab);
    reviewed(&plan, &lab.cloud, &lab.work(), Intent::CarryOut).await;
    assert_eq!(calls(&lab), BTreeMap::new());
}

#[tokio::test]
async fn looking_makes_nothing_of_what_is_not_there() {
    let lab = Lab::start().await;
    let plan = plan(&lab, five()).await;
    calls(&lab);
    let found = reviewed(&plan, &lab.cloud, &lab.work(), Intent::Look).await;
    assert!(found.ready.is_empty());
    assert_eq!(
        calls(&lab),
        BTreeMap::from([("ValidateTemplate".to_owned(), 5)])
    );
}

/// Their empty stacks stayed.
#[tokio::test]
async fn change_sets_that_cannot_be_read_leave_nothing() {
    let lab = Lab::start().await;
    let effect = CallEffect::Error {
        code: "AccessDenied".to_owned(),
        message: "User: u is not authorized to perform: cloudformation:DescribeChangeSet"
            .to_owned(),
        status: 403,
    };
    let rule = CallFault::each("cloudformation:DescribeChangeSet", effect);
    lab.account.lab().fail_call(rule);
    let plan = plan(&lab, five()).await;
    let found = reviewed(&plan, &lab.cloud, &lab.work(), Intent::CarryOut).await;
    assert_eq!(refused(&found).len(), 3);
    for _ in 0..200 {
        if names(&lab).is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{:?}", names(&lab));
}

#[tokio::test]
async fn what_cannot_be_asked_stops_nothing() {
    for effect in [
        CallEffect::Error {
            code: "AccessDenied".to_owned(),
            message: "User: u is not authorized to perform: cloudformation:ValidateTemplate"
                .to_owned(),
            status: 403,
        },
        CallEffect::Throttle,
        CallEffect::Internal,
    ] {
        let lab = Lab::start().await;
        let rule = CallFault::each("cloudformation:ValidateTemplate", effect);
        lab.account.lab().fail_call(rule);
        let plan = plan(&lab, five()).await;
        let found = reviewed(&plan, &lab.cloud, &lab.work(), Intent::CarryOut).await;
        assert_eq!(refused(&found), [""; 0]);
        assert_eq!(found.ready.len(), 3);
    }
}

/// The repository holds an image: the service says so before it is to go.
#[tokio::test]
async fn what_the_checks_only_warn_of_is_told_and_stops_nothing() {
    let lab = Lab::start_with_app().await;
    lab.up(five()).await.report();
    let mut stacks = five();
    stacks[2].template = "Resources: {Log: {Type: AWS::Logs::LogGroup}}".to_owned();
    let plan = plan(&lab, stacks).await;
    let work = lab.work();
    let found = reviewed(&plan, &lab.cloud, &work, Intent::Look).await;
    assert_eq!(refused(&found), [""; 0]);
    assert_eq!(
        found.warnings(),
        [
            "e-ecr-repositories: /Resources/App: The repository 'e-app' cannot be deleted because it still contains \
          images."
        ]
    );
    assert_eq!(
        found.losses(),
        ["e-ecr-repositories: deletes `App` (AWS::ECR::Repository) with 1 image"]
    );
    forget(&lab.cloud, &work).await;
}
