//! Which call tells what happens.
//!
//! `DescribeEvents` knows operations, so that a roll-back is told from what it
//! takes back, but not every endpoint has it and not every caller may use it.
//! The first answer decides for the rest of the run; what was refused once is
//! not asked again.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::pace::Pace;
use super::tail::{Batch, Start, Tail};
use crate::aws::{Cloud, CloudError, EventPage, EventsOf, Operation, StackEvent};

/// How often the events of an operation that is over may fail to be read.
const MISSES: usize = 20;

/// The events of the account's stacks, one page and one turn at a time.
#[derive(Debug, Clone)]
pub(super) struct History {
    cloud: Cloud,
    pace: Arc<Pace>,
    is_older_call: Arc<AtomicBool>,
}

/// What is being read: nothing of it counts before all of it is in.
#[derive(Debug, Default)]
struct Reading {
    batch: Batch,
    /// Newest first.
    operations: Vec<Operation>,
}

// === impl History ===

impl History {
    /// `cloud` makes one request a call.
    pub(super) fn new(cloud: Cloud, pace: Arc<Pace>) -> Self {
        Self {
            cloud,
            pace,
            is_older_call: Arc::default(),
        }
    }

    /// One page; the caller has taken a turn.
    async fn page(&self, of: EventsOf<'_>, next: Option<String>) -> Result<EventPage, CloudError> {
        let stack = match of {
            EventsOf::Stack(stack) if self.is_older_call.load(Ordering::Relaxed) => {
                return self.learnt(self.cloud.events(stack, next).await);
            }
            EventsOf::Stack(stack) => stack,
            EventsOf::Operation(_) => {
                return self.learnt(self.cloud.operation_events(of, next).await);
            }
        };
        match self.cloud.operation_events(of, next).await {
            Err(error) if is_for_good(&error) => {
                self.is_older_call.store(true, Ordering::Relaxed);
                self.pace.urgent_turn().await;
                self.learnt(self.cloud.events(stack, None).await)
            }
            answer => self.learnt(answer),
        }
    }

    /// The events of a stack that the tail has not seen, and the operation that
    /// is the latest; `known` was that the last time. The caller has taken a
    /// turn for the first page.
    pub(super) async fn fresh(
        &self,
        stack: &str,
        tail: &Tail,
        known: Option<&Operation>,
    ) -> Result<(Batch, Option<Operation>), CloudError> {
        let mut read = Reading::default();
        self.pages(EventsOf::Stack(stack), tail, &mut read).await?;
        if let Some(left) = self.left_behind(stack, &read, known).await? {
            self.pace.urgent_turn().await;
            self.pages(EventsOf::Operation(&left), tail, &mut read)
                .await?;
        }
        Ok((read.batch, read.operations.into_iter().next()))
    }

    /// The events of the last operation on a stack, oldest first.
    pub(super) async fn last_operation(&self, stack: &str) -> Result<Vec<StackEvent>, CloudError> {
        let mut tail = Tail::new(Start::LastOperation);
        let mut misses = 0;
        loop {
            self.pace.turn().await;
            match self.fresh(stack, &tail, None).await {
                Ok((batch, _)) => return Ok(tail.commit(batch)),
                Err(error) if error.is_transient() && misses < MISSES => misses += 1,
                Err(error) => return Err(error),
            }
        }
    }

    async fn pages(
        &self,
        of: EventsOf<'_>,
        tail: &Tail,
        read: &mut Reading,
    ) -> Result<(), CloudError> {
        let mut next = None;
        loop {
            let page = self.page(of, next).await?;
            read.operations.extend(page.operations);
            let wants_older = tail.add(&mut read.batch, page.events);
            next = page.next;
            if !wants_older || next.is_none() {
                return Ok(());
            }
            self.pace.turn().await;
        }
    }

    /// An operation that another one has followed before all of its events were
    /// read: the endpoint shows those of the latest only. It is the one that
    /// was read last, or the one that a roll-back takes back.
    async fn left_behind(
        &self,
        stack: &str,
        read: &Reading,
        known: Option<&Operation>,
    ) -> Result<Option<String>, CloudError> {
        let Some(latest) = read.operations.first() else {
            return Ok(None);
        };
        let left = match known {
            Some(known) => Some(known.clone()),
            None if latest.is_rollback => {
                self.pace.urgent_turn().await;
                let operations = self.learnt(self.cloud.last_operations(stack).await)?;
                before(&operations, &latest.id).cloned()
            }
            None => None,
        };
        let is_shown = |left: &Operation| read.operations.iter().any(|shown| shown.id == left.id);
        Ok(left.filter(|left| !is_shown(left)).map(|left| left.id))
    }

    /// Ids of the newest events of a stack, to begin after them.
    pub(super) async fn seen_so_far(&self, stack: &str) -> Result<HashSet<String>, CloudError> {
        loop {
            self.pace.urgent_turn().await;
            match self.page(EventsOf::Stack(stack), None).await {
                Err(CloudError::Throttled { .. }) => {}
                Err(error) => return Err(error),
                Ok(page) => return Ok(page.events.into_iter().map(id).collect()),
            }
        }
    }

    fn learnt<T>(&self, answer: Result<T, CloudError>) -> Result<T, CloudError> {
        self.pace.learn(&answer);
        answer
    }
}

fn id(event: StackEvent) -> String {
    event.id
}

/// Whether asking again is of no use, and the older call may be of some.
fn is_for_good(error: &CloudError) -> bool {
    match error {
        CloudError::AccessDenied { .. } | CloudError::Unreadable { .. } => true,
        CloudError::Refused { .. } => !error.is_absent(),
        CloudError::NoCredentials { .. }
        | CloudError::ExpiredCredentials { .. }
        | CloudError::RefusedCredentials { .. }
        | CloudError::Unreachable { .. }
        | CloudError::TimedOut { .. }
        | CloudError::Throttled { .. }
        | CloudError::NotBuilt { .. } => false,
    }
}

/// The neighbour of the latest operation, which stands at one end of the list:
/// no document says at which.
fn before<'a>(operations: &'a [Operation], latest: &str) -> Option<&'a Operation> {
    let mut others = operations.iter().filter(|other| !other.is_rollback);
    if operations.last().is_some_and(|last| last.id == latest) {
        others.next_back()
    } else {
        others.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operation_before_a_roll_back_is_found_in_either_order() {
        let operation = |id: &str, is_rollback| Operation {
            id: id.into(),
            is_rollback,
        };
        let mut all = vec![
            operation("create", false),
            operation("update", false),
            operation("rollback", true),
        ];
        let found = |all: &[Operation]| before(all, "rollback").map(|found| found.id.clone());
        assert_eq!(found(&all).as_deref(), Some("update"));
        all.reverse();
        assert_eq!(found(&all).as_deref(), Some("update"));
        assert_eq!(found(&all[..1]), None);
    }
}
