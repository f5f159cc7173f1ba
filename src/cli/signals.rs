//! Ctrl-C and SIGTERM: the first asks a command to end and say how things
//! stand, the second ends it at once.

use std::future::Future;
use std::io;

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::exit::{Exit, INTERRUPTED, Outcome, TERMINATED};
use crate::deploy::{Interrupt, Interrupter};

/// Whether this process was asked to end, and with which exit code.
#[derive(Clone, Debug)]
pub(crate) struct Signals(watch::Receiver<Option<u8>>);

// === impl Signals ===

impl Signals {
    /// Listens from here on, instead of ending at the first signal.
    pub(crate) fn listen() -> io::Result<Self> {
        let interrupts = signal(SignalKind::interrupt())?;
        let terminations = signal(SignalKind::terminate())?;
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(relay(interrupts, terminations, sender));
        Ok(Self(receiver))
    }

    /// Returns the exit code once this process is asked to end.
    pub(crate) async fn asked(&self) -> u8 {
        let mut asked = self.0.clone();
        let code = asked.wait_for(Option::is_some).await;
        match code.ok().and_then(|code| *code) {
            Some(code) => code,
            None => std::future::pending().await,
        }
    }

    /// Does the work, unless asked to end before: then `standing` says how
    /// things are and what to type next.
    pub(crate) async fn or<T>(
        &self,
        standing: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        tokio::select! {
            biased;
            code = self.asked() => {
                let message = format!("\n{}; {standing}", word(code));
                Err(Exit { code, message }.into())
            }
            done = work => done,
        }
    }

    /// Does work that puts its things away when it is interrupted; then there
    /// is an exit code too.
    pub(crate) async fn interrupting<T, F>(
        &self,
        work: impl FnOnce(Interrupt) -> F,
    ) -> (T, Option<u8>)
    where
        F: Future<Output = T>,
    {
        let (interrupter, interrupt) = Interrupter::new();
        let work = work(interrupt);
        tokio::pin!(work);
        tokio::select! {
            biased;
            code = self.asked() => {
                interrupter.interrupt();
                (work.await, Some(code))
            }
            done = &mut work => (done, None),
        }
    }

    /// Does work that goes on until somebody ends it, for which there is
    /// nothing to say then.
    pub(crate) async fn ended_by(&self, work: impl Future<Output = Outcome>) -> Outcome {
        tokio::select! {
            biased;
            code = self.asked() => Ok(code),
            done = work => done,
        }
    }
}

/// What happened, for the exit code.
pub(crate) fn word(code: u8) -> &'static str {
    if code == TERMINATED {
        "terminated"
    } else {
        "interrupted"
    }
}

async fn relay(mut interrupts: Signal, mut terminations: Signal, asked: watch::Sender<Option<u8>>) {
    loop {
        let code = tokio::select! {
            _ = interrupts.recv() => INTERRUPTED,
            _ = terminations.recv() => TERMINATED,
        };
        if asked.send_replace(Some(code)).is_some() {
            end_at_once(code);
        }
    }
}

#[expect(clippy::exit, reason = "who asks twice does not want to wait")]
fn end_at_once(code: u8) {
    std::process::exit(code.into());
}
