//! Services.

use super::input::{Input, last};
use crate::account::clock::Timestamp;
use crate::account::desired::TaskStatus;
use crate::account::scheduler::{Deployment, Rollout, Service, Task};
use crate::account::shared::Shared;
use crate::account::{Account, ApiError, State};
use serde_json::{Value, json};

pub(super) fn list(state: &State, input: &Input<'_>) -> Result<Value, ApiError> {
    let cluster = input.cluster(state)?;
    let services = state.ecs.services.values();
    let here = services.filter(|service| service.cluster == cluster && !service.deleted);
    Ok(input.page("serviceArns", here.map(|service| service.arn.as_str())))
}

pub(super) fn describe(state: &State, input: &Input<'_>) -> Result<Value, ApiError> {
    let cluster = input.cluster(state)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for wanted in input.list("services") {
        let mut services = state
            .ecs
            .services
            .values()
            .filter(|service| service.cluster == cluster);
        match services.find(|service| service.arn == wanted || service.name == last(wanted)) {
            Some(service) => found.push(describe_one(state, service)),
            None => failures.push(json!({ "arn": wanted, "reason": "MISSING" })),
        }
    }
    Ok(json!({ "services": found, "failures": failures }))
}

/// Changes a service as whoever works by hand does: its count, its definition,
/// or only its tasks.
pub(super) fn update(account: &Account, input: &Input<'_>) -> Result<Value, ApiError> {
    account.update(|state| {
        let cluster = input.cluster(state)?;
        let wanted = input.text("service").unwrap_or_default();
        let definition = input.text("taskDefinition");
        let definition = definition.map(|name| definition_named(state, name));
        let definition = definition.transpose()?;
        let mut services = state.ecs.services.values_mut();
        let service = services
            .find(|service| service.cluster == cluster && service.name == last(wanted))
            .ok_or_else(|| ApiError::new("ServiceNotFoundException", "Service not found."))?;
        let newest = service.deployments.first().filter(|_| !service.deleted);
        let newest = newest
            .ok_or_else(|| ApiError::new("ServiceNotActiveException", "Service was not ACTIVE."))?;
        let mut properties = (*newest.properties).clone();
        if let Some(count) = input.0.get("desiredCount").and_then(Value::as_u64) {
            properties["DesiredCount"] = count.into();
        }
        if let Some(definition) = definition {
            properties["TaskDefinition"] = definition.into();
        }
        let is_forced = input.0.get("forceNewDeployment") == Some(&Value::Bool(true));
        properties["ForceNewDeployment"] = is_forced.into();
        service.take(Shared::new(properties), account.ids(), Timestamp::now());
        let arn = service.arn.clone();
        let service = state.ecs.services.get(&arn);
        Ok(json!({ "service": service.map(|service| describe_one(state, service)) }))
    })
}

/// The ARN of a task definition that is named by it, or by family and revision.
fn definition_named(state: &State, name: &str) -> Result<String, ApiError> {
    let mut known = state.inventory.of("AWS::ECS::TaskDefinition");
    let found = known.find(|(arn, _)| *arn == name || last(arn) == name);
    found.map(|(arn, _)| arn.to_owned()).ok_or_else(|| {
        let message = "Unable to describe task definition.";
        ApiError::new("ClientException", message)
    })
}

/// Whether a task counts as running.
pub(super) fn runs(task: &Task) -> bool {
    task.status == TaskStatus::Running
}

fn describe_one(state: &State, service: &Service) -> Value {
    let tasks = || {
        state
            .ecs
            .tasks
            .values()
            .filter(|task| task.spec.service_arn == service.arn)
    };
    let newest = service.deployments.first();
    let cluster = state.inventory.get("AWS::ECS::Cluster", &service.cluster);
    let deployments = service.deployments.iter().enumerate();
    json!({
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": cluster.and_then(|cluster| cluster.attribute("Arn")),
        "status": if service.deleted { "DRAINING" } else { "ACTIVE" },
        "desiredCount": service.desired_count(),
        "runningCount": tasks().filter(|task| runs(task)).count(),
        "pendingCount": tasks().filter(|task| !runs(task)).count(),
        "launchType": "FARGATE",
        "schedulingStrategy": "REPLICA",
        "taskDefinition": newest.map(Deployment::task_definition),
        "createdAt": service.created.seconds(),
        "loadBalancers": newest.into_iter().flat_map(Deployment::target_groups).map(|(group, port)| json!({
            "targetGroupArn": group,
            "containerPort": port,
        })).collect::<Vec<_>>(),
        "deployments": deployments.map(|(index, it)| deployment(state, index, it)).collect::<Vec<_>>(),
        "events": [],
    })
}

fn deployment(state: &State, index: usize, deployment: &Deployment) -> Value {
    let tasks = || {
        state
            .ecs
            .tasks
            .values()
            .filter(|task| task.deployment == deployment.id)
    };
    let (rollout, reason) = match &deployment.rollout {
        Rollout::InProgress => (
            "IN_PROGRESS",
            format!("ECS deployment {} in progress.", deployment.id),
        ),
        Rollout::Completed => (
            "COMPLETED",
            format!("ECS deployment {} completed.", deployment.id),
        ),
        Rollout::Failed(reason) => (
            "FAILED",
            format!("ECS deployment circuit breaker: {reason}"),
        ),
    };
    json!({
        "id": deployment.id,
        "status": if index == 0 { "PRIMARY" } else { "ACTIVE" },
        "taskDefinition": deployment.task_definition(),
        "desiredCount": if deployment.is_failed() { 0 } else { deployment.desired_count() },
        "runningCount": tasks().filter(|task| runs(task)).count(),
        "pendingCount": tasks().filter(|task| !runs(task)).count(),
        "failedTasks": deployment.failed_tasks,
        "createdAt": deployment.created.seconds(),
        "updatedAt": deployment.updated.seconds(),
        "launchType": "FARGATE",
        "rolloutState": rollout,
        "rolloutStateReason": reason,
    })
}
