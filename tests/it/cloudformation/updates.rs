//! Updates, replacements, and updates that fail.

use super::account::Formation;

fn network(range: &str, more: &str) -> String {
    format!(
        "Resources:
  Vpc: {{Type: AWS::EC2::VPC, Properties: {{CidrBlock: 10.0.0.0/16}}}}
  Subnet: {{Type: AWS::EC2::Subnet, Properties: {{VpcId: !Ref Vpc, CidrBlock: {range}}}}}
{more}
Outputs:
  Vpc: {{Value: !Ref Vpc}}
  Subnet: {{Value: !Ref Subnet}}
"
    )
}

#[tokio::test]
async fn a_replacement_makes_the_new_one_before_the_old_one_goes() {
    let formation = Formation::start().await;
    formation.create("s", &network("10.0.0.0/24", "")).await;
    let (vpc, subnet) = (
        formation.output("s", "Vpc").await,
        formation.output("s", "Subnet").await,
    );
    let before = formation.events("s").await.len();
    assert_eq!(
        formation.update("s", &network("10.0.1.0/24", "")).await.0,
        "UPDATE_COMPLETE"
    );
    assert_eq!(formation.output("s", "Vpc").await, vpc);
    assert_ne!(formation.output("s", "Subnet").await, subnet);
    let events = formation.events("s").await;
    assert_eq!(
        &events[before..],
        [
            "s UPDATE_IN_PROGRESS User Initiated",
            "Subnet UPDATE_IN_PROGRESS Requested update requires the creation of a new physical resource; hence \
             creating one.",
            "Subnet UPDATE_IN_PROGRESS Resource creation Initiated",
            "Subnet UPDATE_COMPLETE",
            "s UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "Subnet DELETE_IN_PROGRESS",
            "Subnet DELETE_COMPLETE",
            "s UPDATE_COMPLETE"
        ]
    );
}

#[tokio::test]
async fn a_failed_update_is_taken_back() {
    let formation = Formation::start().await;
    let logs = |days: u8| {
        format!("  Logs: {{Type: AWS::Logs::LogGroup, Properties: {{RetentionInDays: {days}}}}}")
    };
    formation
        .create("s", &network("10.0.0.0/24", &logs(1)))
        .await;
    let subnet = formation.output("s", "Subnet").await;
    let fails = format!(
        "{}\n  New: {{Type: AWS::ECS::Cluster}}\n  Profile: {{Type: AWS::IAM::InstanceProfile, DependsOn: [Logs, Subnet, New], Properties: \
         {{Roles: [nobody]}}}}",
        logs(3)
    );
    let (status, _) = formation.update("s", &network("10.0.1.0/24", &fails)).await;
    assert_eq!(status, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(formation.output("s", "Subnet").await, subnet);
    let events = formation.events("s").await;
    let has = |line: &str| {
        assert!(
            events.contains(&line.to_owned()),
            "{line} is not in {events:#?}"
        );
    };
    has("s UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Profile].");
    has("s UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
    has("New DELETE_COMPLETE");
    let resources = formation
        .client
        .describe_stack_resources()
        .stack_name("s")
        .send()
        .await
        .unwrap();
    let names: Vec<&str> = resources
        .stack_resources()
        .iter()
        .filter_map(|resource| resource.logical_resource_id())
        .collect();
    assert_eq!(names, ["Logs", "Subnet", "Vpc"]);
    // It stands as before: the old template is no change, the new one is.
    let again = formation
        .client
        .update_stack()
        .stack_name("s")
        .template_body(network("10.0.0.0/24", &logs(1)));
    assert_eq!(
        super::account::told(again.send().await).1,
        "No updates are to be performed."
    );
    assert_eq!(
        formation
            .update("s", &network("10.0.1.0/24", &logs(5)))
            .await
            .0,
        "UPDATE_COMPLETE"
    );
}

#[tokio::test]
async fn what_a_template_no_longer_has_is_deleted() {
    let formation = Formation::start().await;
    let kept = "  Kept: {Type: AWS::ECS::Cluster, DeletionPolicy: Retain, Properties: {ClusterName: kept}}\n  \
                Gone: {Type: AWS::ECS::Cluster, Properties: {ClusterName: gone}}";
    formation.create("s", &network("10.0.0.0/24", kept)).await;
    assert_eq!(
        formation.update("s", &network("10.0.0.0/24", "")).await.0,
        "UPDATE_COMPLETE"
    );
    let there = |name: &str| {
        formation
            .local
            .account
            .read(|state| state.inventory.get("AWS::ECS::Cluster", name).is_some())
    };
    assert!(there("kept") && !there("gone"));
    let events = formation.events("s").await;
    assert!(events.contains(&"Kept DELETE_SKIPPED".to_owned()));
}
