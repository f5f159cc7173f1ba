//! A gateway's life as a client of ECS sees it.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::{Input, operation};
use crate::account::clock::Timestamp;
use crate::account::desired::{Observed, ObservedContainer, ObservedTask, TaskStatus};
use crate::account::ids::Ids;
use crate::account::inventory::Recorded;
use crate::account::scheduler::{Service, schedule};
use crate::account::shared::Shared;
use crate::account::{Options, State};
use serde_json::{Value, json};

const ARN: &str = "arn:aws:ecs:us-west-2:123456789012";

fn state() -> State {
    let mut state = State::default();
    let mut put = |resource_type: &str, id: &str, properties: Value, attributes: Value| {
        let attributes = attributes
            .as_object()
            .unwrap()
            .clone()
            .into_iter()
            .collect();
        state.inventory.put(
            resource_type,
            id,
            Recorded {
                properties,
                attributes,
                ..Recorded::default()
            },
        );
    };
    put(
        "AWS::ECS::Cluster",
        "demo",
        json!({}),
        json!({"Arn": format!("{ARN}:cluster/demo")}),
    );
    put(
        "AWS::EC2::Subnet",
        "subnet-1",
        json!({"CidrBlock": "10.0.1.0/24"}),
        json!({}),
    );
    let definition =
        json!({"Cpu": 256, "ContainerDefinitions": [{"Name": "envoy", "Image": "envoy:1"}]});
    put(
        "AWS::ECS::TaskDefinition",
        &format!("{ARN}:task-definition/gateway:3"),
        definition,
        json!({}),
    );
    let arn = format!("{ARN}:service/demo/gateway");
    let mut service = Service::new(&arn, "gateway", "demo", Timestamp(1));
    let properties = json!({
        "TaskDefinition": format!("{ARN}:task-definition/gateway:3"),
        "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-1"]}},
    });
    service.take(Shared::new(properties), &Ids::seeded(1), Timestamp(1));
    state.ecs.services.insert(arn, service);
    state
}

fn ask(state: &State, observed: &Observed, name: &str, input: &Value) -> Value {
    operation(state, observed, name, &Input(input)).unwrap()
}

#[test]
fn services_and_tasks() {
    let (mut state, options) = (state(), Options::new("nowhere"));
    let mut observed = Observed::default();
    schedule(&mut state, &observed, &options, Timestamp(2));
    let listed = ask(
        &state,
        &observed,
        "ListTasks",
        &json!({"cluster": "demo", "serviceName": "gateway"}),
    );
    let arn = listed["taskArns"][0].as_str().unwrap().to_owned();
    let container = ObservedContainer {
        running: true,
        healthy: Some(true),
        ..ObservedContainer::default()
    };
    let mut seen = ObservedTask {
        status: TaskStatus::Running,
        healthy: true,
        ..ObservedTask::default()
    };
    seen.containers.insert("envoy".to_owned(), container);
    observed.tasks.insert(arn.clone(), seen.clone());
    schedule(&mut state, &observed, &options, Timestamp(3));

    let services = ask(
        &state,
        &observed,
        "DescribeServices",
        &json!({"cluster": "demo", "services": ["gateway", "x"]}),
    );
    let service = &services["services"][0];
    assert_eq!(
        (
            &service["runningCount"],
            &service["desiredCount"],
            &service["pendingCount"]
        ),
        (&json!(1), &json!(1), &json!(0))
    );
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    assert_eq!(services["failures"][0]["reason"], "MISSING");

    let tasks = ask(
        &state,
        &observed,
        "DescribeTasks",
        &json!({"cluster": "demo", "tasks": [arn]}),
    );
    let task = &tasks["tasks"][0];
    assert_eq!(
        (&task["lastStatus"], &task["healthStatus"]),
        (&json!("RUNNING"), &json!("HEALTHY"))
    );
    assert_eq!(task["group"], "service:gateway");
    assert_eq!(
        task["attachments"][0]["details"][0],
        json!({"name": "privateIPv4Address", "value": "10.0.1.4"})
    );

    (seen.status, seen.reason) = (
        TaskStatus::Stopped,
        Some("Essential container in task exited".to_owned()),
    );
    seen.containers.get_mut("envoy").unwrap().exit_code = Some(137);
    observed.tasks.insert(arn.clone(), seen);
    schedule(&mut state, &observed, &options, Timestamp(4));
    let input = json!({"cluster": "demo", "desiredStatus": "STOPPED"});
    assert_eq!(
        ask(&state, &observed, "ListTasks", &input)["taskArns"],
        json!([arn])
    );
    let tasks = ask(
        &state,
        &observed,
        "DescribeTasks",
        &json!({"cluster": "demo", "tasks": [arn]}),
    );
    let task = &tasks["tasks"][0];
    assert_eq!(task["stoppedReason"], "Essential container in task exited");
    assert_eq!(
        (&task["stopCode"], &task["lastStatus"]),
        (&json!("EssentialContainerExited"), &json!("STOPPED"))
    );
    assert_eq!(task["containers"][0]["exitCode"], 137);
}

#[test]
fn clusters_and_definitions() {
    let (state, observed) = (state(), Observed::default());
    let clusters = ask(&state, &observed, "ListClusters", &json!({}));
    assert_eq!(
        clusters,
        json!({"clusterArns": [format!("{ARN}:cluster/demo")]})
    );
    let described = ask(
        &state,
        &observed,
        "DescribeClusters",
        &json!({"clusters": ["demo"]}),
    );
    assert_eq!(described["clusters"][0]["activeServicesCount"], 1);
    let definition = ask(
        &state,
        &observed,
        "DescribeTaskDefinition",
        &json!({"taskDefinition": "gateway"}),
    );
    assert_eq!(definition["taskDefinition"]["revision"], 3);
    assert_eq!(definition["taskDefinition"]["cpu"], "256");
    let absent = operation(
        &state,
        &observed,
        "ListServices",
        &Input(&json!({"cluster": "x"})),
    )
    .unwrap_err();
    assert_eq!(absent.code, "ClusterNotFoundException");
}
