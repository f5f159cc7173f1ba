//! Deletes: order, protection, what is left behind.

use super::account::{Formation, told};
use aws_sdk_cloudformation::types::DeletionMode;

const CHAIN: &str = r"
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24}}
  Gateway: {Type: AWS::EC2::InternetGateway}
  Attached: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
  Address: {Type: AWS::EC2::EIP, DependsOn: Attached}
  Nat: {Type: AWS::EC2::NatGateway, Properties: {SubnetId: !Ref Subnet, AllocationId: !GetAtt Address.AllocationId}}
";

#[tokio::test]
async fn what_needs_goes_before_what_is_needed() {
    let formation = Formation::start().await;
    formation.create("s", CHAIN).await;
    let id = formation.stack("s").await.stack_id.unwrap();
    assert_eq!(formation.delete("s").await.0, "DELETE_COMPLETE");
    let events = formation.events(&id).await;
    let at = |name: &str| {
        events
            .iter()
            .position(|line| *line == format!("{name} DELETE_COMPLETE"))
            .unwrap()
    };
    assert!(at("Nat") < at("Subnet") && at("Nat") < at("Address"));
    assert!(at("Address") < at("Attached") && at("Attached") < at("Gateway"));
    assert!(at("Subnet") < at("Vpc") && at("Attached") < at("Vpc"));
    // By name it is no more, by ARN it is deleted; deleting again is well.
    let gone = formation
        .client
        .describe_stacks()
        .stack_name("s")
        .send()
        .await;
    assert_eq!(told(gone).1, "Stack with id s does not exist");
    formation
        .client
        .delete_stack()
        .stack_name("s")
        .send()
        .await
        .unwrap();
    assert_eq!(formation.create("s", CHAIN).await.0, "CREATE_COMPLETE");
}

#[tokio::test]
async fn a_protected_stack_stays() {
    let formation = Formation::start().await;
    formation.create("s", CHAIN).await;
    let protect = formation
        .client
        .update_termination_protection()
        .stack_name("s");
    protect
        .enable_termination_protection(true)
        .send()
        .await
        .unwrap();
    let refused = formation.client.delete_stack().stack_name("s").send().await;
    assert_eq!(
        told(refused).1,
        "Stack [s] cannot be deleted while TerminationProtection is enabled"
    );
}

#[tokio::test]
async fn what_cannot_be_deleted_is_named_and_can_be_left_behind() {
    let formation = Formation::start().await;
    formation.create("s", CHAIN).await;
    let vpc = formation.local.account.read(|state| {
        let found = state.inventory.of("AWS::EC2::VPC").next();
        found.map(|(id, _)| id.to_owned()).unwrap()
    });
    let other =
        format!("Resources: {{T: {{Type: AWS::EC2::RouteTable, Properties: {{VpcId: {vpc}}}}}}}");
    assert_eq!(formation.create("other", &other).await.0, "CREATE_COMPLETE");
    let (status, reason) = formation.delete("s").await;
    assert_eq!(
        (status.as_str(), reason.as_str()),
        (
            "DELETE_FAILED",
            "The following resource(s) failed to delete: [Vpc]. "
        )
    );
    let wrong = formation
        .client
        .delete_stack()
        .stack_name("s")
        .retain_resources("Subnet")
        .send()
        .await;
    assert!(
        told(wrong)
            .1
            .starts_with("The specified resources to retain must be in a valid state.")
    );
    let id = formation.stack("s").await.stack_id.unwrap();
    let force = formation.client.delete_stack().stack_name("s");
    force
        .deletion_mode(DeletionMode::ForceDeleteStack)
        .send()
        .await
        .unwrap();
    assert_eq!(formation.rest(&id).await.0, "DELETE_COMPLETE");
    assert!(
        formation
            .events(&id)
            .await
            .iter()
            .any(|line| line.starts_with("Vpc DELETE_SKIPPED"))
    );
}

#[tokio::test]
async fn a_repository_that_empties_itself_takes_its_blobs_along() {
    let formation = Formation::start().await;
    let template = "Resources: {R: {Type: AWS::ECR::Repository, Properties: {RepositoryName: \
                    emptied, EmptyOnDelete: true}}}";
    formation.create("s", template).await;
    let file = crate::elf::program(formation.local.folder.path(), "body");
    let image = colormesh::image::build(&file).unwrap();
    let target = formation.local.target("emptied").await;
    colormesh::image::push(&image, &target).await.unwrap();
    let store = formation.local.account.images();
    let layer = colormesh::image::Digest::of(&image.layer);
    assert!(store.contains(&layer));
    assert_eq!(formation.delete("s").await.0, "DELETE_COMPLETE");
    assert!(!store.contains(&layer));
    assert!(!store.contains(&image.digest));
}
