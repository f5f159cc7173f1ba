//! Runs the deploy engine: events to the progress, signals to the engine, its
//! end to an exit code.

use std::future::Future;

use anyhow::Result;
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use super::exit::{FAILED, ROLLED_BACK};
use super::job::{self, Fold, Timeline};
use super::printer::{NAME, Printer, paint, talk};
use super::progress::Progress;
use super::session::Session;
use super::signals::{self, Signals};
use crate::deploy::{
    CalledOff, DeployError, Event, Finished, Interrupt, Interrupter, Report, Span, StepFailure,
};
use crate::plan::StepId;

/// How a run ended that did not reach its end, for `--output json`.
#[derive(Serialize)]
struct Broken<'a> {
    finished: &'a [Finished],
    timeline: &'a [Span],
    failures: Vec<&'a StepFailure>,
    called_off: &'a [CalledOff],
    not_started: &'a [StepId],
}

/// Runs `engine`; the error is an exit code whose words are said already.
pub(crate) async fn run<F>(
    printer: Printer,
    signals: &Signals,
    session: &Session,
    timeline: &mut Timeline,
    engine: impl FnOnce(UnboundedSender<Event>, Interrupt) -> F,
) -> Result<Result<Report, u8>>
where
    F: Future<Output = Result<Report, DeployError>>,
{
    let (events, mut told) = unbounded_channel();
    let (interrupter, interrupt) = Interrupter::new();
    let fold = Fold::begin("steps", "Steps");
    let mut progress = Progress::new(printer, session.config.environment.as_str());
    let began = Instant::now();
    let mut show = |event: &Event| {
        timeline.take(event, began.elapsed());
        progress.show(event);
    };
    let mut code = FAILED;
    let ended = {
        let running = engine(events, interrupt);
        let running = session.or_lost(async {
            match running.await {
                Err(failed @ DeployError::Failed { .. }) => Err(failed.into()),
                ended => Ok(ended),
            }
        });
        tokio::pin!(running);
        loop {
            tokio::select! {
                ended = &mut running => break ended,
                Some(event) = told.recv() => show(&event),
                asked = signals.asked(), if code == FAILED => {
                    code = asked;
                    interrupter.interrupt();
                }
            }
        }
    };
    while let Ok(event) = told.try_recv() {
        show(&event);
    }
    drop((progress, fold));
    match ended.or_else(|error| error.downcast().map(Err))? {
        Ok(report) => Ok(Ok(report)),
        Err(error) => {
            if error.is_rolled_back() {
                code = ROLLED_BACK;
            }
            tell(&error, code, printer)?;
            Ok(Err(code))
        }
    }
}

fn tell(error: &DeployError, code: u8, printer: Printer) -> Result<()> {
    match error {
        DeployError::Failed {
            failures,
            skipped,
            report,
        } => {
            for failure in failures {
                job::annotate(&failure.step.to_string(), &failure.error.to_string());
                talk(&format!(
                    "\n{} {failure}",
                    paint(super::printer::BAD, "error:")
                ));
                if let Some(hint) = failure.error.hint() {
                    talk(&format!("{} {hint}", paint(NAME, "hint:")));
                }
            }
            printer.json(&Broken {
                finished: &report.finished,
                timeline: &report.timeline,
                failures: failures.iter().map(AsRef::as_ref).collect(),
                called_off: &[],
                not_started: skipped,
            })
        }
        DeployError::Interrupted {
            going_on,
            called_off,
            not_started,
            report,
        } => {
            let list = |steps: &[StepId]| {
                steps
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            talk(&format!(
                "\n{}; the same command again goes on from here",
                signals::word(code)
            ));
            if !going_on.is_empty() {
                talk(&format!("  goes on by itself: {}", list(going_on)));
            }
            for off in called_off {
                let end = match (&off.status, &off.error) {
                    (Some(status), _) => status.to_string(),
                    (None, error) => error.clone().unwrap_or_default(),
                };
                talk(&format!("  called off: {}: {end}", off.step));
            }
            if !not_started.is_empty() {
                talk(&format!("  not started: {}", list(not_started)));
            }
            printer.json(&Broken {
                finished: &report.finished,
                timeline: &report.timeline,
                failures: Vec::new(),
                called_off,
                not_started,
            })
        }
    }
}
