//! One task that follows all operations.
//!
//! Statuses of all stacks come with one call; events, which say what happened,
//! are read where a status changed and else in turns. All reads are spaced by the run's [`Pace`], so that their number
//! does not grow with the number of stacks.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::pace::Pace;
use super::tail::Batch;
use super::watched::{Reply, Settled, Watch, Watched};
use super::{Event, Progress};
use crate::aws::{Cloud, CloudError, Stack, StackEvent};

/// How long the endpoint may fail to answer before the watch is given up.
const PATIENCE: Duration = Duration::from_mins(2);
const LOCAL_PATIENCE: Duration = Duration::from_secs(10);
/// The way to the task. It ends when the last of these is dropped.
#[derive(Debug, Clone)]
pub(super) struct Watcher(UnboundedSender<(Watch, Reply)>);

// === impl Watcher ===

impl Watcher {
    pub(super) fn start(cloud: Cloud, pace: Arc<Pace>, events: UnboundedSender<Event>) -> Self {
        let (sender, inbox) = unbounded_channel();
        let task = Task {
            cloud,
            pace,
            events,
            inbox,
            watched: Vec::new(),
            turn: 0,
            cursor: 0,
            by_name: false,
            failing: None,
        };
        tokio::spawn(task.run());
        Self(sender)
    }

    /// Follows an operation to its end.
    pub(super) async fn watch(&self, watch: Watch) -> Result<Settled, CloudError> {
        let (reply, answer) = oneshot::channel();
        self.0
            .send((watch, reply))
            .expect("the task lives as long as a way to it");
        answer.await.expect("the task answers each watch")
    }
}

/// Ids of the newest events, to begin after them.
pub(super) async fn seen_so_far(cloud: &Cloud, stack: &str) -> Result<HashSet<String>, CloudError> {
    Ok(cloud
        .events(stack, None)
        .await?
        .events
        .into_iter()
        .map(|event| event.id)
        .collect())
}

struct Task {
    cloud: Cloud,
    pace: Arc<Pace>,
    events: UnboundedSender<Event>,
    inbox: UnboundedReceiver<(Watch, Reply)>,
    watched: Vec<Watched>,
    turn: usize,
    /// Whose turn it is, where one is read at a time.
    cursor: usize,
    /// Whether the account's stacks cannot be read with one call.
    by_name: bool,
    failing: Option<Instant>,
}

// === impl Task ===

impl Task {
    async fn run(mut self) {
        loop {
            if self.watched.is_empty() {
                let Some(next) = self.inbox.recv().await else {
                    return;
                };
                self.watched.push(Watched::new(next));
            }
            while let Ok(next) = self.inbox.try_recv() {
                self.watched.push(Watched::new(next));
            }
            self.watched.retain(Watched::is_wanted);
            if self.watched.is_empty() {
                continue;
            }
            self.pace.turn().await;
            self.read().await;
            self.answer();
        }
    }

    /// Makes the one read that tells most.
    async fn read(&mut self) {
        self.turn += 1;
        let count = self.watched.len();
        if let Some(due) = self.watched.iter().position(|watched| watched.is_due) {
            self.read_events(due).await;
        } else if count == 1 && !self.turn.is_multiple_of(4) {
            self.read_events(0).await;
        } else if count > 1 && self.turn.is_multiple_of(4) {
            let next = self.next_in_turn();
            self.read_events(next).await;
        } else {
            self.read_statuses().await;
        }
    }

    fn next_in_turn(&mut self) -> usize {
        self.cursor += 1;
        self.cursor % self.watched.len()
    }

    async fn read_statuses(&mut self) {
        let answer = if self.by_name {
            self.one_by_name().await
        } else {
            self.all_at_once().await
        };
        match answer {
            Ok(stacks) => {
                self.answered().await;
                for watched in &mut self.watched {
                    if let Some(stack) = stacks
                        .iter()
                        .find(|stack| stack.id == watched.watch.stack_id)
                    {
                        watched.take_status(&stack.status, stack.status_reason.as_deref());
                    } else if !self.by_name {
                        watched.take_absence();
                    }
                }
            }
            Err(error) => self.failed(error, None).await,
        }
    }

    async fn all_at_once(&mut self) -> Result<Vec<Stack>, CloudError> {
        match self.cloud.stack_page().await {
            Ok(page) => {
                let shows_all = page.is_all
                    || self
                        .watched
                        .iter()
                        .all(|w| page.stacks.iter().any(|stack| stack.id == w.watch.stack_id));
                self.by_name = !shows_all;
                Ok(page.stacks)
            }
            Err(CloudError::AccessDenied { .. }) => {
                self.by_name = true;
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    async fn one_by_name(&mut self) -> Result<Vec<Stack>, CloudError> {
        let next = self.next_in_turn();
        let watched = &self.watched[next];
        Ok(self
            .cloud
            .stack(&watched.watch.stack_id)
            .await?
            .into_iter()
            .collect())
    }

    async fn read_events(&mut self, place: usize) {
        match self.new_events(place).await {
            Ok(events) => {
                self.answered().await;
                for event in events {
                    self.take_event(place, event);
                }
                self.watched[place].after_events();
            }
            Err(error) if error.is_absent() => self.watched[place].is_gone(),
            Err(error) => self.failed(error, Some(place)).await,
        }
    }

    async fn new_events(&mut self, place: usize) -> Result<Vec<StackEvent>, CloudError> {
        let mut batch = Batch::default();
        let mut next = None;
        loop {
            let watched = &self.watched[place];
            let page = self.cloud.events(&watched.watch.stack_id, next).await?;
            let wants_older = watched.tail.add(&mut batch, page.events);
            next = page.next;
            if !wants_older || next.is_none() {
                return Ok(self.watched[place].tail.commit(batch));
            }
            self.pace.turn().await;
        }
    }

    fn take_event(&mut self, place: usize, event: StackEvent) {
        let watched = &mut self.watched[place];
        let step = watched.watch.step.clone();
        let failing = watched.take_event(&event);
        let _ = self.events.send(Event::Resource {
            step: step.clone(),
            stack: step.to_string(),
            logical_id: event.logical_id,
            resource_type: event.resource_type,
            status: event.status,
            reason: event.reason,
            at: event.at,
        });
        if let Some(cause) = failing {
            let _ = self.events.send(Event::StepProgress {
                step,
                progress: Progress::Failing { cause },
            });
        }
    }

    async fn answered(&mut self) {
        self.failing = None;
        self.pace.faster().await;
    }

    /// A read failed. One that may succeed later is tried later, for a while:
    /// what happens to the stacks does not depend on our reading.
    async fn failed(&mut self, error: CloudError, place: Option<usize>) {
        if matches!(error, CloudError::Throttled { .. }) {
            self.pace.slower().await;
        }
        let patience = if self.cloud.is_local() {
            LOCAL_PATIENCE
        } else {
            PATIENCE
        };
        let since = *self.failing.get_or_insert_with(Instant::now);
        if error.is_transient() && since.elapsed() < patience {
            return;
        }
        let concerned = match place {
            Some(place) if !error.is_transient() => vec![self.watched.remove(place)],
            _ => std::mem::take(&mut self.watched),
        };
        for watched in concerned {
            watched.give_up(error.clone());
        }
    }

    fn answer(&mut self) {
        for watched in &mut self.watched {
            watched.answer();
        }
        self.watched.retain(|watched| !watched.is_over());
    }
}
