//! Draws what the engine tells: bars on a terminal, lines elsewhere.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::printer::{BAD, FAINT, GOOD, NAME, Printer, paint, talk};
use crate::deploy::{Event, Outcome, StepFailure};
use crate::plan::StepId;

/// The progress of one run.
pub(crate) struct Progress {
    printer: Printer,
    started: Instant,
    bars: Option<MultiProgress>,
    steps: BTreeMap<StepId, ProgressBar>,
}

// === impl Progress ===

impl Progress {
    pub(crate) fn new(printer: Printer) -> Self {
        let bars = printer.draws().then(MultiProgress::new);
        Self {
            printer,
            started: Instant::now(),
            bars,
            steps: BTreeMap::new(),
        }
    }

    /// Shows one event.
    pub(crate) fn show(&mut self, event: &Event) {
        match event {
            Event::StepStarted { step } => self.begin(step),
            Event::StepProgress { step, progress } => self.note(step, &progress.to_string()),
            Event::Resource {
                step,
                logical_id,
                status,
                reason,
                ..
            } => {
                if status.is_failure() {
                    let reason = reason.as_deref().unwrap_or("no reason given");
                    self.line(
                        step,
                        &paint(BAD, &format!("{logical_id} {status}: {reason}")),
                    );
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
                self.line(step, &format!("not started, because {because} failed"));
            }
        }
    }

    fn begin(&mut self, step: &StepId) {
        let Some(bars) = &self.bars else { return };
        let style = ProgressStyle::with_template("  {spinner} {prefix:42!} {wide_msg}");
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
            self.line(step, &paint(FAINT, text));
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
        let took = paint(FAINT, &format!("{:.1} s", elapsed.as_secs_f64()));
        self.line(
            step,
            &format!("{} {took}", paint(style, &outcome.to_string())),
        );
    }

    fn fail(&mut self, failure: &StepFailure) {
        self.end(&failure.step);
        self.line(
            &failure.step,
            &format!("{} {}", paint(BAD, "failed:"), failure.error),
        );
    }

    fn end(&mut self, step: &StepId) {
        if let Some(bar) = self.steps.remove(step) {
            bar.finish_and_clear();
        }
    }

    fn line(&self, step: &StepId, text: &str) {
        if self.printer.is_quiet() {
            return;
        }
        let seconds = self.started.elapsed().as_secs_f64();
        let step = format!("{:<38}", step.to_string());
        let line = format!(
            "{} {} {text}",
            paint(FAINT, &format!("{seconds:6.1}s")),
            paint(NAME, &step)
        );
        match &self.bars {
            Some(bars) => bars.suspend(|| talk(&line)),
            None => talk(&line),
        }
    }
}
