//! What is asked for besides a template: kept, told again, and done as far as
//! it can be here.

use super::account::{Formation, told};
use aws_sdk_cloudformation::types::{
    ChangeAction, ChangeSetType, DeploymentConfig, DeploymentConfigMode, RollbackConfiguration,
    RollbackTrigger,
};

const LOG: &str = "Resources: {A: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 1}}}";

/// One that trusts CloudFormation, and one that does not.
const ROLES: &str = "
Resources:
  Deploys:
    Type: AWS::IAM::Role
    Properties:
      RoleName: deploys
      Path: /ci/
      AssumeRolePolicyDocument: {Statement: [{Principal: {Service: cloudformation.amazonaws.com}}]}
  Runs:
    Type: AWS::IAM::Role
    Properties:
      RoleName: runs
      AssumeRolePolicyDocument: {Statement: [{Principal: {Service: ecs-tasks.amazonaws.com}}]}
";

#[tokio::test]
async fn a_role_has_to_be_there_and_to_trust_the_service() {
    let formation = Formation::start().await;
    formation.create("roles", ROLES).await;
    formation.create("s", LOG).await;
    let of = |account: &str, name: &str| format!("arn:aws:iam::{account}:role/{name}");
    for (role, code, message) in [
        (
            of("123456789012", "nobody"),
            "ValidationError",
            "invalid or cannot be assumed",
        ),
        (
            of("123456789012", "runs"),
            "ValidationError",
            "invalid or cannot be assumed",
        ),
        (
            of("210987654321", "ci/deploys"),
            "AccessDenied",
            "Cross-account",
        ),
    ] {
        let create = formation.client.create_stack().stack_name("t");
        let create = create.template_body(LOG).role_arn(&role).send().await;
        let change = formation.client.create_change_set().stack_name("s");
        let change = change.change_set_name("set").template_body(LOG);
        let change = change.role_arn(&role).send().await;
        let delete = formation.client.delete_stack().stack_name("s");
        let delete = delete.role_arn(&role).send().await;
        for found in [told(create), told(change), told(delete)] {
            assert_eq!(found.0, code);
            assert!(found.1.contains(message), "{}", found.1);
        }
    }
    assert_eq!(formation.stack("s").await.role_arn(), None);
    // One that was named to delete a stack is told of the deleted stack.
    let id = formation.stack("s").await.stack_id.unwrap();
    let role = of("123456789012", "ci/deploys");
    let delete = formation.client.delete_stack().stack_name("s");
    delete.role_arn(&role).send().await.unwrap();
    assert_eq!(formation.rest(&id).await.0, "DELETE_COMPLETE");
    assert_eq!(formation.stack(&id).await.role_arn(), Some(role.as_str()));
}

#[tokio::test]
async fn terms_are_kept_and_told_again() {
    let formation = Formation::start().await;
    formation.create("roles", ROLES).await;
    let alarm = RollbackTrigger::builder()
        .arn("arn:aws:cloudwatch:us-west-2:123456789012:alarm:a")
        .r#type("AWS::CloudWatch::Alarm")
        .build();
    let alarms = RollbackConfiguration::builder()
        .rollback_triggers(alarm)
        .monitoring_time_in_minutes(5)
        .build();
    let call = formation.client.create_stack().stack_name("s");
    let call = call
        .template_body(LOG)
        .notification_arns("arn:aws:sns:us-west-2:123456789012:topic")
        .role_arn("arn:aws:iam::123456789012:role/ci/deploys")
        .timeout_in_minutes(10)
        .rollback_configuration(alarms);
    call.send().await.unwrap();
    formation.rest("s").await;
    let changed = LOG.replace("1}", "3}");
    assert_eq!(formation.update("s", &changed).await.0, "UPDATE_COMPLETE");
    let stack = formation.stack("s").await;
    assert_eq!(stack.notification_arns().len(), 1);
    assert!(stack.role_arn().unwrap().ends_with("role/ci/deploys"));
    let alarms = stack.rollback_configuration.unwrap();
    assert_eq!(alarms.monitoring_time_in_minutes, Some(5));
    assert_eq!(alarms.rollback_triggers().len(), 1);

    let policy = r#"{"Statement": []}"#;
    let call = formation.client.set_stack_policy().stack_name("s");
    call.stack_policy_body(policy).send().await.unwrap();
    let kept = formation.client.get_stack_policy().stack_name("s");
    let kept = kept.send().await.unwrap();
    assert_eq!(kept.stack_policy_body(), Some(policy));
}

