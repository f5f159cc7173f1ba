//! ECS clusters: a name that services run under, and the capacity providers that
//! are tied to it. What these are made of is nobody's business here.

use super::family::{Failure, Family, Physical, Request};
use crate::account::store::State;
use serde_json::Value;

/// What ties providers to a cluster, besides its own property.
const TIE: &str = "AWS::ECS::ClusterCapacityProviderAssociations";

pub(super) struct Clusters;

/// The ties of clusters to capacity providers.
pub(super) struct Capacity;

impl Family for Clusters {
    fn create(&self, _: &mut State, request: &Request<'_>) -> Result<Physical, Failure> {
        let name = request.name("ClusterName", 255);
        let arn = request.arn("ecs", &format!("cluster/{name}"));
        Ok(Physical::new(name).with("Arn", arn))
    }

    fn update(&self, _: &mut State, _: &Request<'_>, id: &str) -> Result<Physical, Failure> {
        Ok(Physical::new(id))
    }

    fn delete(&self, state: &mut State, _: &str, id: &str) -> Result<(), Failure> {
        if state
            .ecs
            .services
            .values()
            .any(|service| service.cluster == id && !service.deleted)
        {
            return Err(Failure::in_use(
                "The Cluster cannot be deleted while Services are active.",
            ));
        }
        Ok(())
    }
}

impl Family for Capacity {
    fn create(&self, state: &mut State, request: &Request<'_>) -> Result<Physical, Failure> {
        let cluster = request.required("Cluster")?;
        let cluster = cluster.rsplit('/').next().unwrap_or_default().to_owned();
        if state.inventory.get("AWS::ECS::Cluster", &cluster).is_none() {
            return Err(Failure::not_found("Cluster not found."));
        }
        Ok(Physical::new(cluster))
    }

    fn update(
        &self,
        state: &mut State,
        request: &Request<'_>,
        id: &str,
    ) -> Result<Physical, Failure> {
        check_unused(state, id, &listed(request.properties))?;
        Ok(Physical::new(id))
    }

    fn delete(&self, state: &mut State, _: &str, id: &str) -> Result<(), Failure> {
        check_unused(state, id, &[])
    }
}

/// Whether a service of a cluster may name a capacity provider.
pub(super) fn has_provider(state: &State, cluster: &str, provider: &str) -> bool {
    let holders = ["AWS::ECS::Cluster", TIE].into_iter();
    let mut held = holders.filter_map(|holder| state.inventory.get(holder, cluster));
    held.any(|held| listed(&held.properties).contains(&provider))
}

/// The capacity providers that a service is placed on.
pub(super) fn strategy(service: &Value) -> impl Iterator<Item = &str> {
    let items = service.get("CapacityProviderStrategy");
    let items = items.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.get("CapacityProvider")?.as_str())
}

/// A provider that a service uses stays: ECS says so to whoever takes it away
/// (aws/aws-cdk issue 15366 has the message).
fn check_unused(state: &State, cluster: &str, left: &[&str]) -> Result<(), Failure> {
    let services = state.ecs.services.values();
    let mut used = services
        .filter(|service| service.cluster == cluster && !service.deleted)
        .flat_map(|service| &service.deployments)
        .flat_map(|deployment| strategy(&deployment.properties));
    if used.any(|provider| !left.contains(&provider)) {
        let message = "The specified capacity provider is in use and cannot be removed.";
        return Err(Failure::in_use(message));
    }
    Ok(())
}

fn listed(properties: &Value) -> Vec<&str> {
    let listed = properties
        .get("CapacityProviders")
        .and_then(Value::as_array);
    listed
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}
