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
    /// With the first event that carries this request's token.
    Request(String),
}

/// Remembers which events were seen.
#[derive(Debug)]
pub(super) struct Tail {
    seen: HashSet<String>,
    only_last_operation: bool,
    /// Until events that carry it were seen, others are from before.
    token: Option<String>,
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
        let (seen, token) = match start {
            Start::After(seen) => (seen, None),
            Start::Request(token) => (HashSet::new(), Some(token)),
            Start::Beginning | Start::LastOperation => (HashSet::new(), None),
        };
        Self {
            seen,
            only_last_operation,
            token,
        }
    }

    /// Adds a page to the batch and says whether older ones are wanted. A page
    /// is always read to its end: an event may turn up late, below others.
    pub(super) fn add(&self, batch: &mut Batch, page: Vec<StackEvent>) -> bool {
        let mut reached = false;
        let knows_tokens = page.iter().any(|event| event.token.is_some());
        let token = self.token.as_ref().filter(|_| knows_tokens);
        let by_operation = self.only_last_operation || self.token.is_some() && token.is_none();
        // A page that ends with another operation's event has all of ours.
        let is_theirs = |event: &StackEvent| event.token.as_ref() != token;
        let has_ours = token.is_some() && page.last().is_none_or(is_theirs);
        for event in page {
            if self.seen.contains(&event.id) {
                reached = true;
            } else {
                batch.visited.push(event.id.clone());
                if !batch.at_start {
                    batch.at_start = by_operation && starts_operation(&event);
                    batch.fresh.push(event);
                }
            }
        }
        !reached && !batch.at_start && !has_ours
    }

    /// Takes the batch in and gives its events, oldest first.
    pub(super) fn commit(&mut self, mut batch: Batch) -> Vec<StackEvent> {
        let mut fresh: Vec<StackEvent> = Vec::with_capacity(batch.fresh.len());
        self.only_last_operation &= batch.visited.is_empty();
        self.leave_out_what_was_before(&mut batch);
        for event in batch.fresh.into_iter().rev() {
            // A page may overlap the one before when events came in between.
            if self.seen.insert(event.id.clone()) {
                fresh.push(event);
            }
        }
        self.seen.extend(batch.visited);
        fresh
    }

    /// Where a token says which events are ours, all after the first of them
    /// count: whoever calls our operation off does so with another token.
    fn leave_out_what_was_before(&mut self, batch: &mut Batch) {
        let Some(token) = &self.token else { return };
        if batch.fresh.iter().all(|event| event.token.is_none()) {
            // The endpoint gives no tokens back: the operation that is under
            // way is ours.
            if batch.at_start {
                self.token = None;
            }
            return;
        }
        let is_ours = |event: &StackEvent| event.token.as_ref() == Some(token);
        let first = batch.fresh.iter().rposition(is_ours);
        batch.fresh.truncate(first.map_or(0, |first| first + 1));
        if first.is_some() {
            self.token = None;
        }
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

    fn with_token(mut event: StackEvent, token: &str) -> StackEvent {
        event.token = Some(token.to_owned());
        event
    }

    #[test]
    fn a_request_begins_with_its_own_events() {
        let mut all: Vec<StackEvent> = history(250)
            .into_iter()
            .map(|event| with_token(event, "before"))
            .collect();
        let mut tail = Tail::new(Start::Request("ours".into()));
        assert!(read(&mut tail, &all, 100).is_empty(), "it has not begun");
        for n in 0..150 {
            let event = event(&format!("o{n}"), "A", "DELETE_COMPLETE", "");
            all.push(with_token(event, "ours"));
        }
        let expected: Vec<String> = (0..150).map(|n| format!("o{n}")).collect();
        assert_eq!(read(&mut tail, &all, 100), expected);
        // Somebody calls it off.
        let cancelled = event("c", "stack", "UPDATE_ROLLBACK_IN_PROGRESS", "");
        all.push(with_token(cancelled, "theirs"));
        assert_eq!(read(&mut tail, &all, 100), ["c"]);
    }

    #[test]
    fn without_tokens_a_request_begins_with_the_operation_under_way() {
        let mut all = history(3);
        let mut tail = Tail::new(Start::Request("ours".into()));
        all.push(event("d", "stack", "DELETE_IN_PROGRESS", "User Initiated"));
        all.push(event("a", "A", "DELETE_COMPLETE", ""));
        assert_eq!(read(&mut tail, &all, 100), ["d", "a"]);
        all.push(event("e", "stack", "DELETE_COMPLETE", ""));
        assert_eq!(read(&mut tail, &all, 100), ["e"]);
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
