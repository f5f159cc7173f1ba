//! Draws what the engine tells: bars on a terminal, lines elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anstyle::Style;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::layout::{without_middle, wrapped};
use super::printer::{BAD, FAINT, GOOD, NAME, Printer, paint, talk};
use crate::deploy::{self, Event, Outcome, Progress as Told, StepError, StepFailure};
use crate::plan::StepId;

/// How wide names of steps are.
const STEP: usize = 38;

/// The progress of one run.
pub(crate) struct Progress {
    printer: Printer,
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
    pub(crate) fn new(printer: Printer) -> Self {
        let bars = printer.draws().then(MultiProgress::new);
        Self {
            printer,
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
        let style = ProgressStyle::with_template("  {spinner} {prefix:38!} {wide_msg}");
        let bar = bars.add(ProgressBar::new_spinner().with_prefix(step.to_string()));
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
        let mut step = step.to_string();
        if self.width.is_some() {
            step = without_middle(&step, STEP);
        }
        let line = format!(
            "{} {} {}",
            paint(FAINT, &format!("{seconds:6.1}s")),
            paint(NAME, &format!("{step:<STEP$}")),
            wrapped(text, self.width, 8 + STEP + 1, style),
        );
        match &self.bars {
            Some(bars) => bars.suspend(|| talk(&line)),
            None => talk(&line),
        }
    }
}
