//! Limits, faults and the list of calls.

use super::laboratory;
use crate::cloudformation::account::told;
use aws_sdk_cloudformation::error::SdkError;
use colormesh::account::lab::{CallEffect, CallFault, CallOutcome};

const QUEUE: &str = "Resources: {L: {Type: AWS::Logs::LogGroup}}";

#[tokio::test]
async fn calls_over_the_limit_are_throttled_as_each_service_says_it() {
    let formation = laboratory(
        "limits: [{operations: ['cloudformation:Describe*', 'ecs:*', 'ecr:*'], rate: 0.001, burst: 1}]",
    )
    .await;
    formation.client.describe_stacks().send().await.unwrap();
    let refused = formation.client.describe_stacks().send().await;
    assert_eq!(
        told(refused),
        ("Throttling".to_owned(), "Rate exceeded".to_owned())
    );
    // Another operation has a bucket of its own.
    formation.client.list_stacks().send().await.unwrap();

    let sdk = formation.local.sdk().await;
    let config = aws_sdk_ecs::config::Builder::from(&sdk);
    let once = aws_sdk_ecs::config::retry::RetryConfig::disabled();
    let ecs = aws_sdk_ecs::Client::from_conf(config.retry_config(once).build());
    ecs.list_clusters().send().await.unwrap();
    let refused = ecs.list_clusters().send().await.unwrap_err();
    let meta = aws_sdk_ecs::error::ProvideErrorMetadata::code(&refused);
    assert_eq!(meta, Some("ThrottlingException"));
}

#[tokio::test]
async fn rules_fail_the_calls_that_they_are_for() {
    let formation = laboratory("seed: 1").await;
    let lab = formation.local.account.lab().clone();
    let list = || formation.client.list_stacks().send();

    lab.fail_call(CallFault::nth(
        "cloudformation:ListStacks",
        2,
        CallEffect::Internal,
    ));
    assert!(list().await.is_ok());
    let failed = list().await.unwrap_err();
    assert_eq!(failed.raw_response().unwrap().status().as_u16(), 500);
    assert!(list().await.is_ok());

    lab.fail_call(CallFault::nth(
        "cloudformation:ListStacks",
        1,
        CallEffect::Reset,
    ));
    let failed = list().await.unwrap_err();
    assert!(matches!(failed, SdkError::DispatchFailure(_)), "{failed:?}");
    assert!(list().await.is_ok());

    let denied = CallEffect::Error {
        code: "AccessDenied".to_owned(),
        message: "not you".to_owned(),
        status: 403,
    };
    lab.fail_call(CallFault::each("cloudformation:List*", denied));
    assert_eq!(told(list().await).0, "AccessDenied");
    assert_eq!(told(list().await).1, "not you");
    lab.heal();
    assert!(list().await.is_ok());
}

#[tokio::test]
async fn a_lost_answer_is_of_a_call_that_was_done() {
    let formation = laboratory("{}").await;
    let lab = formation.local.account.lab().clone();
    lab.fail_call(CallFault::nth("*:CreateStack", 1, CallEffect::ResetAfter));
    let create = formation
        .client
        .create_stack()
        .stack_name("s")
        .template_body(QUEUE);
    let failed = create.send().await.unwrap_err();
    assert!(matches!(failed, SdkError::DispatchFailure(_)), "{failed:?}");
    assert_eq!(formation.rest("s").await.0, "CREATE_COMPLETE");

    let calls = lab.calls();
    let create = &calls[0];
    assert_eq!(create.operation, "cloudformation:CreateStack");
    assert_eq!(create.parameters, ["StackName", "TemplateBody"]);
    assert_eq!(create.outcome, CallOutcome::Lost);
    assert_eq!(calls[1].operation, "cloudformation:DescribeStacks");
    assert_eq!(calls[1].outcome, CallOutcome::Done);
    let absent = formation
        .client
        .describe_stacks()
        .stack_name("t")
        .send()
        .await;
    assert_eq!(told(absent).0, "ValidationError");
    let last = lab.calls().pop().unwrap();
    assert_eq!(last.outcome, CallOutcome::Refused);
    assert_eq!(last.error.as_deref(), Some("ValidationError"));
}
