//! Why the last operation on a stack failed, read from its events.

use super::Cause;
use super::cause::CauseFinder;
use super::origin::Places;
use super::pace::Pace;
use super::run::Run;
use super::tail::{Batch, Start, Tail};
use crate::aws::Cloud;
use crate::stack::RenderedStack;

/// Why the last operation on this stack failed, as far as its events tell.
pub async fn cause_of(cloud: &Cloud, stack: &RenderedStack, stack_id: &str) -> Option<Cause> {
    let pace = if cloud.is_local() {
        Pace::local()
    } else {
        Pace::aws()
    };
    let places = Places::of(stack, std::collections::BTreeMap::new());
    read(cloud, &pace, places, stack_id).await
}

impl Run {
    /// The same within a run.
    pub(super) async fn why(&self, stack: &RenderedStack, stack_id: &str) -> Option<Box<Cause>> {
        let found = read(&self.cloud, &self.pace, self.places(stack), stack_id);
        found.await.map(Box::new)
    }
}

async fn read(cloud: &Cloud, pace: &Pace, places: Places, stack_id: &str) -> Option<Cause> {
    let (mut tail, mut batch, mut next) = (Tail::new(Start::LastOperation), Batch::default(), None);
    loop {
        pace.turn().await;
        let page = cloud.events(stack_id, next).await.ok()?;
        let wants_older = tail.add(&mut batch, page.events);
        next = page.next;
        if !wants_older || next.is_none() {
            break;
        }
    }
    let mut finder = CauseFinder::new(places);
    for event in tail.commit(batch) {
        finder.take(&event);
    }
    finder.cause()
}
