//! One tool on one account: up, up again, down.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use colormesh::account::lab::Call;
use serde::Serialize;

use crate::events;
use crate::field::Field;
use crate::graph::Graph;
use crate::settings::Settings;
use crate::tool::{Deed, Tool};

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    Up,
    Unchanged,
    Down,
}

/// One measurement.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Round {
    pub(crate) what: What,
    /// Start-up included.
    pub(crate) seconds: f64,
    /// The least that it could have taken.
    pub(crate) critical_path: f64,
    pub(crate) calls: usize,
    /// Reads of CloudFormation.
    pub(crate) reads: usize,
    pub(crate) change_sets: usize,
}

pub(crate) async fn play(tool: &Tool, seed: u64, settings: &Settings) -> Result<Vec<Round>> {
    let graph = Graph::load()?;
    let field = Field::start(seed, settings, *tool == Tool::OursFewReads).await?;
    let mut rounds = Vec::new();
    for (what, deed) in [
        (What::Up, Deed::Up),
        (What::Unchanged, Deed::Up),
        (What::Down, Deed::Down),
    ] {
        // The slow ones are slow enough.
        if what == What::Unchanged && *tool != Tool::Ours {
            continue;
        }
        let seconds = run(tool, deed, &field, &graph, settings)
            .await?
            .as_secs_f64();
        let calls = field.calls();
        let took = events::durations(&field.url()).await?;
        if settings.calls {
            list(&calls);
            for (stack, took) in &took {
                eprintln!("{:8.3} {stack}", took.as_secs_f64());
            }
        }
        field.calls();
        let critical_path = match what {
            What::Unchanged => Duration::ZERO,
            What::Up | What::Down => graph.critical_path(&took),
        };
        rounds.push(round(what, seconds, critical_path, &calls));
    }
    Ok(rounds)
}

/// Each call, with the seconds since the first one.
fn list(calls: &[Call]) {
    let Some(first) = calls.first() else { return };
    for call in calls {
        let after = call.time.seconds() - first.time.seconds();
        let error = call.error.as_deref().unwrap_or_default();
        eprintln!("{after:8.3} {} {error}", call.operation);
    }
}

fn round(what: What, seconds: f64, critical_path: Duration, calls: &[Call]) -> Round {
    let is = |call: &Call, verbs: &[&str]| {
        let operation = call.operation.strip_prefix("cloudformation:");
        operation.is_some_and(|operation| verbs.iter().any(|verb| operation.starts_with(verb)))
    };
    let count = |verbs: &[&str]| calls.iter().filter(|call| is(call, verbs)).count();
    Round {
        what,
        seconds,
        critical_path: critical_path.as_secs_f64(),
        calls: calls.len(),
        reads: count(&["Describe", "List", "Get"]),
        change_sets: count(&["CreateChangeSet"]),
    }
}

async fn run(
    tool: &Tool,
    deed: Deed,
    field: &Field,
    graph: &Graph,
    settings: &Settings,
) -> Result<Duration> {
    let commands = tool.commands(deed, field, graph)?;
    let began = Instant::now();
    for command in commands {
        let mut command = tokio::process::Command::from(command);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let said = command.output().await?;
        let words = [said.stdout, said.stderr].concat();
        let words = String::from_utf8_lossy(&words).into_owned();
        if settings.verbose {
            eprintln!("{words}");
        }
        if !said.status.success() {
            bail!("{tool} ({deed:?}) ended with {}:\n{words}", said.status);
        }
    }
    Ok(began.elapsed())
}
