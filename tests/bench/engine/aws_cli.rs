//! The AWS CLI, one stack after the other, as the walkthrough's scripts do it
//! but with waits on the way down.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::field::Field;
use crate::graph::Graph;
use crate::tool::Deed;

pub(crate) fn commands(
    program: &Path,
    deed: Deed,
    field: &Field,
    graph: &Graph,
) -> Result<Vec<Command>> {
    let aws = |words: &[&str], stack: &str| {
        let mut command = Command::new(program);
        command.arg("cloudformation").args(words);
        command
            .args(["--stack-name", stack])
            .current_dir(field.folder());
        command
    };
    let mut commands = Vec::new();
    for stack in &graph.stacks {
        let name = stack.name.as_str();
        let file = format!("{name}.yaml");
        fs::write(field.folder().join(&file), &stack.template)?;
        let mut deploy = aws(&["deploy", "--template-file", &file], name);
        deploy.args(["--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]);
        let parameters = Graph::parameters(stack);
        if !parameters.is_empty() {
            deploy.arg("--parameter-overrides");
        }
        for (name, value) in parameters {
            deploy.arg(format!("{name}={value}"));
        }
        commands.push(deploy);
    }
    if deed == Deed::Down {
        commands.clear();
        for stack in graph.stacks.iter().rev() {
            commands.push(aws(&["delete-stack"], stack.name.as_str()));
            commands.push(aws(&["wait", "stack-delete-complete"], stack.name.as_str()));
        }
    }
    Ok(commands)
}