/// The CDK's integration tests do this to AWS, and wait until it is complete.
#[tokio::test]
async fn topics_alone_are_an_update_and_an_empty_list_takes_them_away() {
    let formation = Formation::start().await;
    formation.create("s", LOG).await;
    let topic = "arn:aws:sns:us-west-2:123456789012:topic";
    let call = || {
        let call = formation.client.update_stack().stack_name("s");
        call.use_previous_template(true)
    };
    call().notification_arns(topic).send().await.unwrap();
    assert_eq!(formation.rest("s").await.0, "UPDATE_COMPLETE");
    assert_eq!(formation.stack("s").await.notification_arns(), [topic]);
    let again = call().notification_arns(topic).send().await;
    assert_eq!(told(again).1, "No updates are to be performed.");
    let left_out = call().send().await;
    assert_eq!(told(left_out).1, "No updates are to be performed.");

    let events = formation.events("s").await.len();
    let call = formation.client.create_change_set().stack_name("s");
    let call = call.change_set_name("none").template_body(LOG);
    let call = call.set_notification_arns(Some(Vec::new()));
    call.send().await.unwrap();
    let set = loop {
        let call = formation.client.describe_change_set().stack_name("s");
        let set = call.change_set_name("none").send().await.unwrap();
        if set.status().unwrap().as_str() == "CREATE_COMPLETE" {
            break set;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert_eq!(set.changes().len(), 0);
    let call = formation.client.execute_change_set().stack_name("s");
    call.change_set_name("none").send().await.unwrap();
    assert_eq!(formation.rest("s").await.0, "UPDATE_COMPLETE");
    assert_eq!(formation.stack("s").await.notification_arns(), [""; 0]);
    assert_eq!(
        formation.events("s").await[events..],
        [
            "s UPDATE_IN_PROGRESS User Initiated",
            "s UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "s UPDATE_COMPLETE"
        ]
    );
}

#[tokio::test]
async fn express_mode_keeps_what_failed_unless_it_is_told_otherwise() {
    let formation = Formation::start().await;
    let fails = "Resources: {P: {Type: AWS::IAM::InstanceProfile, Properties: {Roles: [nobody]}}}";
    for (name, rolls_back, expected) in [
        ("kept", None, "CREATE_FAILED"),
        ("back", Some(false), "ROLLBACK_COMPLETE"),
    ] {
        let config = DeploymentConfig::builder()
            .mode(DeploymentConfigMode::Express)
            .set_disable_rollback(rolls_back)
            .build();
        let call = formation.client.create_stack().stack_name(name);
        let call = call.template_body(fails).deployment_config(config);
        let call = call.capabilities("CAPABILITY_IAM".into());
        call.send().await.unwrap();
        assert_eq!(formation.rest(name).await.0, expected);
    }
    let told = formation.stack("kept").await.deployment_config.unwrap();
    assert_eq!(told.mode(), Some(&DeploymentConfigMode::Express));
}

#[tokio::test]
async fn a_change_set_shows_the_values_before_and_after() {
    let formation = Formation::start().await;
    let old = format!("{LOG}\n").replace("1}}}", "1}}, Old: {Type: AWS::Logs::LogGroup}}");
    formation.create("s", &old).await;
    let new = LOG.replace("1}}}", "7}}, New: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}, Sub: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref New, CidrBlock: 10.0.0.0/24}}}");
    formation.change_set("s", ChangeSetType::Update, &new).await;
    let call = formation.client.describe_change_set().stack_name("s");
    let call = call.change_set_name("set").include_property_values(true);
    let changes = call.send().await.unwrap().changes.unwrap();
    let of = |id: &str| {
        let mut all = changes.iter().filter_map(|change| change.resource_change());
        all.find(|change| change.logical_resource_id() == Some(id))
            .unwrap()
    };
    assert_eq!(
        of("A").before_context(),
        Some(r#"{"Properties":{"RetentionInDays":1}}"#)
    );
    assert_eq!(
        of("A").after_context(),
        Some(r#"{"Properties":{"RetentionInDays":7}}"#)
    );
    let target = of("A").details()[0].target().unwrap();
    assert_eq!(target.path(), Some("/Properties/RetentionInDays"));
    assert_eq!(
        (target.before_value(), target.after_value()),
        (Some("1"), Some("7"))
    );
    assert_eq!(of("Old").action(), Some(&ChangeAction::Remove));
    assert_eq!(of("Old").after_context(), None);
    assert_eq!(of("New").before_context(), None);
    assert!(
        of("Sub")
            .after_context()
            .unwrap()
            .contains("{{changeSet:KNOWN_AFTER_APPLY}}")
    );
}

#[tokio::test]
async fn lists_come_in_pages() {
    let formation = Formation::start().await;
    for n in 0..105 {
        let template = format!(
            "Resources: {{A: {{Type: AWS::Logs::LogGroup}}}}\nOutputs: {{O: {{Value: x, Export: {{Name: e{n}}}}}}}"
        );
        let call = formation.client.create_stack();
        let call = call.stack_name(format!("s{n}")).template_body(template);
        call.send().await.unwrap();
    }
    for n in 0..105 {
        formation.rest(&format!("s{n}")).await;
    }
    let first = formation.client.describe_stacks().send().await.unwrap();
    assert_eq!(first.stacks().len(), 100);
    let next = first.next_token().unwrap();
    let rest = formation
        .client
        .describe_stacks()
        .next_token(next)
        .send()
        .await;
    assert_eq!(rest.unwrap().stacks().len(), 5);
    let first = formation.client.list_stacks().send().await.unwrap();
    assert_eq!(first.stack_summaries().len(), 100);
    let first = formation.client.list_exports().send().await.unwrap();
    assert_eq!(first.exports().len(), 100);
    let unused = formation
        .client
        .list_imports()
        .export_name("e0")
        .send()
        .await;
    assert_eq!(told(unused).1, "Export 'e0' is not imported by any stack.");
}
