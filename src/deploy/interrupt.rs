//! Breaking off.

use tokio::sync::watch;

/// The end that breaks off.
#[derive(Debug, Clone)]
pub struct Interrupter(watch::Sender<bool>);

/// The end that is told.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<bool>);

// === impl Interrupter ===

impl Interrupter {
    /// Makes both ends.
    pub fn new() -> (Self, Interrupt) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Interrupt(receiver))
    }

    /// Breaks off: nothing new is started.
    pub fn interrupt(&self) {
        self.0.send_replace(true);
    }
}

// === impl Interrupt ===

impl Interrupt {
    /// One that never comes.
    pub fn never() -> Self {
        Interrupter::new().1
    }

    /// Returns once it is interrupted; never, if nobody can.
    pub(super) async fn interrupted(&mut self) {
        if self.0.wait_for(|interrupted| *interrupted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
