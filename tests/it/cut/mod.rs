//! How the resources are cut into stacks: that an environment of the cut
//! before moves over to this one, and what each cut takes.

mod migration;

/// The stacks of the cut before: the walkthrough's five.
pub(crate) const BEFORE: [(&str, &str); 5] = [
    ("vpc", include_str!("before/vpc.yaml")),
    ("ecs-cluster", include_str!("before/ecs-cluster.yaml")),
    (
        "ecr-repositories",
        include_str!("before/ecr-repositories.yaml"),
    ),
    ("mesh", include_str!("before/mesh.yaml")),
    ("ecs-service", include_str!("before/ecs-service.yaml")),
];
