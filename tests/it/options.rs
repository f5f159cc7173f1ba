//! What is asked of CloudFormation besides the templates, as it arrives there.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::types::{DeploymentConfigMode, Stack};
use colormesh::account::lab::{CallEffect, CallFault};

use crate::as_aws::{AsAws, ENVIRONMENT};
use crate::project::Project;

const SETTINGS: &str = "
key_pair: none
tags: { team: colours }
stacks:
  role_arn: arn:aws:iam::123456789012:role/deployer
  notification_arns: ['arn:aws:sns:us-west-2:123456789012:stacks']
  rollback_alarms: ['arn:aws:cloudwatch:us-west-2:123456789012:alarm:errors']
  timeout: 45m
  termination_protection: true
  express: true
";
const DEPLOYER: &str = "
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: deployer
      AssumeRolePolicyDocument:
        Statement:
          - { Effect: Allow, Action: 'sts:AssumeRole', Principal: { Service: cloudformation.amazonaws.com } }
";
const ROLE: &str = "arn:aws:iam::123456789012:role/deployer";

/// What is asked for alike on every stack.
fn assert_arrived(name: &str, stack: &Stack) {
    assert_eq!(stack.role_arn(), Some(ROLE), "{name}");
    let topics = ["arn:aws:sns:us-west-2:123456789012:stacks"];
    assert_eq!(stack.notification_arns(), topics, "{name}");
    let alarms = stack.rollback_configuration().unwrap().rollback_triggers();
    let alarms: Vec<_> = alarms.iter().map(|it| (it.arn(), it.r#type())).collect();
    let alarm = "arn:aws:cloudwatch:us-west-2:123456789012:alarm:errors";
    assert_eq!(
        alarms,
        [(Some(alarm), Some("AWS::CloudWatch::Alarm"))],
        "{name}"
    );
    let tags = stack.tags().iter();
    let tags: BTreeMap<_, _> = tags
        .map(|tag| (tag.key().unwrap(), tag.value().unwrap()))
        .collect();
    assert_eq!(tags["team"], "colours", "{name}");
    assert_eq!(tags["colormesh:environment"], ENVIRONMENT, "{name}");
    assert_eq!(
        tags["colormesh:version"],
        env!("CARGO_PKG_VERSION"),
        "{name}"
    );
    assert_eq!(stack.enable_termination_protection(), Some(true), "{name}");
    assert_eq!(stack.disable_rollback(), Some(false), "{name}");
    let mode = stack.deployment_config().and_then(|config| config.mode());
    let express = (name != "ecs-service").then_some(&DeploymentConfigMode::Express);
    assert_eq!(mode, express, "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_arrives_with_each_stack_and_with_its_end() {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    let aws = AsAws::start().await;
    aws.create("roles", DEPLOYER).await;
    aws.run(&project, &["up", "--yes"]).await.code(0);
    let made = aws.stacks().await;
    assert_eq!(made.len(), 7);
    for (name, stack) in &made {
        assert_arrived(name, stack);
        // CloudFormation has a limit of its own, for who is gone by then. A
        // change set takes none.
        let waits = stack.timeout_in_minutes();
        let at_once = !["vpc", "ecr-repositories", "mesh"].contains(&name.as_str());
        assert_eq!(waits, at_once.then_some(46), "{name}");
    }

    // A change has them too, and what is not to be protected any more is not.
    let open = SETTINGS.replace("protection: true", "protection: false");
    project.write(
        "colormesh.yaml",
        &format!("{open}app: {{ color: green }}\n"),
    );
    aws.lab().forget_calls();
    aws.run(&project, &["up", "--yes"]).await.code(0);
    let calls = aws.lab().calls();
    let of = |operation: &str| {
        let operation = format!("cloudformation:{operation}");
        let calls = calls.iter().filter(move |call| call.operation == operation);
        calls
            .map(|call| call.parameters.as_slice())
            .collect::<Vec<_>>()
    };
    let sets = of("CreateChangeSet");
    assert!(!sets.is_empty());
    for asked in [
        "RoleARN",
        "NotificationARNs",
        "RollbackConfiguration",
        "Tags",
    ] {
        let has = |set: &&[String]| set.iter().any(|name| name == asked);
        assert!(sets.iter().all(has), "{asked}: {sets:?}");
    }
    for (name, stack) in aws.stacks().await {
        assert_eq!(stack.enable_termination_protection(), Some(false), "{name}");
        assert_eq!(stack.role_arn(), Some(ROLE), "{name}");
    }

    aws.lab().forget_calls();
    aws.run(&project, &["down", "--yes"]).await.code(0);
    let calls = aws.lab().calls();
    let deleted = calls.iter();
    let deleted = deleted.filter(|call| call.operation == "cloudformation:DeleteStack");
    let acting = deleted.map(|call| call.parameters.iter().any(|name| name == "RoleARN"));
    assert_eq!(acting.collect::<Vec<_>>(), [true; 7]);
    for (name, stack) in made {
        let gone = aws.stack(stack.stack_id().unwrap()).await;
        let status = gone.stack_status().unwrap().as_str().to_owned();
        assert_eq!(
            (status.as_str(), gone.role_arn()),
            ("DELETE_COMPLETE", Some(ROLE)),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_cannot_act_is_told_before_anything_is_made() {
    let project = Project::new().file("colormesh.yaml", "key_pair: none\n");
    let aws = AsAws::start().await;
    let up = ["up", "--yes", "--role-arn"];
    let denied = CallEffect::Error {
        code: "AccessDenied".to_owned(),
        message: format!(
            "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:PassRole on resource: {ROLE} \
             because no identity-based policy allows the iam:PassRole action"
        ),
        status: 403,
    };
    for (role, error, hint) in [
        (
            ROLE,
            "is invalid or cannot be assumed",
            "does not trust `cloudformation",
        ),
        (
            "arn:aws:iam::210987654321:role/deployer",
            "Cross-account pass role is not allowed",
            "a role of the account that is deployed to",
        ),
        (
            ROLE,
            "not authorized to perform: iam:PassRole",
            "allows `iam:PassRole`",
        ),
    ] {
        if error.contains("perform") {
            aws.create("roles", DEPLOYER).await;
            let rule = CallFault::each("cloudformation:Create*", denied.clone());
            aws.lab().fail_call(rule);
        }
        let said = aws
            .run(&project, &[&up[..], &[role]].concat())
            .await
            .code(1);
        for expected in [error, hint] {
            assert!(
                said.stderr.contains(expected),
                "{expected} in\n{}",
                said.stderr
            );
        }
        let made: Vec<_> = aws.stacks().await;
        assert!(made.is_empty(), "{made:?}");
    }
}

/// The stack's own role acts where none is named, and may be gone by then.
#[tokio::test(flavor = "multi_thread")]
async fn down_names_the_role_that_is_gone() {
    let project = Project::new().file("colormesh.yaml", "key_pair: none\n");
    let aws = AsAws::start().await;
    aws.create("roles", DEPLOYER).await;
    let call = aws.client.create_stack().role_arn(ROLE);
    let name = format!("{ENVIRONMENT}-mesh");
    let call = call
        .stack_name(&name)
        .template_body("Resources: {Log: {Type: AWS::Logs::LogGroup}}");
    call.send().await.unwrap();
    let call = aws.client.delete_stack().stack_name("roles");
    call.send().await.unwrap();
    while aws
        .client
        .describe_stacks()
        .stack_name("roles")
        .send()
        .await
        .is_ok()
    {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let said = aws.run(&project, &["down", "--yes"]).await.code(1);
    for expected in [ROLE, "is invalid or cannot be assumed", "`--role-arn`"] {
        assert!(
            said.stderr.contains(expected),
            "{expected} in\n{}",
            said.stderr
        );
    }
    aws.create("again", &DEPLOYER.replace("deployer", "other"))
        .await;
    let other = "arn:aws:iam::123456789012:role/other";
    aws.run(&project, &["down", "--yes", "--role-arn", other])
        .await
        .code(0);
    assert_eq!(aws.stacks().await.len(), 0);
}
