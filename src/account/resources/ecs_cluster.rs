//! ECS clusters: a name that services run under.

use super::family::{Failure, Family, Physical, Request};
use crate::account::store::State;

pub(super) struct Clusters;

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
