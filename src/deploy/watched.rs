//! One operation that is followed, and how far it is.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Cause;
use super::cause::CauseFinder;
use super::origin::Places;
use super::tail::{Start, Tail};
use crate::aws::{CloudError, Operation, StackEvent, StackStatus};
use crate::plan::StepId;

/// How long a stack's status may say that an operation is over before it is
/// believed without an event that says so.
const QUIET: Duration = Duration::from_secs(5);
const LONG_QUIET: Duration = Duration::from_secs(30);
/// How often in a row a stack may be missing in the account and still be there.
const LATE: u8 = 5;
/// How often the events of an operation that is over are still read for its
/// last event.
const LAST_READS: u8 = 3;

/// Where an operation ended.
#[derive(Debug, Clone)]
pub(super) struct Settled {
    pub(super) status: StackStatus,
    pub(super) reason: Option<String>,
    pub(super) cause: Option<Cause>,
    /// The stack's outputs, where the end was seen in a look that told them.
    pub(super) outputs: Option<BTreeMap<String, String>>,
}

/// What to follow.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) step: StepId,
    pub(super) stack_id: String,
    /// The operation's token, if we started it.
    pub(super) token: Option<String>,
    pub(super) start: Start,
    /// Where the stack's resources stand in its template.
    pub(super) places: Places,
}

/// Where the end is awaited.
pub(super) type Reply = oneshot::Sender<Result<Settled, CloudError>>;

/// An operation that is followed.
///
/// It is over when an event of the stack itself says so. A success is believed
/// on the word of the status alone, once the operation was seen under way, so
/// that what waits for it starts at once; its last events are read after that.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that was seen, in whatever order"
)]
pub(super) struct Watched {
    pub(super) watch: Watch,
    pub(super) tail: Tail,
    /// The events are to be read before anything else.
    pub(super) is_due: bool,
    /// Nothing is being done to the stack, and no event has said why.
    pub(super) is_idle: bool,
    /// The operation whose events were read last, where the endpoint tells.
    pub(super) operation: Option<Operation>,
    reply: Option<Reply>,
    cause: CauseFinder,
    listed: Option<StackStatus>,
    /// Those of the last look that told them.
    outputs: Option<BTreeMap<String, String>>,
    was_busy: bool,
    /// An event told the end of the operation, but not what it came to.
    is_over_by_events: bool,
    /// The stack was not there before, so that whatever it comes to is ours.
    is_creation: bool,
    /// It was there when it was told to go.
    is_deletion: bool,
    /// How often in a row the account did not hold the stack.
    absences: u8,
    quiet_since: Option<Instant>,
    settled: Option<Settled>,
    told_end: bool,
    last_reads: u8,
}

// === impl Watched ===

impl Watched {
    pub(super) fn new((mut watch, reply): (Watch, Reply)) -> Self {
        let start = std::mem::replace(&mut watch.start, Start::Beginning);
        Self {
            cause: CauseFinder::new(watch.places.clone()),
            is_creation: start == Start::Beginning,
            // What is listed is known by its ARN: under a name nothing shows,
            // whether it is there or not.
            is_deletion: matches!(start, Start::Request(_)) && watch.stack_id.starts_with("arn:"),
            watch,
            tail: Tail::new(start),
            is_due: false,
            is_idle: false,
            operation: None,
            reply: Some(reply),
            listed: None,
            outputs: None,
            was_busy: false,
            is_over_by_events: false,
            absences: 0,
            quiet_since: None,
            settled: None,
            told_end: false,
            last_reads: LAST_READS,
        }
    }

    /// Takes the status that the account's listing shows.
    pub(super) fn take_status(&mut self, status: &StackStatus, reason: Option<&str>) {
        let is_changed = self.listed.as_ref().is_some_and(|listed| listed != status);
        self.is_due |= is_changed;
        self.is_idle = false;
        self.absences = 0;
        self.listed = Some(status.clone());
        if status.is_in_progress() || *status == StackStatus::ReviewInProgress {
            self.was_busy = true;
            self.is_over_by_events = false;
            self.quiet_since = None;
            return;
        }
        let is_success = matches!(
            status,
            StackStatus::CreateComplete | StackStatus::UpdateComplete
        );
        let quiet = self.quiet_since.get_or_insert_with(Instant::now).elapsed();
        let was_busy = self.was_busy || self.is_creation;
        // It may be over already, or not have begun: its events know.
        self.is_due |= (!self.was_busy || !is_success) && !self.is_over_by_events;
        let is_believed = match (was_busy, is_success) {
            (true, true) => true,
            // What is deleted stays so.
            _ if *status == StackStatus::DeleteComplete || self.is_over_by_events => true,
            (true, false) => quiet > QUIET,
            (false, _) => quiet > LONG_QUIET,
        };
        if is_believed {
            self.told_end |= self.is_over_by_events;
            self.settle(status.clone(), reason.map(str::to_owned));
        }
    }

