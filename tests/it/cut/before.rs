//! The stacks as they were cut before: the walkthrough's five.

use colormesh::config::Config;
use colormesh::stack::{self, ParameterValue, RenderedStack, Role};

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
pub(crate) fn before() -> Vec<RenderedStack> {
    let stacks = stack::render(&Config::default()).expect("of the templates");
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

/// The walkthrough's own: there the addresses of the NAT gateways waited for
/// the internet gateway.
pub(crate) fn walkthrough() -> Vec<RenderedStack> {
    let mut stacks = before();
    let vpc = stacks.iter_mut().find(|stack| stack.role == Role::Vpc);
    let address = "    Type: AWS::EC2::EIP\n";
    let waiting = format!("{address}    DependsOn: InternetGatewayAttachment\n");
    let vpc = &mut vpc.expect("of the templates").template;
    *vpc = vpc.replace(address, &waiting);
    stacks
}
