//! Operations by their ids: what is told of each, and what went wrong.

use super::account::{Formation, told};
use aws_sdk_cloudformation::types::{ChangeSetStatus, ChangeSetType, EventFilter, OperationEvent};

const GOOD: &str = "Resources: {A: {Type: AWS::Logs::LogGroup}}";
/// The second resource names a role that nobody has.
const FAILS: &str = r"
Resources:
  A: {Type: AWS::Logs::LogGroup}
  Profile:
    Type: AWS::IAM::InstanceProfile
    DependsOn: A
    Properties: {Roles: [nobody]}
";

/// `type status`, or `type logical-id resource-status`, oldest first.
fn lines(events: &[OperationEvent]) -> Vec<String> {
    let line = |event: &OperationEvent| {
        let kind = event.event_type().unwrap().as_str();
        match event.operation_status() {
            Some(status) => format!("{kind} {}", status.as_str()),
            None => format!(
                "{kind} {} {}",
                event.logical_resource_id().unwrap(),
                event.resource_status().map_or("", |it| it.as_str())
            ),
        }
    };
    let mut lines: Vec<String> = events.iter().map(line).collect();
    lines.reverse();
    lines
}

impl Formation {
    async fn operation(&self, id: &str) -> Vec<OperationEvent> {
        let call = self.client.describe_events().operation_id(id);
        call.send().await.unwrap().operation_events.unwrap()
    }
}

#[tokio::test]
async fn a_roll_back_is_an_operation_of_its_own() {
    let formation = Formation::start().await;
    let call = formation.client.create_stack().stack_name("s");
    let call = call
        .template_body(FAILS)
        .capabilities("CAPABILITY_IAM".into());
    let created = call.send().await.unwrap().operation_id.unwrap();
    assert_eq!(formation.rest("s").await.0, "ROLLBACK_COMPLETE");

    let events = formation.operation(&created).await;
    assert_eq!(
        lines(&events),
        [
            "STACK_EVENT IN_PROGRESS",
            "PROGRESS_EVENT A CREATE_IN_PROGRESS",
            "PROGRESS_EVENT A CREATE_IN_PROGRESS",
            "PROGRESS_EVENT A CREATE_COMPLETE",
            "PROGRESS_EVENT Profile CREATE_IN_PROGRESS",
            "PROVISIONING_ERROR Profile CREATE_FAILED",
            "STACK_EVENT FAILED",
        ]
    );
    assert!(
        events
            .iter()
            .all(|event| event.operation_type().unwrap().as_str() == "CREATE_STACK")
    );

    // By the stack's name, the newest: that is the roll-back.
    let newest = formation.client.describe_events().stack_name("s");
    let newest = newest.send().await.unwrap().operation_events.unwrap();
    assert_eq!(newest[0].operation_type().unwrap().as_str(), "ROLLBACK");
    assert_eq!(
        lines(&newest),
        [
            "STACK_EVENT IN_PROGRESS",
            "PROGRESS_EVENT A DELETE_IN_PROGRESS",
            "PROGRESS_EVENT A DELETE_COMPLETE",
            "STACK_EVENT SUCCEEDED",
        ]
    );

    // The description names both, and the filter finds the reason.
    let stack = formation.stack("s").await;
    let operations = stack.last_operations.unwrap();
    assert_eq!(operations.len(), 2);
    assert_eq!(operations[1].operation_id(), Some(created.as_str()));
    let failed = EventFilter::builder().failed_events(true).build();
    let call = formation.client.describe_events().operation_id(&created);
    let failed = call.filters(failed).send().await.unwrap();
    let failed = failed.operation_events.unwrap();
    assert_eq!(lines(&failed), ["PROVISIONING_ERROR Profile CREATE_FAILED"]);
    assert!(
        failed[0]
            .resource_status_reason()
            .unwrap()
            .contains("cannot be found")
    );

    // Each event of the stack says to which operation it belongs.
    let events = formation.client.describe_stack_events().stack_name("s");
    let events = events.send().await.unwrap().stack_events.unwrap();
    assert!(events.iter().all(|event| event.operation_id().is_some()));
}

