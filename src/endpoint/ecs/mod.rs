//! ECS over the JSON protocol: what the scheduler knows, in ECS's words.
//! Clusters, services and definitions are made by CloudFormation alone; a
//! service may be scaled and given another definition.

mod definitions;
mod input;
mod services;
mod tasks;
#[cfg(test)]
mod tests;

use super::json::Call;
use crate::account::desired::Observed;
use crate::account::{Account, ApiError, State};
use input::Input;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) async fn answer(account: &Account, call: &Call) -> Result<Value, ApiError> {
    if call.operation == "UpdateService" {
        let answer = services::update(account, &Input(&call.input))?;
        account.flush().await;
        return Ok(answer);
    }
    let observed = Arc::clone(&account.observed().borrow());
    let input = Input(&call.input);
    account.read(|state| operation(state, &observed, &call.operation, &input))
}

fn operation(
    state: &State,
    observed: &Observed,
    name: &str,
    input: &Input<'_>,
) -> Result<Value, ApiError> {
    match name {
        "ListClusters" => Ok(list_clusters(state, input)),
        "DescribeClusters" => Ok(describe_clusters(state, input)),
        "ListServices" => services::list(state, input),
        "DescribeServices" => services::describe(state, input),
        "ListTasks" => tasks::list(state, input),
        "DescribeTasks" => tasks::describe(state, observed, input),
        "DescribeTaskDefinition" => definitions::describe(state, input),
        _ => Err(ApiError::new(
            "UnknownOperationException",
            format!("{name} is not answered here"),
        )),
    }
}

fn clusters(state: &State) -> impl Iterator<Item = (&str, &str)> {
    let clusters = state.inventory.of("AWS::ECS::Cluster");
    clusters.map(|(name, cluster)| (name, cluster.attribute("Arn").unwrap_or_default()))
}

fn list_clusters(state: &State, input: &Input<'_>) -> Value {
    input.page("clusterArns", clusters(state).map(|(_, arn)| arn))
}

fn describe_clusters(state: &State, input: &Input<'_>) -> Value {
    let wanted = input.list("clusters");
    let wanted = if wanted.is_empty() {
        vec!["default"]
    } else {
        wanted
    };
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for wanted in wanted {
        match clusters(state).find(|(name, arn)| *name == wanted || *arn == wanted) {
            Some((name, arn)) => found.push(cluster(state, name, arn)),
            None => failures.push(json!({ "arn": wanted, "reason": "MISSING" })),
        }
    }
    json!({ "clusters": found, "failures": failures })
}

fn cluster(state: &State, name: &str, arn: &str) -> Value {
    let tasks = || {
        state
            .ecs
            .tasks
            .values()
            .filter(|task| task.spec.cluster == name)
    };
    let running = tasks().filter(|task| services::runs(task)).count();
    let services = state
        .ecs
        .services
        .values()
        .filter(|service| service.cluster == name && !service.deleted);
    json!({
        "clusterArn": arn,
        "clusterName": name,
        "status": "ACTIVE",
        "runningTasksCount": running,
        "pendingTasksCount": tasks().count() - running,
        "activeServicesCount": services.count(),
        "registeredContainerInstancesCount": 0,
    })
}
