//! Moves one service on: starts what it lacks, stops what it has too much of.

use super::schedule::Step;
use super::service::{Deployment, Rollout, Service};
use super::state::Task;
use super::{addresses, definition};
use crate::account::desired::DesiredTask;
use crate::account::resources::dns_name;
use crate::account::store::State;

/// One step for one service.
pub(super) fn advance(step: &mut Step<'_>, state: &mut State, arn: &str) {
    // Out of the map, so that its tasks can change beside it.
    let Some(mut service) = state.ecs.services.remove(arn) else {
        return;
    };
    if service.deleted {
        stop_where(
            step,
            state,
            arn,
            "Scaling activity initiated by the deletion of the service",
            |_| true,
        );
        if !tasks(state, arn).any(|_| true) {
            step.outcome.changed = true;
            return;
        }
    } else {
        roll(step, state, &mut service);
    }
    state.ecs.services.insert(arn.to_owned(), service);
}

fn roll(step: &mut Step<'_>, state: &mut State, service: &mut Service) {
    stop_failed(step, state, service);
    // While the newest has failed, the one before goes on serving.
    let Some(serving) = service
        .deployments
        .iter()
        .position(|deployment| !deployment.is_failed())
    else {
        return;
    };
    scale(step, state, service, serving);
    let deployment = &service.deployments[serving];
    let (id, wanted) = (deployment.id.clone(), deployment.desired_count());
    let ready = tasks(state, &service.arn)
        .filter(|task| task.deployment == id && task.wanted() && task.ready)
        .count();
    if deployment.is_failed() || ready < wanted {
        return;
    }
    let newer: Vec<String> = service.deployments[..=serving]
        .iter()
        .map(|newer| newer.id.clone())
        .collect();
    let reason = format!("Scaling activity initiated by (deployment {id})");
    stop_where(step, state, &service.arn, &reason, |task| {
        !newer.contains(&task.deployment)
    });
    if tasks(state, &service.arn).all(|task| task.deployment == id && task.wanted()) {
        complete(step, service, serving);
    }
}

/// Nothing but the tasks of this deployment is left.
fn complete(step: &mut Step<'_>, service: &mut Service, serving: usize) {
    if service.deployments.len() > serving + 1 {
        service.deployments.truncate(serving + 1);
        step.outcome.changed = true;
    }
    let deployment = &mut service.deployments[serving];
    if deployment.rollout == Rollout::InProgress {
        deployment.rollout = Rollout::Completed;
        deployment.failed_tasks = 0;
        deployment.updated = step.now;
        step.outcome.changed = true;
    }
}

fn stop_failed(step: &mut Step<'_>, state: &mut State, service: &Service) {
    for deployment in service
        .deployments
        .iter()
        .filter(|deployment| deployment.is_failed())
    {
        let reason = format!(
            "Scaling activity initiated by (deployment {}) that failed",
            deployment.id
        );
        stop_where(step, state, &service.arn, &reason, |task| {
            task.deployment == deployment.id
        });
    }
}

/// Brings the tasks of a deployment to the desired number.
fn scale(step: &mut Step<'_>, state: &mut State, service: &mut Service, serving: usize) {
    let deployment = &service.deployments[serving];
    let (id, wanted) = (deployment.id.clone(), deployment.desired_count());
    let mut present: Vec<(bool, String)> = tasks(state, &service.arn)
        .filter(|task| task.deployment == id && task.wanted())
        .map(|task| (!task.ready, task.spec.task_arn.clone()))
        .collect();
    present.sort();
    let reason = format!("Scaling activity initiated by (deployment {id})");
    for (_, surplus) in present.iter().skip(wanted) {
        stop_where(step, state, &service.arn, &reason, |task| {
            task.spec.task_arn == *surplus
        });
    }
    if present.len() < wanted && step.now < deployment.not_before {
        let time = deployment.not_before;
        step.wake_at(time);
        return;
    }
    for _ in present.len()..wanted {
        match task(step, state, service, &service.deployments[serving]) {
            Ok(task) => {
                state.ecs.tasks.insert(task.spec.task_arn.clone(), task);
                step.outcome.changed = true;
            }
            Err(reason) => {
                step.give_up(&mut service.deployments[serving], reason);
                return;
            }
        }
    }
}

/// A new task of a deployment.
fn task(
    step: &Step<'_>,
    state: &mut State,
    service: &Service,
    deployment: &Deployment,
) -> Result<Task, String> {
    let arn = deployment.task_definition();
    let recorded = state.inventory.get("AWS::ECS::TaskDefinition", arn);
    let definition =
        recorded.ok_or_else(|| format!("Unable to describe task definition {arn}."))?;
    let definition = definition::parse(&definition.properties)?;
    let (family, revision) = arn
        .rsplit('/')
        .next()
        .and_then(|name| name.split_once(':'))
        .unwrap_or((arn, "1"));
    let dns_names = deployment
        .registries()
        .filter_map(|registry| dns_name(state, registry.rsplit('/').next()?))
        .map(|name| name.name);
    let dns_names = dns_names.collect();
    let options = step.options;
    let spec = DesiredTask {
        task_arn: format!(
            "arn:aws:ecs:{}:{}:task/{}/{}",
            options.region,
            options.account_id,
            service.cluster,
            options.ids.hex(32)
        ),
        service_arn: service.arn.clone(),
        service_name: service.name.clone(),
        cluster: service.cluster.clone(),
        family: family.to_owned(),
        revision: revision.parse().unwrap_or(1),
        containers: definition.containers,
        mesh_resource: definition.mesh_resource,
        proxy_container: definition.proxy_container,
        redirection: definition.redirection,
        redirecting_container: definition.redirecting_container,
        vpc: addresses::vpc(state, deployment),
        address: addresses::free(state, deployment)?,
        dns_names,
        architecture: definition.architecture,
    };
    Ok(Task::new(spec, &deployment.id, step.now))
}

fn tasks<'a>(state: &'a State, service: &'a str) -> impl Iterator<Item = &'a Task> {
    state
        .ecs
        .tasks
        .values()
        .filter(move |task| task.spec.service_arn == service)
}

fn stop_where(
    step: &mut Step<'_>,
    state: &mut State,
    service: &str,
    reason: &str,
    which: impl Fn(&Task) -> bool,
) {
    let of_service = state
        .ecs
        .tasks
        .values_mut()
        .filter(|task| task.spec.service_arn == service);
    for task in of_service.filter(|task| which(task)) {
        step.stop(task, reason);
    }
}
