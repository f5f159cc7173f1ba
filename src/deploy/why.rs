//! Why the last operation on a stack failed, read from its events.

use std::sync::Arc;

use super::Cause;
use super::cause::CauseFinder;
use super::history::History;
use super::origin::Places;
use super::pace::Pace;
use super::run::Run;
use crate::aws::Cloud;
use crate::stack::RenderedStack;

/// Why the last operation on this stack failed, as far as its events tell.
pub async fn cause_of(cloud: &Cloud, stack: &RenderedStack, stack_id: &str) -> Option<Cause> {
    let pace = Arc::new(Pace::of(cloud));
    let history = History::new(cloud.without_retries(), pace);
    let places = Places::of(stack, std::collections::BTreeMap::new());
    read(&history, places, stack_id).await
}

impl Run {
    /// The same within a run.
    pub(super) async fn why(&self, stack: &RenderedStack, stack_id: &str) -> Option<Box<Cause>> {
        let found = read(&self.history, self.places(stack), stack_id);
        found.await.map(Box::new)
    }
}

async fn read(history: &History, places: Places, stack_id: &str) -> Option<Cause> {
    let events = history.last_operation(stack_id).await.ok()?;
    let mut finder = CauseFinder::new(places);
    for event in events {
        finder.take(&event);
    }
    finder.cause()
}
