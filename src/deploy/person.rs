//! Who can be asked while a run is under way.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::plan::StepId;

/// The way to whoever answers; nobody does by default.
#[derive(Debug, Clone, Default)]
pub struct Person(Option<UnboundedSender<Asked>>);

/// Whether a step may lose data.
#[derive(Debug)]
pub struct Asked {
    /// The step.
    pub step: StepId,
    /// What it would lose, in words.
    pub losses: Vec<String>,
    answer: oneshot::Sender<bool>,
}

// === impl Person ===

impl Person {
    /// Somebody, to whom the questions come.
    pub fn listening() -> (Self, UnboundedReceiver<Asked>) {
        let (sender, receiver) = unbounded_channel();
        (Self(Some(sender)), receiver)
    }

    /// Asks whether a step may lose this. No answer is a no.
    pub(super) async fn may_lose(&self, step: &StepId, losses: &[String]) -> bool {
        let (answer, answered) = oneshot::channel();
        let asked = Asked {
            step: step.clone(),
            losses: losses.to_vec(),
            answer,
        };
        let is_sent = self.0.as_ref().is_some_and(|way| way.send(asked).is_ok());
        is_sent && answered.await.unwrap_or(false)
    }
}

// === impl Asked ===

impl Asked {
    /// Answers. The run may be over by then.
    pub fn answer(self, may: bool) {
        let _ = self.answer.send(may);
    }
}
