//! Creates that fail.

use super::account::Formation;
use aws_sdk_cloudformation::types::OnFailure;

/// The second resource names a role that nobody has.
const FAILS: &str = r"
Resources:
  Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: logs}}
  Profile:
    Type: AWS::IAM::InstanceProfile
    DependsOn: Logs
    Properties: {Roles: [nobody]}
";

#[tokio::test]
async fn a_failed_create_is_taken_back() {
    let formation = Formation::start().await;
    let (status, _) = formation.create("s", FAILS).await;
    assert_eq!(status, "ROLLBACK_COMPLETE");
    let events = formation.events("s").await;
    let failed = events
        .iter()
        .find(|line| line.starts_with("Profile CREATE_FAILED"))
        .unwrap();
    assert!(failed.contains(
        "Resource handler returned message: \"The role with name nobody cannot be found.\""
    ));
    assert!(events.contains(
        &"s ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Profile]. Rollback requested by user."
            .to_owned()
    ));
    let end: Vec<&str> = events.iter().rev().take(3).map(String::as_str).collect();
    assert_eq!(
        end,
        [
            "s ROLLBACK_COMPLETE",
            "Logs DELETE_COMPLETE",
            "Logs DELETE_IN_PROGRESS"
        ]
    );
    // The name of the log group is free again, the stack's is not.
    assert_eq!(
        formation
            .create("t", &FAILS.replace("[nobody]", "[]"))
            .await
            .0,
        "CREATE_COMPLETE"
    );
    let update = formation
        .client
        .update_stack()
        .stack_name("s")
        .template_body(FAILS);
    let update = update.capabilities("CAPABILITY_IAM".into()).send().await;
    assert!(
        super::account::told(update)
            .1
            .ends_with("is in ROLLBACK_COMPLETE state and can not be updated.")
    );
    assert_eq!(formation.delete("s").await.0, "DELETE_COMPLETE");
}

#[tokio::test]
async fn a_failed_create_is_kept_or_deleted_on_request() {
    let formation = Formation::start().await;
    for (name, on_failure) in [
        ("kept", OnFailure::DoNothing),
        ("deleted", OnFailure::Delete),
    ] {
        let template = FAILS.replace("LogGroupName: logs", &format!("LogGroupName: {name}"));
        let call = formation
            .client
            .create_stack()
            .stack_name(name)
            .template_body(template);
        let call = call
            .capabilities("CAPABILITY_IAM".into())
            .on_failure(on_failure);
        let id = call.send().await.unwrap().stack_id.unwrap();
        let (status, _) = formation.rest(&id).await;
        let expected = if name == "kept" {
            "CREATE_FAILED"
        } else {
            "DELETE_COMPLETE"
        };
        assert_eq!(status, expected);
    }
    formation
        .client
        .rollback_stack()
        .stack_name("kept")
        .send()
        .await
        .unwrap();
    assert_eq!(formation.rest("kept").await.0, "ROLLBACK_COMPLETE");
}

#[tokio::test]
async fn missing_and_unknown_properties_fail_their_resource() {
    let formation = Formation::start().await;
    let lacks = "Resources: {S: {Type: AWS::EC2::Subnet, Properties: {CidrBlock: 10.0.0.0/24}}}";
    formation.create("lacks", lacks).await;
    let events = formation.events("lacks").await;
    let reason = "S CREATE_FAILED Property validation failure: [The property {/VpcId} is required]";
    assert!(events.contains(&reason.to_owned()), "{events:?}");
    let unknown = "Resources: {C: {Type: AWS::ECS::Cluster, Properties: {Colour: red}}}";
    formation.create("unknown", unknown).await;
    let events = formation.events("unknown").await;
    assert!(
        events
            .iter()
            .any(|line| line.contains("extraneous key [Colour] is not permitted"))
    );
}
