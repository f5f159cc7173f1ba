//! How the resources are cut into stacks: that an environment of the cut
//! before moves over to this one, and what each cut takes.

mod migration;
mod model;
mod times;

use colormesh::config::Config;
use colormesh::stack::{self, ParameterValue, RenderedStack};

/// The stacks of the cut before: the walkthrough's five.
const BEFORE: [(&str, &str); 5] = [
    ("vpc", include_str!("before/vpc.yaml")),
    ("ecs-cluster", include_str!("before/ecs-cluster.yaml")),
    (
        "ecr-repositories",
        include_str!("before/ecr-repositories.yaml"),
    ),
    ("mesh", include_str!("before/mesh.yaml")),
    ("ecs-service", include_str!("before/ecs-service.yaml")),
];

/// The stacks as they were cut before, for the same settings.
fn before() -> Vec<RenderedStack> {
    let stacks = stack::render(&Config::default()).unwrap();
    stacks
        .into_iter()
        .filter_map(|mut stack| {
            let (_, template) = BEFORE
                .iter()
                .find(|(name, _)| *name == stack.role.as_str())?;
            stack.template = (*template).to_owned();
            // What was not there yet is not told.
            let declared = |name: &String, _: &mut ParameterValue| {
                template.contains(&format!("\n  {name}:\n"))
            };
            stack.parameters.retain(declared);
            stack.parameters.remove("KeyName");
            Some(stack)
        })
        .collect()
}
