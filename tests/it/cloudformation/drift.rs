//! Drift: computed from what is really there.

use super::account::{Formation, told};
use aws_sdk_cloudformation::types::{
    DifferenceType, StackDriftDetectionStatus, StackDriftStatus, StackResourceDriftStatus,
};
use colormesh::account::shared::Shared;

const TEMPLATE: &str = r"
Resources:
  Log: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 7}}
  Images: {Type: AWS::ECR::Repository, Properties: {RepositoryName: drifting}}
";

impl Formation {
    /// The status and the number of resources that differ.
    async fn drift(&self, stack: &str) -> (StackDriftStatus, i32) {
        let begun = self
            .client
            .detect_stack_drift()
            .stack_name(stack)
            .send()
            .await;
        let id = begun.unwrap().stack_drift_detection_id.unwrap();
        loop {
            let call = self.client.describe_stack_drift_detection_status();
            let answer = call.stack_drift_detection_id(&id).send().await.unwrap();
            match answer.detection_status.unwrap() {
                StackDriftDetectionStatus::DetectionInProgress => {}
                StackDriftDetectionStatus::DetectionComplete => {
                    let count = answer.drifted_stack_resource_count.unwrap();
                    return (answer.stack_drift_status.unwrap(), count);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn what_is_changed_elsewhere_has_drifted() {
    let formation = Formation::start().await;
    formation.create("s", TEMPLATE).await;
    assert_eq!(formation.drift("s").await, (StackDriftStatus::InSync, 0));
    let told = formation.stack("s").await.drift_information.unwrap();
    assert_eq!(told.stack_drift_status, Some(StackDriftStatus::InSync));

    // Somebody deletes the repository with ECR's own call.
    let ecr = aws_sdk_ecr::Client::new(&formation.local.sdk().await);
    let call = ecr.delete_repository().repository_name("drifting");
    call.send().await.unwrap();
    assert_eq!(formation.drift("s").await, (StackDriftStatus::Drifted, 1));
    let call = formation.client.describe_stack_resource_drifts();
    let call = call
        .stack_name("s")
        .stack_resource_drift_status_filters(StackResourceDriftStatus::Deleted);
    let drifts = call.send().await.unwrap().stack_resource_drifts.unwrap();
    assert_eq!(drifts.len(), 1);
    assert_eq!(drifts[0].logical_resource_id(), Some("Images"));
    let resources = formation.client.list_stack_resources().stack_name("s");
    let resources = resources
        .send()
        .await
        .unwrap()
        .stack_resource_summaries
        .unwrap();
    let statuses: Vec<_> = resources
        .iter()
        .map(|it| {
            it.drift_information()
                .unwrap()
                .stack_resource_drift_status()
                .unwrap()
        })
        .cloned()
        .collect();
    assert_eq!(
        statuses,
        [
            StackResourceDriftStatus::Deleted,
            StackResourceDriftStatus::InSync
        ]
    );
}

#[tokio::test]
async fn a_service_that_was_scaled_by_hand_differs_in_that_property() {
    let formation = Formation::start().await;
    let template = r"
Resources:
  Cluster: {Type: AWS::ECS::Cluster}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties: {Family: t, ContainerDefinitions: [{Name: app, Image: i}]}
  Service:
    Type: AWS::ECS::Service
    Properties: {Cluster: !Ref Cluster, TaskDefinition: !Ref Task, DesiredCount: 0}
";
    assert_eq!(formation.create("s", template).await.0, "CREATE_COMPLETE");
    assert_eq!(formation.drift("s").await, (StackDriftStatus::InSync, 0));
    formation.local.account.update(|state| {
        let service = state.ecs.services.values_mut().next().unwrap();
        let deployment = &mut service.deployments[0];
        let mut properties = (*deployment.properties).clone();
        properties["DesiredCount"] = 3.into();
        deployment.properties = Shared::new(properties);
    });
    assert_eq!(formation.drift("s").await, (StackDriftStatus::Drifted, 1));
    let call = formation.client.describe_stack_resource_drifts();
    let drifts = call.stack_name("s").send().await.unwrap();
    let drifts = drifts.stack_resource_drifts.unwrap();
    let service = drifts
        .iter()
        .find(|it| it.logical_resource_id() == Some("Service"))
        .unwrap();
    let [place] = service.property_differences() else {
        panic!("{service:?}")
    };
    assert_eq!(place.property_path(), Some("/DesiredCount"));
    assert_eq!(place.expected_value(), Some("0"));
    assert_eq!(place.actual_value(), Some("3"));
    assert_eq!(place.difference_type(), Some(&DifferenceType::NotEqual));
}

#[tokio::test]
async fn only_a_stack_at_rest_is_compared() {
    let formation = Formation::start().await;
    let call = formation.client.create_change_set().stack_name("s");
    let call = call
        .change_set_name("c")
        .change_set_type(aws_sdk_cloudformation::types::ChangeSetType::Create);
    call.template_body(TEMPLATE).send().await.unwrap();
    let refused = formation
        .client
        .detect_stack_drift()
        .stack_name("s")
        .send()
        .await;
    assert!(told(refused).1.contains("REVIEW_IN_PROGRESS"));
    let unknown = formation.client.describe_stack_drift_detection_status();
    let unknown = unknown.stack_drift_detection_id("x").send().await;
    assert_eq!(told(unknown).0, "ValidationError");
}
