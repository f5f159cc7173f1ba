//! Draws what the engine tells: bars on a terminal, lines elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anstyle::Style;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::layout::{without_middle, wrapped};
use super::printer::{BAD, FAINT, GOOD, NAME, Printer, WARN, paint, talk};
use crate::deploy::{self, Event, Outcome, Progress as Told, StepError, StepFailure};
use crate::plan::StepId;

/// How wide names of steps are: whole ones, and those on a terminal, which go
/// without the environment.
const STEP: usize = 38;
const SHORT: usize = 18;

/// The progress of one run.
pub(crate) struct Progress {
    printer: Printer,
    /// What the names of its stacks begin with.
    prefix: String,
    started: Instant,
    /// The terminal's.
    width: Option<usize>,
    bars: Option<MultiProgress>,
    steps: BTreeMap<StepId, ProgressBar>,
    /// The steps whose cause is told.
    failing: BTreeSet<StepId>,
}

// === impl Progress ===

impl Progress {
    /// The progress of a run on the environment of this name.
    pub(crate) fn new(printer: Printer, environment: &str) -> Self {
        let bars = printer.draws().then(MultiProgress::new);
        Self {
            printer,
            prefix: format!("{environment}-"),
            started: Instant::now(),
            width: printer.talk_width(),
            bars,
            steps: BTreeMap::new(),
            failing: BTreeSet::new(),
        }
    }

    /// Shows one event.
    pub(crate) fn show(&mut self, event: &Event) {
        match event {
            Event::StepStarted { step } => self.begin(step),
            // What went wrong stays on the screen.
            Event::StepProgress {
                step,
                progress: progress @ Told::LeftBehind(_),
            } => self.line(step, &progress.to_string(), WARN),
            Event::StepProgress {
                step,
                progress: progress @ Told::TaskStopped { .. },
            } => self.line(step, &progress.to_string(), BAD),
            Event::StepProgress {
                step,
                progress: progress @ Told::Failing { .. },
            } => {
                self.failing.insert(step.clone());
                self.line(step, &progress.to_string(), BAD);
            }
            Event::StepProgress { step, progress } => self.note(step, &progress.to_string()),
            Event::Resource {
                step,
                logical_id,
                status,
                reason,
                ..
            } => {
                // The first failure is told as the cause, with its place; what
                // was cancelled because of it is not worth a line.
                let is_cancelled = reason.as_deref().is_some_and(deploy::is_cancelled);
                if status.is_failure() && self.failing.contains(step) && !is_cancelled {
                    let reason = reason.as_deref().unwrap_or("no reason given");
                    self.line(step, &format!("{logical_id} {status}: {reason}"), BAD);
                } else {
                    self.on_bar(step, &format!("{logical_id} {status}"));
                }
            }
            Event::StepFinished {
                step,
                outcome,
                elapsed,
            } => self.finish(step, *outcome, *elapsed),
            Event::StepFailed { failure } => self.fail(failure),
            Event::StepSkipped { step, because } => {
                self.end(step);
                self.line(
                    step,
                    &format!("not started, because {because} failed"),
                    Style::new(),
                );
            }
        }
    }

    fn begin(&mut self, step: &StepId) {
        let Some(bars) = &self.bars else { return };
        let style = ProgressStyle::with_template("  {spinner} {elapsed:>4} {prefix} {wide_msg}");
        let (name, width) = named(step, &self.prefix, self.width);
        let bar = bars.add(ProgressBar::new_spinner().with_prefix(format!("{name:<width$}")));
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        self.steps.insert(step.clone(), bar);
    }

    /// What is worth a line where nothing moves.
    fn note(&self, step: &StepId, text: &str) {
        if self.bars.is_some() {
            self.on_bar(step, text);
        } else {
            self.line(step, text, FAINT);
        }
    }

    fn on_bar(&self, step: &StepId, text: &str) {
        if let Some(bar) = self.steps.get(step) {
            bar.set_message(text.to_owned());
        }
    }

    fn finish(&mut self, step: &StepId, outcome: Outcome, elapsed: Duration) {
        self.end(step);
        let style = match outcome {
            Outcome::Created | Outcome::Updated | Outcome::Deleted => GOOD,
            Outcome::Unchanged | Outcome::Absent => FAINT,
        };
        let took = elapsed.as_secs_f64();
        self.line(step, &format!("{outcome} {took:.1} s"), style);
    }

    fn fail(&mut self, failure: &StepFailure) {
        self.end(&failure.step);
        let text = match &failure.error {
            StepError::Failed { status, .. } if self.failing.contains(&failure.step) => {
                format!("failed ({status})")
            }
            error => format!("failed: {error}"),
        };
        self.line(&failure.step, &text, BAD);
    }

    /// Draws nothing while somebody is asked.
    pub(crate) fn pause(&self) {
        if let Some(bars) = &self.bars {
            let _ = bars.clear();
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
    }

    /// Draws again.
    pub(crate) fn go_on(&self) {
        if let Some(bars) = &self.bars {
            bars.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    fn end(&mut self, step: &StepId) {
        if let Some(bar) = self.steps.remove(step) {
            bar.finish_and_clear();
        }
    }

    fn line(&self, step: &StepId, text: &str, style: Style) {
        if self.printer.is_quiet() {
            return;
        }
        let seconds = self.started.elapsed().as_secs_f64();
        let (name, width) = named(step, &self.prefix, self.width);
        let line = format!(
            "{} {} {}",
            paint(FAINT, &format!("{seconds:6.1}s")),
            paint(NAME, &format!("{name:<width$}")),
            wrapped(text, self.width, 8 + width + 1, style),
        );
        match &self.bars {
            Some(bars) => bars.suspend(|| talk(&line)),
            None => talk(&line),
        }
    }
}

/// What a step is called, and how wide its column is: on a terminal without the
/// environment, elsewhere in full.
fn named(step: &StepId, prefix: &str, terminal: Option<usize>) -> (String, usize) {
    let whole = step.to_string();
    if terminal.is_none() {
        return (whole, STEP);
    }
    let short = whole.strip_prefix(prefix).unwrap_or(&whole);
    (without_middle(short, SHORT), SHORT)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::stack::Role;

    #[test]
    fn every_stack_has_its_whole_short_name_on_a_terminal() {
        let prefix = "AppMeshExternalExample-";
        for role in Role::ALL {
            let stack = format!("{prefix}{}", role.as_str());
            let step = StepId::Stack(stack.parse().unwrap());
            let (name, width) = named(&step, prefix, Some(80));
            assert_eq!(name, role.as_str());
            assert!(name.len() <= width, "{name}");
            assert_eq!(named(&step, prefix, None), (stack, STEP));
        }
    }
}