#[tokio::test]
async fn operations_of_all_kinds_have_ids() {
    let formation = Formation::start().await;
    formation.create("s", GOOD).await;
    let changed = GOOD.replace("LogGroup}", "LogGroup, Properties: {RetentionInDays: 7}}");
    let call = formation.client.update_stack().stack_name("s");
    let updated = call.template_body(changed).send().await.unwrap();
    formation.rest("s").await;
    let id = updated.stack_id.unwrap();
    formation.delete("s").await;
    let operations = formation.stack(&id).await.last_operations.unwrap();
    let kinds: Vec<&str> = operations
        .iter()
        .map(|operation| operation.operation_type().unwrap().as_str())
        .collect();
    assert_eq!(kinds, ["DELETE_STACK", "UPDATE_STACK", "CREATE_STACK"]);
    assert_eq!(
        operations[1].operation_id(),
        updated.operation_id.as_deref()
    );
    for operation in &operations {
        let events = formation.operation(operation.operation_id().unwrap()).await;
        assert_eq!(lines(&events).last().unwrap(), "STACK_EVENT SUCCEEDED");
    }
    let unknown = formation.client.describe_events().operation_id("x").send();
    assert_eq!(told(unknown.await).0, "ValidationError");
    let nothing = formation.client.describe_events().send().await;
    assert_eq!(told(nothing).0, "ValidationError");
}

#[tokio::test]
async fn a_change_set_says_what_is_wrong_before_anything_runs() {
    let formation = Formation::start().await;
    formation
        .create(
            "other",
            "Resources: {L: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: taken}}}",
        )
        .await;
    let template = r"
Resources:
  Cluster: {Type: AWS::ECS::Cluster, Properties: {Colour: red}}
  Log: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: taken}}
";
    let (status, reason) = formation
        .change_set("s", ChangeSetType::Create, template)
        .await;
    assert_eq!(status, ChangeSetStatus::Failed);
    assert!(
        reason.contains("AWS::EarlyValidation::PropertyValidation"),
        "{reason}"
    );
    let call = formation.client.describe_events().stack_name("s");
    let events = call.change_set_name("set").send().await.unwrap();
    let events = events.operation_events.unwrap();
    assert_eq!(
        lines(&events),
        [
            "STACK_EVENT IN_PROGRESS",
            "VALIDATION_ERROR Cluster ",
            "VALIDATION_ERROR Log ",
            "STACK_EVENT FAILED",
        ]
    );
    let fault = &events[2];
    assert_eq!(fault.validation_name(), Some("PROPERTY_VALIDATION"));
    assert_eq!(
        fault.validation_path(),
        Some("/Resources/Cluster/Properties")
    );
    assert!(
        fault
            .validation_status_reason()
            .unwrap()
            .contains("[Colour]")
    );
    assert_eq!(
        events[1].validation_path(),
        Some("/Resources/Log/Properties/LogGroupName")
    );
    // Unchecked, it fails where it is made.
    let call = formation.client.create_change_set().stack_name("s");
    let call = call.change_set_name("unchecked").disable_validation(true);
    let call = call.change_set_type(ChangeSetType::Create);
    call.template_body(template).send().await.unwrap();
    let described = loop {
        let call = formation.client.describe_change_set().stack_name("s");
        let answer = call.change_set_name("unchecked").send().await.unwrap();
        if !answer
            .status
            .as_ref()
            .unwrap()
            .as_str()
            .starts_with("CREATE_P")
            && answer.status != Some(ChangeSetStatus::CreateInProgress)
        {
            break answer;
        }
    };
    assert_eq!(described.status, Some(ChangeSetStatus::CreateComplete));
}

#[tokio::test]
async fn events_of_an_operation_come_in_pages() {
    let formation = Formation::start().await;
    let resources: String = (0..60)
        .map(|n| format!("  L{n}: {{Type: AWS::Logs::LogGroup}}\n"))
        .collect();
    formation
        .create("s", &format!("Resources:\n{resources}"))
        .await;
    let first = formation.client.describe_events().stack_name("s");
    let first = first.send().await.unwrap();
    assert_eq!(first.operation_events().len(), 100);
    let pages = formation.client.describe_events().stack_name("s");
    let mut pages = pages.into_paginator().items().send();
    let mut ids = std::collections::BTreeSet::new();
    let mut count = 0;
    while let Some(event) = pages.next().await {
        ids.insert(event.unwrap().event_id.unwrap());
        count += 1;
    }
    assert_eq!((count, ids.len()), (182, 182));
}
