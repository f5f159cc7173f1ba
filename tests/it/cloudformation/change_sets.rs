//! Change sets.

use super::account::{Formation, told};
use crate::local::Local;
use aws_sdk_cloudformation::types::{
    ChangeAction, ChangeSetStatus, ChangeSetType, ExecutionStatus, Parameter, Replacement,
};
use colormesh::account::lab::LabSettings;

const LOGS: &str = r"
Parameters:
  Days: {Type: Number, Default: 1}
Resources:
  Logs: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: !Ref Days}}
  Repository: {Type: AWS::ECR::Repository, Properties: {RepositoryName: colours}}
Outputs:
  Logs: {Value: !GetAtt Logs.Arn, Export: {Name: !Sub '${AWS::StackName}:Logs'}}
";

#[tokio::test]
async fn a_stack_comes_from_a_change_set_in_the_order_of_aws() {
    let formation = Formation::start().await;
    let made = formation.change_set("s", ChangeSetType::Create, LOGS).await;
    assert_eq!(made, (ChangeSetStatus::CreateComplete, String::new()));
    assert_eq!(
        formation.stack("s").await.stack_status.unwrap().as_str(),
        "REVIEW_IN_PROGRESS"
    );
    let call = formation
        .client
        .describe_change_set()
        .stack_name("s")
        .change_set_name("set");
    let set = call.send().await.unwrap();
    assert_eq!(set.execution_status, Some(ExecutionStatus::Available));
    let changes = set.changes.unwrap();
    assert!(changes.iter().all(|change| {
        change.resource_change.as_ref().unwrap().action == Some(ChangeAction::Add)
    }));
    let call = formation
        .client
        .execute_change_set()
        .stack_name("s")
        .change_set_name("set");
    call.client_request_token("mine").send().await.unwrap();
    assert_eq!(formation.rest("s").await.0, "CREATE_COMPLETE");

    let of = |wanted: &'static str| {
        let events = formation.events("s");
        async move {
            let mine = |line: &String| line.starts_with(wanted);
            events.await.into_iter().filter(mine).collect::<Vec<_>>()
        }
    };
    assert_eq!(
        of("s ").await,
        [
            "s REVIEW_IN_PROGRESS User Initiated",
            "s CREATE_IN_PROGRESS User Initiated",
            "s CREATE_COMPLETE"
        ]
    );
    assert_eq!(
        of("Logs ").await,
        [
            "Logs CREATE_IN_PROGRESS",
            "Logs CREATE_IN_PROGRESS Resource creation Initiated",
            "Logs CREATE_COMPLETE"
        ]
    );
    let events = formation
        .client
        .describe_stack_events()
        .stack_name("s")
        .send()
        .await
        .unwrap();
    let newest = &events.stack_events()[0];
    assert_eq!(newest.client_request_token(), Some("mine"));
    assert!(
        formation
            .output("s", "Logs")
            .await
            .unwrap()
            .starts_with("arn:aws:logs:us-west-2:123456789012:log-group:s-Logs-")
    );
}

#[tokio::test]
async fn what_changes_nothing_fails_in_the_words_that_clients_match() {
    let formation = Formation::start().await;
    formation.create("s", LOGS).await;
    let nothing = "The submitted information didn't contain changes. Submit different information to create a change set.";
    let made = formation.change_set("s", ChangeSetType::Update, LOGS).await;
    assert_eq!(made, (ChangeSetStatus::Failed, nothing.to_owned()));
    let execute = formation
        .client
        .execute_change_set()
        .stack_name("s")
        .change_set_name("set");
    let (code, message) = told(execute.send().await);
    assert_eq!(code, "InvalidChangeSetStatus");
    assert!(
        message.ends_with("cannot be executed in its current status of [FAILED]"),
        "{message}"
    );
    let update = formation
        .client
        .update_stack()
        .stack_name("s")
        .template_body(LOGS)
        .send()
        .await;
    assert_eq!(
        told(update),
        (
            "ValidationError".to_owned(),
            "No updates are to be performed.".to_owned()
        )
    );
}

