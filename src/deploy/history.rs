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
use crate::aws::{Cloud, CloudError, EventPage, EventsOf, Operation, StackEvent};

/// The events of the account's stacks, one page and one turn at a time.
#[derive(Debug, Clone)]
pub(super) struct History {
    cloud: Cloud,
    pace: Arc<Pace>,
    is_older_call: Arc<AtomicBool>,
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
    pub(super) async fn page(
        &self,
        of: EventsOf<'_>,
        next: Option<String>,
    ) -> Result<EventPage, CloudError> {
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

    /// The operation that a roll-back takes back; the caller has taken a turn.
    pub(super) async fn taken_back_by(
        &self,
        stack: &str,
        rollback: &str,
    ) -> Result<Option<Operation>, CloudError> {
        let operations = self.learnt(self.cloud.last_operations(stack).await)?;
        Ok(before(&operations, rollback).cloned())
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
