//! What the deployment engine costs in time and calls, beside its peers:
//! `cargo bench --no-default-features --bench engine`.
//!
//! Each draw is an account of its own on loopback, in this process, whose
//! resources take as long as AWS's do, scaled, with chance from a seed: all
//! tools meet the same account. Each brings the same five stacks up and takes
//! them down, as a whole process that is timed from start to end. What counts
//! is the time above the critical path, which is the longest way through the
//! stacks' own durations as the endpoint's events tell them.
//!
//! ```text
//! main -> for each draw, for each tool: field (account, endpoint, tasks)
//!                                        |-> tool: up, again, down
//!                                        |-> graph: critical path -> report
//! ```
//!
//! Under `cargo test -- --include-ignored` it runs its smallest setting.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its result is a table, and it is not quick"
)]

mod aws_cli;
mod cdk;
#[path = "../../it/elf.rs"]
mod elf;
mod events;
mod field;
mod graph;
mod install;
mod ours;
mod report;
mod round;
mod sceptre;
mod settings;
mod tasks;
mod tool;

use std::process::ExitCode;

use anyhow::Result;

use report::Report;
use settings::Settings;
use tool::Tool;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let Some(settings) = Settings::of_this_run() else {
        return Ok(());
    };
    let tools = Tool::wanted(&settings)?;
    let tokio = tokio::runtime::Runtime::new()?;
    let mut report = Report::new(&settings);
    for draw in 0..settings.draws {
        for tool in &tools {
            if !tool.is_ours() && draw >= settings.peer_draws {
                continue;
            }
            let seed = settings.seed + draw as u64;
            eprintln!("draw {} of {}: {tool}", draw + 1, settings.draws);
            match tokio.block_on(round::play(tool, seed, &settings)) {
                Ok(rounds) => rounds.into_iter().for_each(|round| report.add(tool, round)),
                Err(error) if tool.is_ours() => return Err(error),
                Err(error) => eprintln!("without this draw: {error:#}"),
            }
        }
    }
    if settings.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    report.check()
}
