//! Sceptre: a folder of stack configurations with their dependencies.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use colormesh::stack::RenderedStack;

use crate::field::Field;
use crate::graph::Graph;
use crate::tool::Deed;

pub(crate) fn command(program: &Path, deed: Deed, field: &Field, graph: &Graph) -> Result<Command> {
    let folder = field.folder().join("sceptre");
    write(&folder, graph)?;
    let mut command = Command::new(program);
    let verb = if deed == Deed::Up { "launch" } else { "delete" };
    command.args([verb, "--yes", "all"]).current_dir(&folder);
    Ok(command)
}

/// Stacks at the root of the configuration would crash it.
fn write(folder: &Path, graph: &Graph) -> Result<()> {
    let (templates, config) = (folder.join("templates"), folder.join("config"));
    fs::create_dir_all(&templates)?;
    fs::create_dir_all(config.join("all"))?;
    let settings = "project_code: bench\nregion: us-west-2\n";
    fs::write(config.join("config.yaml"), settings)?;
    for stack in &graph.stacks {
        let file = format!("{}.yaml", stack.name);
        fs::write(templates.join(&file), &stack.template)?;
        fs::write(config.join("all").join(&file), of(stack, graph))?;
    }
    Ok(())
}

fn of(stack: &RenderedStack, graph: &Graph) -> String {
    let name = stack.name.as_str();
    let mut text = format!("template: {{path: {name}.yaml, type: file}}\nstack_name: {name}\n");
    text.push_str("dependencies:\n");
    for need in &graph.needs[name] {
        let _ = writeln!(text, "  - all/{need}.yaml");
    }
    if graph.needs[name].is_empty() {
        text = text.replace("dependencies:\n", "");
    }
    let parameters = Graph::parameters(stack);
    if !parameters.is_empty() {
        text.push_str("parameters:\n");
    }
    for (name, value) in parameters {
        let _ = writeln!(text, "  {name}: {}", serde_json::json!(value));
    }
    text
}
