//! ECS task definitions: each is a revision of its family.

use super::family::{Failure, Family, Physical, Request};
use crate::account::scheduler::definition;
use crate::account::store::State;

pub(super) struct TaskDefinitions;

impl Family for TaskDefinitions {
    fn create(&self, state: &mut State, request: &Request<'_>) -> Result<Physical, Failure> {
        definition::check(request.properties).map_err(Failure::invalid)?;
        let family = request
            .text("Family")
            .unwrap_or_else(|| format!("{}{}", request.stack_name, request.logical_id));
        let revision = state.ecs.revisions.entry(family.clone()).or_default();
        *revision += 1;
        let arn = request.arn("ecs", &format!("task-definition/{family}:{revision}"));
        Ok(Physical::new(arn.clone()).with("TaskDefinitionArn", arn))
    }

    fn update(&self, _: &mut State, _: &Request<'_>, id: &str) -> Result<Physical, Failure> {
        Ok(Physical::new(id))
    }
}
