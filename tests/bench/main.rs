//! What the mesh costs: `cargo bench --no-default-features --bench sidecar`.
//!
//! One run measures, in namespaces of its own and with nothing outside them:
//!
//! - [`overhead`]: requests through our sidecar, beside a plain Envoy in the
//!   same place and no proxy at all, in turns;
//! - [`scale`]: start, memory, and the time until an added and a removed
//!   service take effect, with a few and with thousands of services.
//!
//! It needs no root. Under `cargo test -- --include-ignored` it runs its
//! smallest setting, to show that it works.
//!
//! ```text
//! main -> namespaces (this program again) -> scene: Runtime, outside, app
//!                                              |-> overhead, scale -> report
//! ```
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its result is a table, and it is not quick"
)]

mod app;
mod figures;
mod load;
mod mesh;
mod outside;
mod overhead;
mod plain;
mod probe;
mod process;
mod report;
mod scale;
mod scene;
mod settings;

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use colormesh::runtime::{isolate, launch};

use scene::Scene;
use settings::Settings;

/// The first argument of the process that makes the namespaces.
const ISOLATE: &str = "__isolate";
/// The first argument of the process that measures, inside them.
const MEASURE: &str = "__measure";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if launch::is_launcher(arguments.iter().cloned()) {
        return launch::main(arguments);
    }
    let first = arguments.first().and_then(|text| text.to_str());
    let second = arguments.get(1).and_then(|text| text.to_str());
    let ended = match (first, second) {
        (Some(app::ARGUMENT), _) => app::run(),
        (Some(ISOLATE), Some(settings)) => make_namespaces(settings),
        (Some(MEASURE), Some(settings)) => measure(settings),
        _ => start(),
    };
    ended.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Runs this program again, in a process that may give up its namespaces.
fn start() -> Result<ExitCode> {
    let Some(settings) = Settings::of_this_run()? else {
        return Ok(ExitCode::SUCCESS);
    };
    let mut again = Command::new(std::env::current_exe()?);
    again.arg(ISOLATE).arg(serde_json::to_string(&settings)?);
    Ok(code(again.status()?))
}

fn make_namespaces(settings: &str) -> Result<ExitCode> {
    let mut inside = Command::new("unshare");
    inside.args(["--net", "--"]).arg(std::env::current_exe()?);
    inside.arg(MEASURE).arg(settings);
    let mut child = isolate::enter(inside).context("cannot make namespaces (`unshare`)")?;
    Ok(code(child.wait()?))
}

fn measure(settings: &str) -> Result<ExitCode> {
    let settings: Settings = serde_json::from_str(settings)?;
    let tokio = tokio::runtime::Runtime::new()?;
    let report = tokio.block_on(async {
        let mut scene = Scene::start(&settings).await?;
        let machine = report::Machine::look();
        let overhead = overhead::measure(&mut scene, &settings).await?;
        let scale = scale::measure(&mut scene, &settings).await?;
        scene.end().await;
        anyhow::Ok(report::Report {
            machine,
            overhead,
            scale,
        })
    })?;
    if settings.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    let kept = report.scale.iter().all(scale::Scale::is_as_promised);
    anyhow::ensure!(
        kept,
        "a removed service's connection was not cut, or another's was"
    );
    Ok(ExitCode::SUCCESS)
}

fn code(status: std::process::ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(1))
}
