//! The result, as a table or as JSON.

use std::fmt;

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::round::{Round, What};
use crate::settings::Settings;
use crate::tool::Tool;

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    processors: usize,
    /// How busy the machine was before, as the mean of a minute.
    load: f64,
    /// What AWS's times were multiplied by.
    scale: f64,
    seed: u64,
    rounds: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    tool: String,
    #[serde(flatten)]
    round: Round,
}

// === impl Report ===

impl Report {
    pub(crate) fn new(settings: &Settings) -> Self {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().and_then(|load| load.parse().ok());
        Self {
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            load: load.unwrap_or(f64::NAN),
            scale: settings.scale,
            seed: settings.seed,
            rounds: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, tool: &Tool, round: Round) {
        let tool = tool.to_string();
        self.rounds.push(Line { tool, round });
    }

    /// What must hold wherever it runs: no change set for what is unchanged,
    /// and no more than two reads a second, but for those taken ahead.
    pub(crate) fn check(&self) -> Result<()> {
        for line in self.of(&Tool::Ours.to_string(), None) {
            let Round {
                what,
                reads,
                seconds,
                change_sets,
                ..
            } = &line.round;
            #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
            let allowed = *reads as f64 <= 2.0 * seconds + 20.0;
            ensure!(allowed, "{what:?}: {reads} reads in {seconds:.1} s");
            let none = *what != What::Unchanged || *change_sets == 0;
            ensure!(none, "a change set for unchanged stacks");
        }
        Ok(())
    }

    fn of(&self, tool: &str, what: Option<What>) -> Vec<&Line> {
        let is_it =
            |line: &&Line| line.tool == tool && what.is_none_or(|what| line.round.what == what);
        self.rounds.iter().filter(is_it).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            processors,
            load,
            scale,
            seed,
            ..
        } = self;
        writeln!(
            f,
            "{processors} processors, load {load} before; AWS's times times {scale}, seeds from {seed}\n\
             whole processes; median (least-most); the critical path is the endpoint's own time"
        )?;
        let mut tools: Vec<&str> = self.rounds.iter().map(|line| line.tool.as_str()).collect();
        tools.sort_unstable();
        tools.dedup();
        for (what, title) in [
            (What::Up, "up"),
            (What::Down, "down"),
            (What::Unchanged, "up, nothing changed"),
        ] {
            write_part(f, self, &tools, what, title)?;
        }
        Ok(())
    }
}

fn write_part(
    f: &mut fmt::Formatter<'_>,
    report: &Report,
    tools: &[&str],
    what: What,
    title: &str,
) -> fmt::Result {
    let head = ["draws", "critical path s", "above it s", "calls", "reads/s"];
    write!(f, "\n{title:32}")?;
    head.iter()
        .try_for_each(|column| write!(f, "{column:>20}"))?;
    writeln!(f)?;
    for tool in tools {
        let lines = report.of(tool, Some(what));
        if lines.is_empty() {
            continue;
        }
        let of = |value: fn(&Round) -> f64, digits| {
            spread(lines.iter().map(|line| value(&line.round)), digits)
        };
        let columns = [
            lines.len().to_string(),
            of(|round| round.critical_path, 1),
            of(|round| round.seconds - round.critical_path, 2),
            of(|round| float(round.calls), 0),
            of(|round| float(round.reads) / round.seconds, 2),
        ];
        write!(f, "{tool:32}")?;
        columns
            .iter()
            .try_for_each(|column| write!(f, "{column:>20}"))?;
        writeln!(f)?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a count of calls")]
fn float(count: usize) -> f64 {
    count as f64
}

fn spread(values: impl Iterator<Item = f64>, digits: usize) -> String {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let median = f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]);
    let (least, most) = (values[0], values[values.len() - 1]);
    format!("{median:.digits$} ({least:.digits$}-{most:.digits$})")
}
