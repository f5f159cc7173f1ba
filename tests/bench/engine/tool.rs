//! Those that are measured.

use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::field::Field;
use crate::graph::Graph;
use crate::settings::Settings;
use crate::{aws_cli, cdk, install, ours, sceptre};

/// A way to deploy the stacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// This program.
    Ours,
    /// This program where few reads are allowed.
    OursFewReads,
    /// `sceptre launch`, by the program at this path.
    Sceptre(PathBuf),
    /// `aws cloudformation deploy`, one stack after the other.
    AwsCli(PathBuf),
    /// `cdk deploy --method direct --concurrency 5`.
    Cdk(PathBuf),
}

/// What a tool is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Up,
    Down,
}

// === impl Tool ===

impl Tool {
    /// Those that are asked for and can be had; says which cannot.
    pub(crate) fn wanted(settings: &Settings) -> Result<Vec<Self>> {
        let asked = |name: &str| {
            settings.only.is_empty()
                || settings
                    .only
                    .iter()
                    .any(|only| name.contains(only.as_str()))
        };
        let mut tools = Vec::new();
        if asked("colormesh") {
            tools.push(Self::Ours);
        }
        if asked("colormesh, one read a second") {
            tools.push(Self::OursFewReads);
        }
        if settings.peer_draws > 0 {
            let peers: [(&str, fn() -> Result<PathBuf>, fn(PathBuf) -> Self); 3] = [
                ("sceptre", install::sceptre, Self::Sceptre),
                ("cdk", install::cdk, Self::Cdk),
                ("aws-cli", install::aws_cli, Self::AwsCli),
            ];
            for (name, install, tool) in peers {
                match asked(name).then(install) {
                    Some(Ok(path)) => tools.push(tool(path)),
                    Some(Err(error)) => eprintln!("without {name}: {error:#}"),
                    None => {}
                }
            }
        }
        if tools.is_empty() {
            bail!("no tool is named so");
        }
        Ok(tools)
    }

    pub(crate) fn is_ours(&self) -> bool {
        matches!(self, Self::Ours | Self::OursFewReads)
    }

    /// The processes that do it, one after the other.
    pub(crate) fn commands(
        &self,
        deed: Deed,
        field: &Field,
        graph: &Graph,
    ) -> Result<Vec<Command>> {
        let mut commands = match self {
            Self::Ours | Self::OursFewReads => vec![ours::command(deed, field)?],
            Self::Sceptre(program) => vec![sceptre::command(program, deed, field, graph)?],
            Self::AwsCli(program) => aws_cli::commands(program, deed, field, graph)?,
            Self::Cdk(program) => vec![cdk::command(program, deed, field, graph)?],
        };
        for command in &mut commands {
            surround(command, field)?;
        }
        Ok(commands)
    }
}

/// The same world for each: credentials that the endpoint takes, and nothing
/// of this machine's own settings.
fn surround(command: &mut Command, field: &Field) -> Result<()> {
    let path = std::env::var_os("PATH").context("`PATH` is not set")?;
    command
        .env_clear()
        .env("PATH", path)
        .env("HOME", field.folder())
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "bench")
        .env("AWS_REGION", "us-west-2")
        .env("AWS_DEFAULT_REGION", "us-west-2")
        .env("AWS_ENDPOINT_URL", field.url())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("KEY_PAIR_NAME", "none")
        .env("CI", "true")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    Ok(())
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "colormesh",
            Self::OursFewReads => "colormesh, one read a second",
            Self::Sceptre(_) => "sceptre 4.7.0",
            Self::AwsCli(_) => "aws-cli 1.46.3 in a row",
            Self::Cdk(_) => "cdk 2.1148.1 direct, 5 at once",
        })
    }
}