    /// The account does not hold the stack. One that was being deleted is gone;
    /// one that was just made may be late to show.
    pub(super) fn take_absence(&mut self) {
        let was_going = self.is_deletion || self.listed == Some(StackStatus::DeleteInProgress);
        self.is_due = true;
        self.absences = self.absences.saturating_add(1);
        if was_going || self.absences > LATE {
            self.settle(StackStatus::DeleteComplete, None);
        }
    }

    /// Takes the outputs that a look told with the status.
    pub(super) fn take_outputs(&mut self, outputs: &BTreeMap<String, String>) {
        self.outputs = Some(outputs.clone());
    }

    /// The stack is not among those that something is being done to.
    pub(super) fn take_idleness(&mut self) {
        self.is_due = true;
        self.is_idle = true;
    }

    /// Takes an event. Gives the cause when it is the first failure.
    pub(super) fn take_event(&mut self, event: &StackEvent) -> Option<Cause> {
        let failing = self.cause.take(event);
        if event.is_of_stack() {
            self.was_busy |= event.status.is_in_progress();
            let is_ours = match (&self.watch.token, &event.token) {
                (Some(ours), Some(theirs)) => ours == theirs,
                _ => true,
            };
            let status = StackStatus::from(event.status.as_str());
            let is_known = !matches!(status, StackStatus::Unknown(_));
            match (is_ours && !event.status.is_in_progress(), is_known) {
                (true, true) => {
                    self.told_end = true;
                    self.settle(status, event.reason.clone());
                }
                // The operation is over; the stack says what became of it.
                (true, false) => {
                    self.is_over_by_events = true;
                    self.is_idle = true;
                }
                (false, _) => self.is_over_by_events = false,
            }
        }
        failing
    }

    /// The events were read.
    pub(super) fn after_events(&mut self) {
        self.is_due = false;
        if self.reply.is_none() {
            self.last_reads = self.last_reads.saturating_sub(1);
        }
    }

    /// Neither the stack nor its events are there any more.
    pub(super) fn is_gone(&mut self) {
        self.told_end = true;
        self.settle(StackStatus::DeleteComplete, None);
    }

    fn settle(&mut self, status: StackStatus, reason: Option<String>) {
        let cause = self.cause.cause();
        self.settled.get_or_insert(Settled {
            status,
            reason,
            cause,
            outputs: None,
        });
    }

    /// Answers, once there is something to answer.
    pub(super) fn answer(&mut self) {
        if let Some(settled) = &self.settled
            && let Some(reply) = self.reply.take()
        {
            let mut settled = settled.clone();
            // Outputs of a look before the end may be those of before.
            settled.outputs = self.outputs.take().filter(|_| !self.told_end);
            let _ = reply.send(Ok(settled));
        }
    }

    /// Whether its end is known, and only its last events are still to be told.
    pub(super) fn is_settled(&self) -> bool {
        self.settled.is_some()
    }

    /// It can no longer be followed.
    pub(super) fn give_up(self, error: CloudError) {
        if let Some(reply) = self.reply {
            let _ = reply.send(Err(error));
        }
    }

    /// Whether somebody waits, or the last events are still to be told.
    pub(super) fn is_wanted(&self) -> bool {
        self.reply.as_ref().is_none_or(|reply| !reply.is_closed())
    }

