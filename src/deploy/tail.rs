//! Each event once, in order.
//!
//! Pages come newest first. What is new is told by the events' ids alone: the
//! clock of this machine says nothing about the endpoint's, and two events may
//! carry the same time.

use std::collections::HashSet;

use crate::aws::StackEvent;

/// Where a tail begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    /// With the stack's first event.
    Beginning,
    /// After these events.
    After(HashSet<String>),
    /// With the event that started the operation that is under way.
    LastOperation,
}

/// Remembers which events were seen.
#[derive(Debug)]
pub(super) struct Tail {
    seen: HashSet<String>,
    only_last_operation: bool,
}

/// Pages that are being read. Nothing counts as seen until all of them are in.
#[derive(Debug, Default)]
pub(super) struct Batch {
    fresh: Vec<StackEvent>,
    visited: Vec<String>,
    at_start: bool,
}

// === impl Tail ===

impl Tail {
    pub(super) fn new(start: Start) -> Self {
        let only_last_operation = start == Start::LastOperation;
        let seen = match start {
            Start::After(seen) => seen,
            Start::Beginning | Start::LastOperation => HashSet::new(),
        };
        Self {
            seen,
            only_last_operation,
        }
    }

    /// Adds a page to the batch and says whether older ones are wanted. A page
    /// is always read to its end: an event may turn up late, below others.
    pub(super) fn add(&self, batch: &mut Batch, page: Vec<StackEvent>) -> bool {
        let mut reached = false;
        for event in page {
            if self.seen.contains(&event.id) {
                reached = true;
            } else {
                batch.visited.push(event.id.clone());
                if !batch.at_start {
                    batch.at_start = self.only_last_operation && starts_operation(&event);
                    batch.fresh.push(event);
                }
            }
        }
        !reached && !batch.at_start
    }

    /// Takes the batch in and gives its events, oldest first.
    pub(super) fn commit(&mut self, batch: Batch) -> Vec<StackEvent> {
        let mut fresh: Vec<StackEvent> = Vec::with_capacity(batch.fresh.len());
        self.only_last_operation &= batch.visited.is_empty();
        for event in batch.fresh.into_iter().rev() {
            // A page may overlap the one before when events came in between.
            if self.seen.insert(event.id.clone()) {
                fresh.push(event);
            }
        }
        self.seen.extend(batch.visited);
        fresh
    }
}

fn starts_operation(event: &StackEvent) -> bool {
    event.is_of_stack()
        && matches!(
            event.status.as_str(),
            "CREATE_IN_PROGRESS"
                | "UPDATE_IN_PROGRESS"
                | "DELETE_IN_PROGRESS"
                | "IMPORT_IN_PROGRESS"
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::deploy::cause::tests::event;

    /// Reads a history (oldest first) in pages, as the watcher does.
    fn read(tail: &mut Tail, history: &[StackEvent], page: usize) -> Vec<String> {
        let newest_first: Vec<StackEvent> = history.iter().rev().cloned().collect();
        let mut batch = Batch::default();
        for page in newest_first.chunks(page) {
            if !tail.add(&mut batch, page.to_vec()) {
                break;
            }
        }
        tail.commit(batch)
            .into_iter()
            .map(|event| event.id)
            .collect()
    }

    fn history(length: usize) -> Vec<StackEvent> {
        (0..length)
            .map(|n| event(&n.to_string(), "A", "CREATE_COMPLETE", ""))
            .collect()
    }

    proptest! {
        #[test]
        fn each_event_comes_once_and_in_order(steps in proptest::collection::vec(0usize..260, 1..8)) {
            let mut tail = Tail::new(Start::Beginning);
            let total: usize = steps.iter().sum();
            let all = history(total);
            let mut told = Vec::new();
            let mut end = 0;
            for step in steps {
                end += step;
                told.extend(read(&mut tail, &all[..end], 100));
            }
            let expected: Vec<String> = (0..total).map(|n| n.to_string()).collect();
            prop_assert_eq!(told, expected);
        }
    }

    #[test]
    fn older_operations_are_left_out() {
        let mut all = history(3);
        all.push(event("u", "stack", "UPDATE_IN_PROGRESS", "User Initiated"));
        all.push(event("b", "B", "UPDATE_IN_PROGRESS", ""));
        let mut tail = Tail::new(Start::LastOperation);
        assert_eq!(read(&mut tail, &all, 100), ["u", "b"]);
        all.push(event("c", "B", "UPDATE_COMPLETE", ""));
        assert_eq!(read(&mut tail, &all, 100), ["c"]);
    }

    #[test]
    fn what_was_there_before_is_left_out() {
        let all = history(5);
        let before = all[..3].iter().map(|event| event.id.clone()).collect();
        assert_eq!(
            read(&mut Tail::new(Start::After(before)), &all, 100),
            ["3", "4"]
        );
    }
}
