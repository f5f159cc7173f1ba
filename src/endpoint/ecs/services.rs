//! Services.

use super::input::{Input, last};
use crate::account::desired::TaskStatus;
use crate::account::scheduler::{Deployment, Rollout, Service, Task};
use crate::account::{ApiError, State};
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