    /// Whether all is told.
    pub(super) fn is_over(&self) -> bool {
        self.settled.is_some() && (self.told_end || self.last_reads == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::cause::tests::event;

    fn watched() -> (Watched, oneshot::Receiver<Result<Settled, CloudError>>) {
        followed_from(Start::Request("ours".into()))
    }

    fn followed_from(start: Start) -> (Watched, oneshot::Receiver<Result<Settled, CloudError>>) {
        followed("arn:x", start)
    }

    fn followed(
        stack_id: &str,
        start: Start,
    ) -> (Watched, oneshot::Receiver<Result<Settled, CloudError>>) {
        let (reply, answer) = oneshot::channel();
        let watch = Watch {
            step: StepId::KeyPair,
            stack_id: stack_id.into(),
            token: Some("ours".into()),
            start,
            places: Places::default(),
        };
        (Watched::new((watch, reply)), answer)
    }

    #[test]
    fn the_status_of_an_earlier_operation_is_not_taken_for_the_end() {
        let (mut watched, mut answer) = watched();
        watched.take_status(&StackStatus::UpdateComplete, None);
        watched.answer();
        assert!(answer.try_recv().is_err());
        watched.take_status(&StackStatus::UpdateInProgress, None);
        watched.take_status(&StackStatus::UpdateComplete, None);
        watched.answer();
        assert!(answer.try_recv().is_ok());
        assert!(
            watched.is_settled() && !watched.is_over(),
            "its last events are still to be told"
        );
    }

    #[test]
    fn the_end_of_another_operation_is_not_ours() {
        let (mut watched, mut answer) = watched();
        let mut theirs = event("1", "stack", "UPDATE_COMPLETE", "");
        theirs.token = Some("theirs".into());
        watched.take_event(&theirs);
        watched.answer();
        assert!(answer.try_recv().is_err());
    }

    /// A stack may be made between two looks.
    #[test]
    fn a_creation_that_was_never_seen_under_way_is_over_when_its_status_says_so() {
        let (mut watched, mut answer) = followed_from(Start::Beginning);
        watched.take_status(&StackStatus::CreateComplete, None);
        watched.answer();
        assert!(answer.try_recv().is_ok());
        let (mut watched, mut answer) = followed_from(Start::Beginning);
        watched.take_status(&StackStatus::RollbackComplete, None);
        watched.answer();
        assert!(answer.try_recv().is_err(), "the cause comes first");
    }

    /// The listing of an account may lag behind: a stack that was just made is
    /// not gone because it does not show.
    #[test]
    fn a_new_stack_that_does_not_show_yet_is_not_taken_for_deleted() {
        let (mut watched, mut answer) = followed_from(Start::Beginning);
        watched.take_status(&StackStatus::CreateInProgress, None);
        watched.take_absence();
        watched.answer();
        assert!(answer.try_recv().is_err());
        assert!(watched.is_due, "its events know better");
        watched.take_status(&StackStatus::DeleteInProgress, None);
        watched.take_absence();
        watched.answer();
        assert!(answer.try_recv().is_ok());
    }

    /// Each such stack cost a read of its events, while others waited.
    #[test]
    fn a_stack_that_was_told_to_go_and_is_not_there_is_gone() {
        let (mut watched, mut answer) = watched();
        watched.take_absence();
        watched.answer();
        let settled = answer.try_recv().expect("an answer").expect("an end");
        assert_eq!(settled.status, StackStatus::DeleteComplete);
    }

    /// One that was called off before its ARN was known was reported deleted at
    /// once.
    #[test]
    fn a_stack_that_is_known_by_name_alone_is_not_gone_because_it_does_not_show() {
        let (mut watched, mut answer) = followed("s", Start::Request("ours".into()));
        watched.take_absence();
        watched.answer();
        assert!(answer.try_recv().is_err());
        assert!(watched.is_due, "its events know better");
    }

    #[test]
    fn a_failure_waits_for_its_cause() {
        let (mut watched, mut answer) = watched();
        watched.take_status(&StackStatus::CreateInProgress, None);
        watched.take_status(&StackStatus::RollbackComplete, None);
        watched.answer();
        assert!(answer.try_recv().is_err());
        watched.take_event(&event("1", "A", "CREATE_FAILED", "no such image"));
        watched.take_event(&event("2", "stack", "ROLLBACK_COMPLETE", ""));
        watched.answer();
        let settled = answer.try_recv().expect("an answer").expect("an end");
        assert_eq!(settled.cause.expect("a cause").reason, "no such image");
        assert!(watched.is_over());
    }
}
