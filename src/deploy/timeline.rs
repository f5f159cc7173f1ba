//! When each step ran, and what it waited for.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::Outcome;
use super::event::seconds;
use crate::plan::StepId;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It failed.
    Failed,
    /// The run was broken off; the endpoint goes on with it.
    GoingOn,
    /// The run was broken off, and it with it.
    BrokenOff,
    /// Well; to what it came.
    #[serde(untagged)]
    Done(Outcome),
}

/// When one step ran. Times are from the beginning of the run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Span {
    /// Which.
    pub step: StepId,
    /// When it began, in seconds.
    #[serde(serialize_with = "seconds")]
    pub start: Duration,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub elapsed: Duration,
    /// The need that was met last; without it the step would have begun
    /// earlier. From the last step back, these are the critical path.
    pub waited_for: Option<StepId>,
    /// How it ended.
    pub end: Ending,
}

/// Notes when steps begin and end.
#[derive(Debug)]
pub(super) struct Stopwatch {
    started: Instant,
    running: BTreeMap<StepId, (Duration, Option<StepId>)>,
    /// The step that ended last, which is what those that begin now waited for.
    last: Option<StepId>,
    spans: Vec<Span>,
}

// === impl Stopwatch ===

impl Stopwatch {
    pub(super) fn start() -> Self {
        Self {
            started: Instant::now(),
            running: BTreeMap::new(),
            last: None,
            spans: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self, step: &StepId) {
        let begun = (self.started.elapsed(), self.last.clone());
        self.running.insert(step.clone(), begun);
    }

    pub(super) fn end(&mut self, step: &StepId, end: Ending) {
        let Some((start, waited_for)) = self.running.remove(step) else {
            return;
        };
        self.last = Some(step.clone());
        self.spans.push(Span {
            step: step.clone(),
            start,
            elapsed: self.started.elapsed().saturating_sub(start),
            waited_for,
            end,
        });
    }

    /// The spans, in the order in which they ended; of what still runs, the
    /// endpoint goes on with these.
    pub(super) fn stop(mut self, going_on: &[StepId]) -> Vec<Span> {
        for step in self.running.keys().cloned().collect::<Vec<_>>() {
            let end = match going_on.contains(&step) {
                true => Ending::GoingOn,
                false => Ending::BrokenOff,
            };
            self.end(&step, end);
        }
        self.spans
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn each_step_names_the_need_that_was_met_last() {
        let step = |name: &str| StepId::Stack(name.parse().unwrap());
        let mut watch = Stopwatch::start();
        watch.begin(&step("vpc"));
        watch.begin(&step("mesh"));
        watch.end(&step("mesh"), Ending::Done(Outcome::Created));
        watch.end(&step("vpc"), Ending::Failed);
        watch.begin(&step("cluster"));
        watch.begin(&step("image"));
        let spans = watch.stop(&[step("cluster")]);
        let line = |span: &Span| {
            let waited = span.waited_for.as_ref().map(ToString::to_string);
            let end = serde_json::to_string(&span.end).unwrap();
            format!("{} {} {end}", span.step, waited.unwrap_or_default())
        };
        assert_eq!(
            spans.iter().map(line).collect::<Vec<_>>(),
            [
                r#"mesh  "created""#,
                r#"vpc  "failed""#,
                r#"cluster vpc "going_on""#,
                r#"image vpc "broken_off""#
            ]
        );
        assert!(spans[2].start >= spans[1].start + spans[1].elapsed);
    }
}
