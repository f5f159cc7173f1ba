//! `colormesh render`: the templates, as `aws cloudformation deploy` takes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::cli::args::{Global, Render};
use crate::cli::exit::{DONE, Exit, Outcome};
use crate::cli::printer::Printer;
use crate::cli::settings;
use crate::cli::{mesh_runtime, sidecars};
use crate::stack::{ParameterValue, RenderedStack, Role};

/// A rendered stack in `--output json`.
#[derive(Serialize)]
struct Document<'a> {
    stack: String,
    parameters: BTreeMap<&'a str, &'a str>,
    capabilities: Vec<&'a str>,
    template: &'a str,
}

pub(crate) fn run(global: &Global, arguments: &Render, printer: Printer) -> Outcome {
    let config = settings::load(global)?;
    let runtime = mesh_runtime::presumed(&config);
    let (mut stacks, _) = sidecars::stacks_of_any_size(&config, runtime, None)?;
    if let Some(wanted) = &arguments.stack {
        stacks.retain(|stack| stack.role.as_str() == wanted || stack.name.as_str() == wanted);
        if stacks.is_empty() {
            return Err(unknown(wanted).into());
        }
    }
    if let Some(folder) = &arguments.output_dir {
        write(folder, &stacks, printer)?;
    } else if !printer.is_json() {
        printer.raw(&documents(&stacks))?;
    }
    printer.json(&stacks.iter().map(document).collect::<Vec<_>>())?;
    Ok(DONE)
}

fn unknown(wanted: &str) -> Exit {
    let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    Exit::usage(format!(
        "there is no stack `{wanted}`; there are {}",
        known.join(", ")
    ))
}

/// One template as it is; several as YAML documents, each under its name.
fn documents(stacks: &[RenderedStack]) -> String {
    if let [stack] = stacks {
        return stack.template.clone();
    }
    stacks
        .iter()
        .map(|stack| format!("---\n# {}\n{}", stack.name, body(stack)))
        .collect()
}

fn body(stack: &RenderedStack) -> &str {
    stack
        .template
        .strip_prefix("---\n")
        .unwrap_or(&stack.template)
}

fn write(folder: &Path, stacks: &[RenderedStack], printer: Printer) -> Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    for stack in stacks {
        let path = folder.join(stack.role.file_name());
        let part = path.with_extension("part");
        fs::write(&part, &stack.template)
            .and_then(|()| fs::rename(&part, &path))
            .with_context(|| format!("cannot write `{}`", path.display()))?;
        printer.data(&format!("{}\n", path.display()))?;
    }
    Ok(())
}

fn document(stack: &RenderedStack) -> Document<'_> {
    let known = stack
        .parameters
        .iter()
        .filter_map(|(name, value)| match value {
            ParameterValue::Known(value) => Some((name.as_str(), value.as_str())),
            ParameterValue::AppImage | ParameterValue::PushedImage(_) => None,
        });
    Document {
        stack: stack.name.to_string(),
        parameters: known.collect(),
        capabilities: stack
            .capabilities
            .iter()
            .map(|capability| capability.as_str())
            .collect(),
        template: &stack.template,
    }
}
