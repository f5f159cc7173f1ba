//! When each step began and ended.

use std::time::Duration;

use indexmap::IndexMap;

use super::markdown::{code, table, text};
use crate::deploy::{Event, Outcome};
use crate::plan::StepId;

/// How many characters a bar has.
const BAR: usize = 24;

/// The steps of a run, in the order in which they began.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    steps: IndexMap<StepId, Entry>,
    /// The last moment that was told of.
    latest: Duration,
}

#[derive(Debug)]
struct Entry {
    began: Duration,
    ended: Option<Duration>,
    end: End,
}

#[derive(Debug)]
enum End {
    Open,
    Done(Outcome),
    Failed { why: String, hint: Option<String> },
    Skipped { because: StepId },
}

// === impl Timeline ===

impl Timeline {
    /// Takes what was told `at` this time since the beginning.
    pub(crate) fn take(&mut self, event: &Event, at: Duration) {
        self.latest = self.latest.max(at);
        match event {
            Event::StepStarted { step } => {
                let entry = Entry {
                    began: at,
                    ended: None,
                    end: End::Open,
                };
                self.steps.insert(step.clone(), entry);
            }
            Event::StepFinished { step, outcome, .. } => self.end(step, at, End::Done(*outcome)),
            Event::StepFailed { failure } => {
                let end = End::Failed {
                    why: failure.error.to_string(),
                    hint: failure.error.hint(),
                };
                self.end(&failure.step, at, end);
            }
            Event::StepSkipped { step, because } => {
                let because = because.clone();
                self.end(step, at, End::Skipped { because });
            }
            Event::StepProgress { .. } | Event::Resource { .. } => {}
        }
    }

    fn end(&mut self, step: &StepId, at: Duration, end: End) {
        let began = self.steps.get(step).map_or(at, |entry| entry.began);
        let ended = Some(at);
        let entry = Entry { began, ended, end };
        self.steps.insert(step.clone(), entry);
    }

    /// A row a step, and what failed under it; nothing where nothing began.
    pub(super) fn markdown(&self) -> String {
        if self.steps.is_empty() {
            return String::new();
        }
        let rows: Vec<Vec<String>> = self
            .steps
            .iter()
            .map(|(step, entry)| self.row(step, entry))
            .collect();
        let head = ["step", "outcome", "from", "took", "timeline"];
        let failed = self.steps.iter().filter_map(failure);
        format!(
            "#### Timeline\n\n{}{}",
            table(&head, &rows),
            failed.collect::<String>()
        )
    }

    fn row(&self, step: &StepId, entry: &Entry) -> Vec<String> {
        let ended = entry.ended.unwrap_or(self.latest);
        let word = match &entry.end {
            End::Open => "goes on".to_owned(),
            End::Done(outcome) => outcome.to_string(),
            End::Failed { .. } => "**failed**".to_owned(),
            End::Skipped { because } => {
                let word = format!("not started, because {} failed", code(&because.to_string()));
                return vec![code(&step.to_string()), word];
            }
        };
        vec![
            code(&step.to_string()),
            word,
            seconds(entry.began),
            seconds(ended.saturating_sub(entry.began)),
            format!("`{}`", bar(entry.began, ended, self.latest)),
        ]
    }
}

fn failure((step, entry): (&StepId, &Entry)) -> Option<String> {
    let End::Failed { why, hint } = &entry.end else {
        return None;
    };
    let hint = hint.as_ref();
    let hint = hint.map_or_else(String::new, |hint| format!("  \n  hint: {}", text(hint)));
    let step = code(&step.to_string());
    Some(format!("\n- **{step} failed**: {}{hint}\n", text(why)))
}

/// Which part of the whole it took; at least one mark.
fn bar(began: Duration, ended: Duration, whole: Duration) -> String {
    let place = |moment: Duration| {
        let marks = moment.as_millis() * BAR as u128 / whole.as_millis().max(1);
        usize::try_from(marks).unwrap_or(BAR).min(BAR)
    };
    let from = place(began).min(BAR - 1);
    let to = place(ended).max(from + 1);
    (0..BAR)
        .map(|at| {
            if (from..to).contains(&at) {
                '█'
            } else {
                '·'
            }
        })
        .collect()
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::aws::StackStatus;
    use crate::deploy::{StepError, StepFailure};

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn each_step_has_its_part_of_the_whole() {
        let mut timeline = Timeline::default();
        let started = |step| Event::StepStarted { step };
        timeline.take(&started(StepId::ImageBuild), at(0));
        timeline.take(&started(StepId::KeyPair), at(0));
        let finished = Event::StepFinished {
            step: StepId::ImageBuild,
            outcome: Outcome::Created,
            elapsed: at(12),
        };
        timeline.take(&finished, at(12));
        let failed = Event::StepFailed {
            failure: Arc::new(StepFailure {
                step: StepId::KeyPair,
                error: StepError::MayNotReplace {
                    status: StackStatus::RollbackComplete,
                    cause: None,
                },
            }),
        };
        timeline.take(&failed, at(24));
        let skipped = Event::StepSkipped {
            step: StepId::ImagePush,
            because: StepId::KeyPair,
        };
        timeline.take(&skipped, at(24));
        insta::assert_snapshot!(timeline.markdown(), @r"
        #### Timeline

        | step | outcome | from | took | timeline |
        |---|---|---|---|---|
        | `image build` | created | 0.0 s | 12.0 s | `████████████············` |
        | `key pair` | **failed** | 0.0 s | 24.0 s | `████████████████████████` |
        | `image push` | not started, because `key pair` failed |

        - **`key pair` failed**: the stack is in ROLLBACK_COMPLETE, where only a new one can take its place  
          hint: run \`colormesh up --replace-failed\`, which deletes it and makes it anew, or \`colormesh down\` first
        ");
    }

    #[test]
    fn nothing_began_is_nothing_said() {
        assert_eq!(Timeline::default().markdown(), "");
    }
}
