//! The CDK's command line on an assembly that is synthesised already.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::{Map, json};

use crate::field::Field;
use crate::graph::Graph;
use crate::tool::Deed;

pub(crate) fn command(program: &Path, deed: Deed, field: &Field, graph: &Graph) -> Result<Command> {
    let folder = field.folder().join("cdk.out");
    write(&folder, graph)?;
    let mut command = Command::new(program);
    match deed {
        Deed::Up => command.args([
            "deploy",
            "--method",
            "direct",
            "--require-approval",
            "never",
        ]),
        Deed::Down => command.args(["destroy", "--force"]),
    };
    command
        .args([
            "--all",
            "--concurrency",
            "5",
            "--app",
            "cdk.out",
            "--no-notices",
        ])
        .args(["--no-version-reporting", "--ci"])
        .env("CDK_DISABLE_VERSION_CHECK", "1")
        .current_dir(field.folder());
    Ok(command)
}

fn write(folder: &Path, graph: &Graph) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut artifacts = Map::new();
    for stack in &graph.stacks {
        let name = stack.name.as_str();
        let file = format!("{name}.template.json");
        fs::write(folder.join(&file), stack.minified())?;
        let artifact = json!({
            "type": "aws:cloudformation:stack",
            "environment": "aws://123456789012/us-west-2",
            "properties": {
                "templateFile": file,
                "stackName": name,
                "terminationProtection": false,
            },
            "dependencies": graph.needs[name],
        });
        artifacts.insert(name.to_owned(), artifact);
    }
    let manifest = json!({"version": "36.0.0", "artifacts": artifacts});
    fs::write(folder.join("manifest.json"), manifest.to_string())?;
    Ok(())
}
