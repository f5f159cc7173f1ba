//! Facts about an environment, for `verify` and `status`.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::evidence::newest_lines;
use super::local::status::LocalStatus;
use super::session::Session;
use crate::aws::{CloudError, Stack, Task};
use crate::envoy::log::{DENIED_LOG, Denied};
use crate::stack::Role;
use crate::verify::{Denial, EnvoyFact, Facts, Readable, ServiceFact, StackFact};

/// The output of the service stack that holds the app's URL.
pub(crate) const ENDPOINT: &str = "ColorAppEndpoint";
/// The name of a sidecar's container.
const ENVOY: &str = "envoy";

/// The app's URL, when the service stack has one.
pub(crate) async fn endpoint(session: &Session) -> Option<String> {
    let name = Role::EcsService.stack_name(&session.config).to_string();
    session
        .cloud
        .stack(&name)
        .await
        .ok()??
        .outputs
        .get(ENDPOINT)
        .cloned()
}

/// Everything that can be known now. What cannot be read shows as absent, with
/// the error as its status, so that it can be waited for.
pub(crate) async fn facts(session: &Session) -> Facts {
    let mut facts = Facts::default();
    let wanted = |role: &Role| role.is_wanted(&session.config);
    for role in Role::ALL.into_iter().filter(wanted) {
        let name = role.stack_name(&session.config).to_string();
        let stack = session.cloud.stack(&name).await;
        if let (Role::EcsService, Ok(Some(stack))) = (role, &stack) {
            facts.endpoint = stack.outputs.get(ENDPOINT).cloned();
        }
        facts.stacks.push(stack_fact(name, stack));
    }
    let cluster = session.config.environment.to_string();
    for service in session.cloud.services(&cluster).await.unwrap_or_default() {
        facts.services.push(ServiceFact {
            name: service.name,
            running: service.running.try_into().unwrap_or(0),
            desired: service.desired.try_into().unwrap_or(0),
        });
    }
    let tasks = session.cloud.tasks(&cluster).await.unwrap_or_default();
    facts.envoys = tasks.iter().filter_map(envoy_fact).collect();
    match session.local_status().await {
        Some(local) => {
            facts.world = local.world.as_ref().map(|world| world.kind.clone());
            facts.denials = Readable::Known(denials(&local));
        }
        None => {
            facts.denials = Readable::Unknown(
                "the refusals are in the sidecar's log group; they are read on `local` only"
                    .to_owned(),
            );
        }
    }
    facts
}

fn stack_fact(name: String, stack: Result<Option<Stack>, CloudError>) -> StackFact {
    match stack {
        Ok(Some(stack)) => StackFact {
            name,
            complete: stack.status.is_complete(),
            status: stack.status.to_string(),
        },
        Ok(None) => StackFact {
            name,
            complete: false,
            status: "absent".to_owned(),
        },
        Err(error) => StackFact {
            name,
            complete: false,
            status: error.to_string(),
        },
    }
}

fn envoy_fact(task: &Task) -> Option<EnvoyFact> {
    let envoy = task
        .containers
        .iter()
        .find(|container| container.name == ENVOY)?;
    Some(EnvoyFact {
        task: task_name(task),
        health: envoy.health.clone().unwrap_or_else(|| "UNKNOWN".to_owned()),
    })
}

/// The service and the start of the task's id.
pub(crate) fn task_name(task: &Task) -> String {
    let id = task.arn.rsplit('/').next().unwrap_or_default();
    let id: String = id.chars().take(8).collect();
    let group = task.group.as_deref().unwrap_or_default();
    format!("{} {id}", group.trim_start_matches("service:"))
}

/// The newest refusals that the local tasks logged.
fn denials(local: &LocalStatus) -> Vec<Denial> {
    let folders: BTreeSet<&str> = local.tasks.iter().map(|task| task.logs.as_str()).collect();
    let mut newest = Vec::new();
    for folder in folders {
        newest_lines(&Path::new(folder).join(DENIED_LOG), |line| {
            newest.extend(denial(line));
        });
    }
    newest
}

fn denial(line: &[u8]) -> Option<Denial> {
    let denied: Denied = serde_json::from_slice(line).ok()?;
    Some(Denial {
        time: denied.time,
        destination: denied.destination.unwrap_or_default(),
        server_name: denied.server_name.or(denied.host),
    })
}
