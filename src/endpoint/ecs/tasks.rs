//! Tasks, those that stopped not long ago among them.

use super::input::{Input, last};
use crate::account::clock::Timestamp;
use crate::account::desired::{DesiredContainer, Observed, ObservedContainer, TaskStatus};
use crate::account::scheduler::Task;
use crate::account::{ApiError, State};
use serde_json::{Map, Value, json};

fn all(state: &State) -> impl Iterator<Item = &Task> {
    state
        .ecs
        .tasks
        .values()
        .chain(state.ecs.stopped.iter().map(|task| &**task))
}

pub(super) fn list(state: &State, input: &Input<'_>) -> Result<Value, ApiError> {
    let cluster = input.cluster(state)?;
    let wanted = input.text("desiredStatus") != Some("STOPPED");
    let service = input.text("serviceName").map(last);
    let family = input.text("family");
    let found = all(state).filter(|task| {
        task.spec.cluster == cluster
            && task.wanted() == wanted
            && service.is_none_or(|service| task.spec.service_name == service)
            && family.is_none_or(|family| task.spec.family == family)
    });
    Ok(input.page("taskArns", found.map(|task| task.spec.task_arn.as_str())))
}

pub(super) fn describe(
    state: &State,
    observed: &Observed,
    input: &Input<'_>,
) -> Result<Value, ApiError> {
    let cluster = input.cluster(state)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for wanted in input.list("tasks") {
        let mut tasks = all(state).filter(|task| task.spec.cluster == cluster);
        match tasks.find(|task| last(&task.spec.task_arn) == last(wanted)) {
            Some(task) => found.push(describe_one(state, observed, task)),
            None => failures.push(json!({ "arn": wanted, "reason": "MISSING" })),
        }
    }
    Ok(json!({ "tasks": found, "failures": failures }))
}

fn describe_one(state: &State, observed: &Observed, task: &Task) -> Value {
    let spec = &task.spec;
    let seen = observed.tasks.get(&spec.task_arn);
    let containers: Vec<Value> = spec
        .containers
        .iter()
        .map(|container| {
            let seen = seen.and_then(|seen| seen.containers.get(&container.name));
            describe_container(task, container, seen)
        })
        .collect();
    let cluster = state.inventory.get("AWS::ECS::Cluster", &spec.cluster);
    let definition = state
        .inventory
        .of("AWS::ECS::TaskDefinition")
        .map(|(arn, _)| arn);
    let name = format!("{}:{}", spec.family, spec.revision);
    present(json!({
        "taskArn": spec.task_arn,
        "clusterArn": cluster.and_then(|cluster| cluster.attribute("Arn")),
        "taskDefinitionArn": definition.into_iter().find(|arn| last(arn) == name),
        "group": format!("service:{}", spec.service_name),
        "startedBy": task.deployment,
        "launchType": "FARGATE",
        "lastStatus": last_status(task, seen.is_some()),
        "desiredStatus": if task.wanted() { "RUNNING" } else { "STOPPED" },
        "healthStatus": health_of(&containers),
        "createdAt": task.created.seconds(),
        "startedAt": task.started.map(Timestamp::seconds),
        "stoppedAt": task.stopped.map(Timestamp::seconds),
        "stoppedReason": task.stopping,
        "stopCode": task.stopping.as_deref().map(|reason| stop_code(task, reason)),
        "attachments": [{
            "id": last(&spec.task_arn),
            "type": "ElasticNetworkInterface",
            "status": if task.stopped.is_some() { "DELETED" } else { "ATTACHED" },
            "details": [{ "name": "privateIPv4Address", "value": spec.address }],
        }],
        "containers": containers,
    }))
}

fn describe_container(
    task: &Task,
    container: &DesiredContainer,
    seen: Option<&ObservedContainer>,
) -> Value {
    let exit_code = task
        .exit_codes
        .get(&container.name)
        .copied()
        .or_else(|| seen?.exit_code);
    let ended = task.stopped.is_some() || exit_code.is_some();
    let status = match seen {
        _ if ended => "STOPPED",
        Some(seen) if seen.running => "RUNNING",
        Some(_) | None => "PENDING",
    };
    let health = match seen.and_then(|seen| seen.healthy) {
        Some(true) if !ended => "HEALTHY",
        Some(false) if !ended => "UNHEALTHY",
        Some(_) | None => "UNKNOWN",
    };
    present(json!({
        "name": container.name,
        "image": container.image,
        "imageDigest": seen.and_then(|seen| seen.image_digest.as_deref()),
        "taskArn": task.spec.task_arn,
        "lastStatus": status,
        "healthStatus": health,
        "exitCode": exit_code,
        "networkInterfaces": [{ "privateIpv4Address": task.spec.address }],
    }))
}

fn last_status(task: &Task, seen: bool) -> &'static str {
    match task.status {
        TaskStatus::Running => "RUNNING",
        TaskStatus::Pending if seen => "PENDING",
        TaskStatus::Pending => "PROVISIONING",
        TaskStatus::Stopped => "STOPPED",
    }
}

/// Unhealthy as soon as one container is, healthy when one is and the others
/// have no check.
fn health_of(containers: &[Value]) -> &'static str {
    let any = |health: &str| {
        containers
            .iter()
            .any(|container| container["healthStatus"] == health)
    };
    if any("UNHEALTHY") {
        "UNHEALTHY"
    } else if any("HEALTHY") {
        "HEALTHY"
    } else {
        "UNKNOWN"
    }
}

fn stop_code(task: &Task, reason: &str) -> &'static str {
    if reason.starts_with("Scaling activity") || reason.starts_with("Task failed") {
        "ServiceSchedulerInitiated"
    } else if task.started.is_none() {
        "TaskFailedToStart"
    } else {
        "EssentialContainerExited"
    }
}

/// Without the fields that have no value: clients tell absent from null.
fn present(fields: Value) -> Value {
    match fields {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}
