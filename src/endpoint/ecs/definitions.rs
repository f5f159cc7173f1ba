//! Task definitions.

use super::input::{Input, last};
use crate::account::desired::{ContainerHealthCheck, DesiredContainer};
use crate::account::inventory::Recorded;
use crate::account::scheduler::definition;
use crate::account::{ApiError, State};
use serde_json::{Value, json};

pub(super) fn describe(state: &State, input: &Input<'_>) -> Result<Value, ApiError> {
    let missing = || ApiError::new("ClientException", "Unable to describe task definition.");
    let wanted = last(input.text("taskDefinition").ok_or_else(missing)?);
    let all = state
        .inventory
        .of("AWS::ECS::TaskDefinition")
        .filter_map(|(arn, recorded)| {
            let (family, revision) = last(arn).rsplit_once(':')?;
            Some((arn, family, revision.parse::<u32>().ok()?, recorded))
        });
    // A family alone means its newest revision.
    let found = all
        .filter(|(arn, family, _, _)| *family == wanted || last(arn) == wanted)
        .max_by_key(|(_, _, revision, _)| *revision);
    let (arn, family, revision, recorded) = found.ok_or_else(missing)?;
    let mut described = describe_one(recorded)?;
    described["taskDefinitionArn"] = json!(arn);
    described["family"] = json!(family);
    described["revision"] = json!(revision);
    Ok(json!({ "taskDefinition": described, "tags": [] }))
}

fn describe_one(recorded: &Recorded) -> Result<Value, ApiError> {
    let parsed = definition::parse(&recorded.properties).map_err(ApiError::internal)?;
    let mut described = json!({
        "status": "ACTIVE",
        "networkMode": recorded.text("NetworkMode").unwrap_or("awsvpc"),
        "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": parsed.containers.iter().map(container).collect::<Vec<_>>(),
    });
    if let Some(architecture) = parsed.architecture {
        described["runtimePlatform"] = json!({ "cpuArchitecture": architecture.to_uppercase(), "operatingSystemFamily": "LINUX" });
    }
    for (name, property) in [
        ("cpu", "Cpu"),
        ("memory", "Memory"),
        ("taskRoleArn", "TaskRoleArn"),
        ("executionRoleArn", "ExecutionRoleArn"),
    ] {
        if let Some(value) = recorded
            .properties
            .get(property)
            .filter(|value| !value.is_null())
        {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            described[name] = json!(text);
        }
    }
    Ok(described)
}

fn container(container: &DesiredContainer) -> Value {
    let pair = |(name, value): &(String, String)| json!({ "name": name, "value": value });
    let dependency = |(name, condition): &(String, String)| json!({ "containerName": name, "condition": condition });
    let port = |port: &u16| json!({ "containerPort": port, "hostPort": port, "protocol": "tcp" });
    let mut described = json!({
        "name": container.name,
        "image": container.image,
        "essential": container.essential,
        "readonlyRootFilesystem": container.read_only,
        "environment": container.environment.iter().map(pair).collect::<Vec<_>>(),
        "portMappings": container.ports.iter().map(port).collect::<Vec<_>>(),
        "command": container.command,
        "entryPoint": container.entry_point,
        "dependsOn": container.depends_on.iter().map(dependency).collect::<Vec<_>>(),
    });
    if let Some(user) = &container.user {
        described["user"] = json!(user);
    }
    if let Some(check) = &container.health_check {
        described["healthCheck"] = health_check(check);
    }
    described
}

fn health_check(check: &ContainerHealthCheck) -> Value {
    json!({
        "command": check.command,
        "interval": check.interval,
        "timeout": check.timeout,
        "retries": check.retries,
        "startPeriod": check.start_period,
    })
}
