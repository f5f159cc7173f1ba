//! Runs the deploy engine: events to the progress, signals to the engine, its
//! end to an exit code.

use std::future::Future;
use std::pin::Pin;

use anyhow::Result;
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use super::decisions;
use super::exit::{FAILED, ROLLED_BACK};
use super::job::{self, Fold, Timeline};
use super::printer::{NAME, Printer, paint, talk};
use super::progress::Progress;
use super::session::Session;
use super::signals::{self, Signals};
use crate::deploy::{
    Asked, CalledOff, DeployError, Event, Finished, Interrupt, Interrupter, Report, Span,
    StepFailure,
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

/// What a run is seen through.
pub(crate) struct View<'a> {
    pub(crate) printer: Printer,
    pub(crate) signals: &'a Signals,
    pub(crate) session: &'a Session,
    /// What the engine asks on the way.
    pub(crate) questions: UnboundedReceiver<Asked>,
}

/// Runs `engine`; the error is an exit code whose words are said already.
pub(crate) async fn run<F>(
    view: View<'_>,
    timeline: &mut Timeline,
    engine: impl FnOnce(UnboundedSender<Event>, Interrupt) -> F,
) -> Result<Result<Report, u8>>
where
    F: Future<Output = Result<Report, DeployError>>,
{
    let View {
        printer,
        signals,
        session,
        mut questions,
    } = view;
    let (events, mut told) = unbounded_channel();
    let (interrupter, interrupt) = Interrupter::new();
    let fold = Fold::begin("steps", "Steps");
    let mut progress = Progress::new(printer, session.config.environment.as_str());
    let began = Instant::now();
    let mut show = |event: &Event, progress: &mut Progress| {
        timeline.take(event, began.elapsed());
        progress.show(event);
    };
    let mut code = FAILED;
    let mut asking: Option<Pin<Box<dyn Future<Output = ()>>>> = None;
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
                () = answered(&mut asking), if asking.is_some() => {
                    asking = None;
                    progress.go_on();
                }
                Some(asked) = questions.recv(), if asking.is_none() => {
                    progress.pause();
                    asking = Some(Box::pin(decisions::answer(asked, printer)));
                }
                Some(event) = told.recv(), if asking.is_none() => show(&event, &mut progress),
                asked = signals.asked(), if code == FAILED => {
                    code = asked;
                    interrupter.interrupt();
                }
            }
        }
    };
    while let Ok(event) = told.try_recv() {
        show(&event, &mut progress);
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

/// Returns when the question is answered.
async fn answered(asking: &mut Option<Pin<Box<dyn Future<Output = ()>>>>) {
    match asking {
        Some(asking) => asking.await,
        None => std::future::pending().await,
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
            unfinished,
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
            if !unfinished.is_empty() {
                talk(&format!("  broken off: {}", list(unfinished)));
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
