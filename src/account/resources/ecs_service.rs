//! ECS services. The scheduler makes them tasks; a service is settled when
//! its newest deployment is complete, and fails when that one gives up.

use super::ecs_cluster::{has_provider, strategy};
use super::family::{Failure, Family, Physical, Request, Settled};
use crate::account::clock::Timestamp;
use crate::account::scheduler::Service;
use crate::account::shared::Shared;
use crate::account::store::State;

pub(super) struct Services;

impl Family for Services {
    fn create(&self, state: &mut State, request: &Request<'_>) -> Result<Physical, Failure> {
        let cluster = cluster(state, request)?;
        check(state, request, &cluster)?;
        let name = request.name("ServiceName", 255);
        let arn = request.arn("ecs", &format!("service/{cluster}/{name}"));
        if state
            .ecs
            .services
            .get(&arn)
            .is_some_and(|service| !service.deleted)
        {
            return Err(Failure::exists(format!(
                "Service {name} exists already in cluster {cluster}"
            )));
        }
        let mut service = Service::new(&arn, &name, &cluster, Timestamp::now());
        service.take(
            Shared::new(request.properties.clone()),
            &request.options.ids,
            Timestamp::now(),
        );
        state.ecs.services.insert(arn.clone(), service);
        Ok(Physical::new(arn.clone())
            .with("ServiceArn", arn)
            .with("Name", name))
    }

    fn update(
        &self,
        state: &mut State,
        request: &Request<'_>,
        id: &str,
    ) -> Result<Physical, Failure> {
        check(state, request, &cluster(state, request)?)?;
        let service = state.ecs.services.get_mut(id);
        let service = service.ok_or_else(|| Failure::not_found("Service not found."))?;
        service.take(
            Shared::new(request.properties.clone()),
            &request.options.ids,
            Timestamp::now(),
        );
        Ok(Physical::new(id))
    }

    fn delete(&self, state: &mut State, _: &str, id: &str) -> Result<(), Failure> {
        if let Some(service) = state.ecs.services.get_mut(id) {
            service.deleted = true;
        }
        Ok(())
    }

    fn settled(&self, state: &State, id: &str) -> Settled {
        state
            .ecs
            .services
            .get(id)
            .map_or(Settled::Yes, Service::settled)
    }

    fn actual(&self, state: &State, _: &str, id: &str) -> Option<serde_json::Value> {
        let service = state.ecs.services.get(id)?;
        let newest = service.deployments.first().filter(|_| !service.deleted)?;
        Some((*newest.properties).clone())
    }

    fn gone(&self, state: &State, id: &str) -> bool {
        !state.ecs.services.contains_key(id)
    }
}

/// The name of the cluster, which may be given by its ARN.
fn cluster(state: &State, request: &Request<'_>) -> Result<String, Failure> {
    let given = request
        .text("Cluster")
        .unwrap_or_else(|| "default".to_owned());
    let name = given.rsplit('/').next().unwrap_or_default().to_owned();
    match state.inventory.get("AWS::ECS::Cluster", &name) {
        Some(_) => Ok(name),
        None => Err(Failure::not_found("Cluster not found.")),
    }
}

fn check(state: &State, request: &Request<'_>, cluster: &str) -> Result<(), Failure> {
    let mut providers = strategy(request.properties);
    if providers.any(|provider| !has_provider(state, cluster, provider)) {
        return Err(Failure::invalid(
            "The specified capacity provider strategy cannot contain a capacity provider that is not associated with \
             the cluster. Associate the capacity provider with the cluster and try again.",
        ));
    }
    let definition = request
        .text("TaskDefinition")
        .ok_or_else(|| Failure::invalid("TaskDefinition cannot be blank."))?;
    if state
        .inventory
        .get("AWS::ECS::TaskDefinition", &definition)
        .is_none()
    {
        return Err(Failure::invalid("Unable to describe task definition."));
    }
    let names = |list: &str, inner: &str| -> Vec<String> {
        let entries = request
            .properties
            .get(list)
            .and_then(serde_json::Value::as_array);
        let named = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.get(inner)?.as_str()?.to_owned()));
        named.collect()
    };
    for group in names("LoadBalancers", "TargetGroupArn") {
        if state
            .inventory
            .get("AWS::ElasticLoadBalancingV2::TargetGroup", &group)
            .is_none()
        {
            return Err(Failure::invalid(format!(
                "The target group {group} does not exist."
            )));
        }
    }
    for registry in names("ServiceRegistries", "RegistryArn") {
        let id = registry.rsplit('/').next().unwrap_or_default();
        if state
            .inventory
            .get("AWS::ServiceDiscovery::Service", id)
            .is_none()
        {
            return Err(Failure::invalid(format!(
                "The service registry {registry} does not exist."
            )));
        }
    }
    Ok(())
}
