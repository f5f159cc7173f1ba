//! One task that follows all operations.
//!
//! Statuses of all stacks come with one call; events, which say what happened,
//! are read where a status changed and else in turns. All reads are spaced by
//! the run's [`Pace`], so that their number does not grow with the number of
//! stacks. A turn is one request: nothing is sent again on the way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::history::History;
use super::listing::{self, Listing, Look, Seen};
use super::pace::Pace;
use super::watched::{Reply, Settled, Watch, Watched};
use super::{Event, Progress};
use crate::aws::{Cloud, CloudError, StackEvent};
use crate::plan::StepId;

/// How long the endpoint may fail to answer before the watch is given up.
const PATIENCE: Duration = Duration::from_mins(2);
const LOCAL_PATIENCE: Duration = Duration::from_secs(10);
/// Throttling says nothing about the stacks: they go on, and so does the watch.
const THROTTLED_PATIENCE: Duration = Duration::from_mins(60);

/// How long a run that is over goes on for last events.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The way to the task. It ends when the last of these is dropped.
#[derive(Debug, Clone)]
pub(super) struct Watcher(UnboundedSender<(Watch, Reply)>);

// === impl Watcher ===

impl Watcher {
    /// `cloud` makes one request a call. Of `followers` are the steps that come
    /// after a step, in the longest row. The task ends with the last way to it,
    /// when all is told.
    pub(super) fn start(
        cloud: Cloud,
        pace: Arc<Pace>,
        history: History,
        followers: BTreeMap<StepId, usize>,
        events: UnboundedSender<Event>,
    ) -> (Self, JoinHandle<()>) {
        let (sender, inbox) = unbounded_channel();
        let task = Task {
            cloud,
            pace,
            history,
            events,
            inbox,
            followers,
            watched: Vec::new(),
            turn: 0,
            cursor: 0,
            listing: Listing::All,
            failing: None,
        };
        (Self(sender), tokio::spawn(task.run()))
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

struct Task {
    cloud: Cloud,
    pace: Arc<Pace>,
    history: History,
    events: UnboundedSender<Event>,
    inbox: UnboundedReceiver<(Watch, Reply)>,
    followers: BTreeMap<StepId, usize>,
    watched: Vec<Watched>,
    turn: usize,
    /// Whose turn it is, where one is read at a time.
    cursor: usize,
    listing: Listing,
    failing: Option<Instant>,
}

/// What a turn is used for.
enum Read {
    Statuses,
    /// Of the stack at this place, by itself.
    Status(usize),
    Events(usize),
}

// === impl Task ===

impl Task {
    async fn run(mut self) {
        self.follow().await;
        // The run is over: whoever has to wait for turns is not kept for what
        // is only told.
        let _not_all_told = tokio::time::timeout(LAST_WORDS, self.tell_the_rest()).await;
    }

    /// Follows all operations until nobody can come any more, and all that is
    /// left are last events.
    async fn follow(&mut self) {
        while !self.is_last_call() {
            if self.watched.is_empty() {
                let Some(next) = self.inbox.recv().await else {
                    return;
                };
                self.watched.push(Watched::new(next));
            }
            self.take_in();
            if self.watched.is_empty() {
                continue;
            }
            if self.is_urgent() {
                self.pace.urgent_turn().await;
            } else {
                self.turn_or_end().await;
            }
            if self.is_last_call() {
                return;
            }
            self.take_in();
            match self.most_telling() {
                Some(Read::Statuses) => self.read_statuses().await,
                Some(Read::Status(place)) => self.read_status(place).await,
                Some(Read::Events(place)) => self.read_events(place).await,
                None => {}
            }
            self.answer();
        }
    }

    /// Tells the last events.
    async fn tell_the_rest(&mut self) {
        while !self.watched.is_empty() {
            self.pace.urgent_turn().await;
            self.read_events(0).await;
            self.answer();
        }
    }

    /// Waits for a turn; no longer than until nobody can come any more.
    async fn turn_or_end(&mut self) {
        let pace = Arc::clone(&self.pace);
        let turn = pace.turn();
        tokio::pin!(turn);
        while !self.is_last_call() {
            tokio::select! {
                () = &mut turn => return,
                next = self.inbox.recv(), if !self.inbox.is_closed() => {
                    self.watched.extend(next.map(Watched::new));
                }
            }
        }
    }

    fn is_last_call(&self) -> bool {
        self.inbox.is_closed() && self.watched.iter().all(Watched::is_settled)
    }

    fn take_in(&mut self) {
        while let Ok(next) = self.inbox.try_recv() {
            self.watched.push(Watched::new(next));
        }
        self.watched.retain(Watched::is_wanted);
    }

    /// Whether somebody waits for what the next read tells: the end of an
    /// operation that only its events explain.
    fn is_urgent(&self) -> bool {
        let is_idle = |watched: &Watched| watched.is_idle && !watched.is_settled();
        self.due().is_some() || self.watched.iter().any(is_idle)
    }

    fn due(&self) -> Option<usize> {
        self.watched
            .iter()
            .position(|watched| watched.is_due && !watched.is_settled())
    }

    /// The one read that tells most.
    fn most_telling(&mut self) -> Option<Read> {
        self.turn += 1;
        if let Some(due) = self.due() {
            return Some(Read::Events(due));
        }
        let (settled, active): (Vec<usize>, Vec<usize>) =
            (0..self.watched.len()).partition(|place| self.watched[*place].is_settled());
        let idle = active.iter().find(|place| self.watched[**place].is_idle);
        // The last events of a stack are told when there is time for them; the
        // end of the only other one is what is waited for.
        let rarely = if active.len() == 1 { 16 } else { 8 };
        match (settled.first(), idle) {
            (Some(settled), _) if active.is_empty() || self.turn.is_multiple_of(rarely) => {
                Some(Read::Events(*settled))
            }
            (None, _) if active.is_empty() => None,
            (_, Some(idle)) => Some(Read::Status(*idle)),
            (_, None) => Some(self.routine(&active)),
        }
    }

    /// What is read while nothing happens: mostly the statuses, which tell of
    /// all stacks. Of a single stack, and of the one that most steps wait for,
    /// the events tell the end as soon.
    fn routine(&mut self, active: &[usize]) -> Read {
        let every = |turns: usize| self.turn.is_multiple_of(turns);
        let (second, fourth, eighth) = (every(2), every(4), every(8));
        let followers = |place: &usize| self.followers.get(&self.watched[*place].watch.step);
        let most = active.iter().map(followers).max();
        let awaited = active.iter().filter(|place| Some(followers(place)) == most);
        let awaited: Vec<usize> = awaited.copied().collect();
        match (self.listing, active, awaited.as_slice()) {
            // Where stacks are read one by one, events tell more.
            (Listing::Single, _, _) if !fourth => Read::Events(self.next_of(active)),
            (Listing::Single, _, _) => Read::Statuses,
            (_, [only], _) if second => Read::Events(*only),
            (_, _, _) if eighth => Read::Events(self.next_of(active)),
            (_, _, [awaited]) if fourth => Read::Events(*awaited),
            _ => Read::Statuses,
        }
    }

    fn next_of(&mut self, places: &[usize]) -> usize {
        self.cursor += 1;
        places[self.cursor % places.len()]
    }

    async fn read_statuses(&mut self) {
        let places: Vec<usize> = (0..self.watched.len()).collect();
        let next = self.next_of(&places);
        let one = &self.watched[next].watch.stack_id;
        let look = self.listing.look(&self.cloud, one).await;
        self.pace.learn(&look);
        let wanted = self.watched.iter().map(|w| w.watch.stack_id.as_str());
        match self.listing.learn(look, wanted) {
            Ok(look) => self.take_look(&look),
            Err(error) => self.failed(error, None),
        }
    }

    async fn read_status(&mut self, place: usize) {
        let look = listing::single(&self.cloud, &self.watched[place].watch.stack_id).await;
        self.pace.learn(&look);
        match look {
            Ok(look) => self.take_look(&look),
            Err(error) => self.failed(error, Some(place)),
        }
    }

    fn take_look(&mut self, look: &Look) {
        self.failing = None;
        for watched in &mut self.watched {
            match look.of(&watched.watch.stack_id) {
                Seen::Status(status, reason) => {
                    if let Some(stack) = look.stack(&watched.watch.stack_id) {
                        watched.take_outputs(&stack.outputs);
                    }
                    watched.take_status(&status, reason.as_deref());
                }
                Seen::Absent => watched.take_absence(),
                Seen::Idle => watched.take_idleness(),
                Seen::Unknown => {}
            }
        }
    }

    async fn read_events(&mut self, place: usize) {
        match self.new_events(place).await {
            Ok(events) => {
                self.failing = None;
                for event in events {
                    self.take_event(place, event);
                }
                self.watched[place].after_events();
            }
            Err(error) if error.is_absent() => self.watched[place].is_gone(),
            Err(error) => self.failed(error, Some(place)),
        }
    }

    /// The events that were not told yet, oldest first. Nothing counts as told
    /// before all pages are in.
    async fn new_events(&mut self, place: usize) -> Result<Vec<StackEvent>, CloudError> {
        let watched = &mut self.watched[place];
        let stack = &watched.watch.stack_id;
        let known = watched.operation.as_ref();
        let (batch, latest) = self.history.fresh(stack, &watched.tail, known).await?;
        watched.operation = latest.or(watched.operation.take());
        Ok(watched.tail.commit(batch))
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

    /// A read failed. One that may succeed later is tried later, for a while:
    /// what happens to the stacks does not depend on our reading.
    fn failed(&mut self, error: CloudError, place: Option<usize>) {
        let patience = match &error {
            CloudError::Throttled { .. } => THROTTLED_PATIENCE,
            _ if self.cloud.is_local() => LOCAL_PATIENCE,
            _ => PATIENCE,
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