#[tokio::test]
async fn a_change_says_whether_it_replaces() {
    let formation = Formation::start().await;
    formation.create("s", LOGS).await;
    let renamed = LOGS
        .replace("colours", "hues")
        .replace("Default: 1", "Default: 3");
    let made = formation
        .change_set("s", ChangeSetType::Update, &renamed)
        .await;
    assert_eq!(made.0, ChangeSetStatus::CreateComplete);
    let call = formation
        .client
        .describe_change_set()
        .stack_name("s")
        .change_set_name("set");
    let found: Vec<_> = call
        .send()
        .await
        .unwrap()
        .changes
        .unwrap()
        .into_iter()
        .map(|change| {
            let change = change.resource_change.unwrap();
            (
                change.logical_resource_id.unwrap(),
                change.action.unwrap(),
                change.replacement.unwrap(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("Logs".to_owned(), ChangeAction::Modify, Replacement::False),
            (
                "Repository".to_owned(),
                ChangeAction::Modify,
                Replacement::True
            )
        ]
    );
    let call = formation
        .client
        .delete_change_set()
        .stack_name("s")
        .change_set_name("set");
    call.send().await.unwrap();
    let gone = formation
        .client
        .describe_change_set()
        .stack_name("s")
        .change_set_name("set")
        .send()
        .await;
    assert_eq!(
        told(gone),
        (
            "ChangeSetNotFound".to_owned(),
            "ChangeSet [set] does not exist".to_owned()
        )
    );
}

#[tokio::test]
async fn requests_are_refused_in_the_words_of_aws() {
    let formation = Formation::start().await;
    let create = |name: &str, body: &str| {
        formation
            .client
            .create_stack()
            .stack_name(name)
            .template_body(body)
            .send()
    };
    let refused = |outcome| {
        let (code, message) = told(outcome);
        assert_eq!(code, "ValidationError", "{message}");
        message
    };
    let needy = "Parameters: {A: {Type: String}}\nResources: {B: {Type: AWS::ECS::Cluster}}";
    assert_eq!(
        refused(create("s", needy).await),
        "Parameters: [A] must have values"
    );
    let unknown = "Resources: {B: {Type: AWS::Foo::Bar}}";
    assert_eq!(
        refused(create("s", unknown).await),
        "Template format error: Unrecognized resource types: [AWS::Foo::Bar]"
    );
    let loose = "Resources: {B: {Type: AWS::ECS::Cluster, Properties: {ClusterName: !Ref C}}}";
    assert_eq!(
        refused(create("s", loose).await),
        "Template format error: Unresolved resource dependencies [C] in the Resources block of the template"
    );
    let role = "Resources: {R: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}}";
    assert_eq!(
        told(create("s", role).await),
        (
            "InsufficientCapabilitiesException".to_owned(),
            "Requires capabilities : [CAPABILITY_IAM]".to_owned()
        )
    );
    assert!(refused(create("no_name", LOGS).await).contains("[a-zA-Z][-a-zA-Z0-9]*"));
    let absent = formation
        .client
        .describe_stacks()
        .stack_name("s")
        .send()
        .await;
    assert_eq!(told(absent).1, "Stack with id s does not exist");
    let absent = formation
        .client
        .describe_stack_events()
        .stack_name("s")
        .send()
        .await;
    assert_eq!(told(absent).1, "Stack [s] does not exist");
    formation.create("s", LOGS).await;
    assert_eq!(
        told(create("s", LOGS).await),
        (
            "AlreadyExistsException".to_owned(),
            "Stack [s] already exists".to_owned()
        )
    );
    let stranger = Parameter::builder()
        .parameter_key("Z")
        .parameter_value("1")
        .build();
    let update = formation
        .client
        .update_stack()
        .stack_name("s")
        .template_body(LOGS)
        .parameters(stranger);
    assert_eq!(
        told(update.send().await).1,
        "Parameters: [Z] do not exist in the template"
    );
}

#[tokio::test]
async fn previous_values_and_templates_are_used() {
    let formation = Formation::start().await;
    let days = |value: &str| {
        Parameter::builder()
            .parameter_key("Days")
            .parameter_value(value)
            .build()
    };
    let call = formation
        .client
        .create_stack()
        .stack_name("s")
        .template_body(LOGS)
        .parameters(days("7"));
    call.send().await.unwrap();
    formation.rest("s").await;
    let same = Parameter::builder()
        .parameter_key("Days")
        .use_previous_value(true)
        .build();
    let call = formation
        .client
        .update_stack()
        .stack_name("s")
        .use_previous_template(true)
        .parameters(same);
    assert_eq!(told(call.send().await).1, "No updates are to be performed.");
    let call = formation
        .client
        .update_stack()
        .stack_name("s")
        .use_previous_template(true)
        .parameters(days("9"));
    call.send().await.unwrap();
    assert_eq!(formation.rest("s").await.0, "UPDATE_COMPLETE");
    let parameters = formation.stack("s").await.parameters.unwrap();
    assert_eq!(parameters[0].parameter_value(), Some("9"));
}

#[tokio::test]
async fn the_same_request_again_is_the_same_change_set_and_the_same_operation() {
    let formation = Formation::start().await;
    let create = || {
        let call = formation.client.create_change_set().stack_name("s");
        let call = call.change_set_name("c").client_token("token");
        let call = call.change_set_type(ChangeSetType::Create);
        call.template_body("Resources: {L: {Type: AWS::Logs::LogGroup}}")
    };
    let first = create().send().await.unwrap();
    let again = create().send().await.unwrap();
    assert_eq!(first.id, again.id);
    let other = create().client_token("another").send().await;
    assert_eq!(told(other).0, "AlreadyExistsException");
    let execute = |token: &str| {
        let call = formation.client.execute_change_set().stack_name("s");
        call.change_set_name("c").client_request_token(token).send()
    };
    while execute("run").await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    execute("run").await.unwrap();
    assert_eq!(formation.rest("s").await.0, "CREATE_COMPLETE");
    execute("run").await.unwrap();
    assert_eq!(told(execute("more").await).0, "InvalidChangeSetStatus");
    let starts = formation.events("s").await;
    let starts = starts
        .iter()
        .filter(|line| line.starts_with("s CREATE_IN_PROGRESS"));
    assert_eq!(starts.count(), 1);
}

/// As seen on AWS: `Cannot delete ChangeSet in status CREATE_IN_PROGRESS`.
#[tokio::test]
async fn a_change_set_is_not_deleted_while_it_is_computed() {
    let settings = LabSettings::parse("lab.yaml", "latency: {scale: 0.1}").unwrap();
    let local = Local::with_lab(settings).await;
    let formation = Formation::over(local).await;
    let client = &formation.client;
    let call = client.create_change_set().stack_name("s");
    let call = call.change_set_name("set").template_body(LOGS);
    let call = call.change_set_type(ChangeSetType::Create);
    call.send().await.unwrap();
    let status = || async {
        let call = client.describe_change_set().stack_name("s");
        let set = call.change_set_name("set").send().await;
        set.map(|set| set.status.unwrap())
    };
    let delete = || {
        let call = client.delete_change_set().stack_name("s");
        call.change_set_name("set").send()
    };
    while status().await.unwrap() == ChangeSetStatus::CreatePending {}
    assert_eq!(status().await.unwrap(), ChangeSetStatus::CreateInProgress);
    let (code, message) = told(delete().await);
    assert_eq!(code, "InvalidChangeSetStatus");
    assert_eq!(
        message,
        "Cannot delete ChangeSet in status CREATE_IN_PROGRESS"
    );
    while status().await.unwrap() == ChangeSetStatus::CreateInProgress {}
    delete().await.unwrap();
    assert!(status().await.is_err());
}
