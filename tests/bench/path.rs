//! What `up` takes with AWS's times: `cargo bench --no-default-features --bench path`.
//!
//! The table says what the latencies that were seen on AWS come to: for the
//! walkthrough's scripts, for its five stacks at full width, for the stacks as
//! they are cut here, and for the longest chain of resources, which no cut can
//! beat. Then `up` runs on a local endpoint that takes those times, scaled
//! (`-- --scale 0.1`; 0.02 unless it is said), for which it needs root and
//! Envoy. `-- --json` gives one document.
#![expect(
    clippy::print_stdout,
    reason = "its result is a table, and it is not quick"
)]

#[path = "../it/cut/before.rs"]
mod before;
#[path = "../it/cut/model.rs"]
mod model;

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use colormesh::account::lab::Speed;
use colormesh::config::Config;
use colormesh::stack::render;
use serde::Serialize;

use model::Model;

/// One row, in seconds of AWS.
#[derive(Serialize)]
struct Row {
    speed: &'static str,
    scripts: f64,
    five_stacks: f64,
    ours: f64,
    resources: f64,
}

/// An `up` that was run.
#[derive(Serialize)]
struct Measured {
    scale: f64,
    seconds: f64,
    /// What the model says of the cut, scaled.
    ours: f64,
    /// And of the longest chain of resources.
    resources: f64,
}

#[derive(Serialize)]
struct Report {
    rows: Vec<Row>,
    measured: Option<Measured>,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let asked = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let at = arguments.iter().position(|argument| argument == "--scale");
    let scale = at.and_then(|at| arguments.get(at + 1));
    let scale: f64 = scale.map_or(Ok(0.02), |text| text.parse())?;
    let rows = rows()?;
    let measured = if asked("--bench") {
        Some(measure(scale)?)
    } else {
        None
    };
    let report = Report { rows, measured };
    if asked("--json") {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(())
}

fn rows() -> Result<Vec<Row>> {
    let speeds = [
        ("fast", Speed::Fast),
        ("median", Speed::Median),
        ("slow", Speed::Slow),
    ];
    let row = |(name, speed)| {
        let old = Model::of(before::walkthrough(), speed, 0);
        let new = Model::of(render(&Config::default())?, speed, 0);
        Ok(Row {
            speed: name,
            scripts: old.scripts().as_secs_f64(),
            five_stacks: old.full_width().as_secs_f64(),
            ours: new.full_width().as_secs_f64(),
            resources: new.bound().as_secs_f64(),
        })
    };
    speeds.into_iter().map(row).collect()
}

fn print(report: &Report) {
    println!("seconds by the times that were seen on AWS");
    println!(
        "{:8}{:>10}{:>14}{:>8}{:>12}",
        "", "scripts", "five stacks", "ours", "resources"
    );
    for row in &report.rows {
        println!(
            "{:8}{:>10.0}{:>14.0}{:>8.0}{:>12.0}",
            row.speed, row.scripts, row.five_stacks, row.ours, row.resources
        );
    }
    if let Some(measured) = &report.measured {
        let Measured {
            scale,
            seconds,
            ours,
            resources,
        } = measured;
        println!(
            "\n`up` with the median times {scale}: {seconds:.2} s; the cut {ours:.2} s, \
             the resources {resources:.2} s"
        );
    }
}

fn measure(scale: f64) -> Result<Measured> {
    let folder = tempfile::tempdir()?;
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text);
    write(
        "colormesh.yaml",
        "internet: stand-in\nkey_pair: none\n".into(),
    )?;
    write("lab.yaml", format!("latency: {{scale: {scale}}}\n"))?;
    let up = run(folder.path(), &["local", "start", "--lab", "lab.yaml"])
        .and_then(|_| run(folder.path(), &["up", "--output", "json"]));
    let down = run(folder.path(), &["down"]).and_then(|_| run(folder.path(), &["local", "stop"]));
    let said: serde_json::Value = serde_json::from_str(&up?)?;
    down?;
    let model = Model::of(render(&Config::default())?, Speed::Median, 0);
    Ok(Measured {
        scale,
        seconds: said["seconds"]
            .as_f64()
            .context("`up` says how long it took")?,
        ours: model.full_width().as_secs_f64() * scale,
        resources: model.bound().as_secs_f64() * scale,
    })
}

/// The program in a folder of its own; gives what it says.
fn run(folder: &Path, arguments: &[&str]) -> Result<String> {
    let program = env!("CARGO_BIN_EXE_colormesh");
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .env("XDG_STATE_HOME", folder.join("state"))
        .stdin(Stdio::null())
        .output()?;
    let why = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "`colormesh {}`: {why}",
        arguments.join(" ")
    );
    Ok(String::from_utf8(output.stdout)?)
}
