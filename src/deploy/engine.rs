//! Walks the graph: starts each step the moment its last need is met.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::{self, JoinSet};
use tokio::time::{Instant, timeout};

use super::break_off::break_off;
use super::event::seconds;
use super::made::{clear, forget};
use super::ready::ReadySet;
use super::run::Run;
use super::timeline::{Ending, Span, Stopwatch};
use super::{
    DeployError, Event, ImageSource, Interrupt, LeftBehind, Outcome, StepError, StepFailure, Work,
};
use crate::aws::Cloud;
use crate::plan::{Action, Direction, Plan, StepId};
use crate::stack::StackName;

/// How long the end of a run waits for events that are still to be told.
const LAST_EVENTS: Duration = Duration::from_secs(2);

/// A step that ended well.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finished {
    /// Which.
    pub step: StepId,
    /// What it came to.
    pub outcome: Outcome,
    /// How long it took, in seconds.
    #[serde(serialize_with = "seconds")]
    pub elapsed: Duration,
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// The steps that ended well, in the order in which they ended.
    pub finished: Vec<Finished>,
    /// When each step ran, those that failed or go on too.
    pub timeline: Vec<Span>,
    /// What was replaced and could not be deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<LeftBehind>,
    /// The outputs of the stacks that are up, as far as they are known.
    #[serde(skip)]
    pub outputs: BTreeMap<StackName, BTreeMap<String, String>>,
}

// === impl Report ===

impl Report {
    /// What a step came to, if it ended well.
    pub fn outcome(&self, step: &StepId) -> Option<Outcome> {
        self.finished
            .iter()
            .find(|finished| finished.step == *step)
            .map(|finished| finished.outcome)
    }

    /// Whether anything was changed in the account. An image that was built
    /// is no change until it is pushed.
    pub fn has_changes(&self) -> bool {
        self.finished
            .iter()
            .filter(|finished| finished.step != StepId::ImageBuild)
            .any(|finished| !matches!(finished.outcome, Outcome::Unchanged | Outcome::Absent))
    }
}

/// Brings an environment up as planned.
///
/// After an interrupt nothing new is started. It returns at once and what the
/// endpoint has begun goes on there, unless [`Work::choices`] say to call it off. Running it again takes up where things are.
pub async fn up(
    plan: &Plan,
    cloud: &Cloud,
    work: Work,
    events: UnboundedSender<Event>,
    interrupt: Interrupt,
) -> Result<Report, DeployError> {
    debug_assert_eq!(plan.direction, Direction::Up);
    walk(plan, cloud, work, events, interrupt).await
}

/// Takes an environment down as planned. What is gone already is well.
pub async fn down(
    plan: &Plan,
    cloud: &Cloud,
    work: Work,
    events: UnboundedSender<Event>,
    interrupt: Interrupt,
) -> Result<Report, DeployError> {
    debug_assert_eq!(plan.direction, Direction::Down);
    walk(plan, cloud, work, events, interrupt).await
}

type Ended = (Duration, Result<Outcome, StepError>);

async fn walk(
    plan: &Plan,
    cloud: &Cloud,
    work: Work,
    events: UnboundedSender<Event>,
    mut interrupt: Interrupt,
) -> Result<Report, DeployError> {
    let (run, watching) = Run::new(plan, cloud, work, events.clone());
    let run = Arc::new(run);
    if let Some(ImageSource::Given(reference)) = &run.work.image {
        let _ = run.app_image.set(reference.clone());
    }
    let mut walk = Walk {
        plan,
        run,
        events,
        ready: ReadySet::of(&plan.steps),
        failures: Vec::new(),
        skipped: Vec::new(),
        report: Report::default(),
        names: HashMap::new(),
        tasks: JoinSet::new(),
        stopwatch: Stopwatch::start(),
    };
    loop {
        walk.start();
        if walk.tasks.is_empty() {
            let (cloud, work) = (&walk.run.cloud, &walk.run.work);
            tokio::select! {
                biased;
                () = interrupt.interrupted() => clear(cloud, work).await,
                () = forget(cloud, work) => {}
            }
            let ended = walk.ended();
            // With the run ends the watcher, once the last events are told.
            let _ = timeout(LAST_EVENTS, watching).await;
            return ended;
        }
        tokio::select! {
            biased;
            () = interrupt.interrupted() => return Err(walk.broken_off().await),
            Some(ended) = walk.tasks.join_next_with_id() => {
                let (task, ended) = ended.expect("a step does not panic");
                walk.take(task, ended);
            }
        }
    }
}

/// The one owner of how far a run is.
struct Walk<'a> {
    plan: &'a Plan,
    run: Arc<Run>,
    events: UnboundedSender<Event>,
    ready: ReadySet,
    failures: Vec<Arc<StepFailure>>,
    skipped: Vec<StepId>,
    report: Report,
    names: HashMap<task::Id, StepId>,
    tasks: JoinSet<Ended>,
    stopwatch: Stopwatch,
}

// === impl Walk ===

impl Walk<'_> {
    fn start(&mut self) {
        for step in self.ready.start() {
            self.tell(Event::StepStarted { step: step.clone() });
            self.stopwatch.begin(&step);
            let (direction, run, id) = (self.plan.direction, Arc::clone(&self.run), step.clone());
            let is = |action| {
                let step = self.plan.step(&step);
                step.is_some_and(|step| step.action == action)
            };
            let (is_absent, goes) = (is(Action::Absent), is(Action::Delete));
            let task = self.tasks.spawn(async move {
                let begun = Instant::now();
                let ended = match direction {
                    // What the settings do not want any more.
                    Direction::Up if goes => tear_down(&run, &id).await,
                    Direction::Up => build_up(&run, &id).await,
                    // The pair's private half may be here without the pair.
                    Direction::Down if is_absent && id != StepId::KeyPair => Ok(Outcome::Absent),
                    Direction::Down => tear_down(&run, &id).await,
                };
                (begun.elapsed(), ended)
            });
            self.names.insert(task.id(), step);
        }
    }

    fn take(&mut self, task: task::Id, (elapsed, ended): Ended) {
        let step = self.names.remove(&task).expect("each task is a step");
        match ended {
            Ok(outcome) => {
                self.ready.finish(&step);
                self.stopwatch.end(&step, Ending::Done(outcome));
                self.report.finished.push(Finished {
                    step: step.clone(),
                    outcome,
                    elapsed,
                });
                self.tell(Event::StepFinished {
                    step,
                    outcome,
                    elapsed,
                });
            }
            Err(error) => {
                let lost = self.ready.fail(&step);
                self.stopwatch.end(&step, Ending::Failed);
                let failure = Arc::new(StepFailure {
                    step: step.clone(),
                    error,
                });
                self.failures.push(Arc::clone(&failure));
                self.tell(Event::StepFailed { failure });
                for lost in lost {
                    self.skipped.push(lost.clone());
                    self.tell(Event::StepSkipped {
                        step: lost,
                        because: step.clone(),
                    });
                }
            }
        }
    }

    fn ended(mut self) -> Result<Report, DeployError> {
        self.report.timeline = self.stopwatch.stop(&[]);
        if let Ok(mut left) = self.run.left_behind.lock() {
            self.report.left_behind = std::mem::take(&mut left);
        }
        self.report.outputs = self.run.outputs();
        if self.failures.is_empty() {
            return Ok(self.report);
        }
        Err(DeployError::Failed {
            failures: self.failures,
            skipped: self.skipped,
            report: Box::new(self.report),
        })
    }

    /// Drops what runs here. What runs at the endpoint goes on, or is called
    /// off where that was chosen.
    async fn broken_off(mut self) -> DeployError {
        self.run.leave(&mut self.tasks).await;
        let open: Vec<StepId> = self
            .run
            .ledger
            .open()
            .into_iter()
            .map(|(step, _)| step)
            .collect();
        let (going_on, unfinished): (Vec<StepId>, _) = self
            .ready
            .running()
            .into_iter()
            .partition(|step| open.contains(step));
        self.report.timeline = self.stopwatch.stop(&going_on);
        let called_off = break_off(&self.run).await;
        let is_off = |step: &StepId| called_off.iter().any(|off| off.step == *step);
        DeployError::Interrupted {
            going_on: going_on.into_iter().filter(|step| !is_off(step)).collect(),
            called_off,
            unfinished,
            not_started: self.ready.waiting(),
            report: Box::new(self.report),
        }
    }

    fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }
}

async fn build_up(run: &Run, step: &StepId) -> Result<Outcome, StepError> {
    match step {
        StepId::Stack(name) => run.bring_up(step, name).await,
        StepId::KeyPair => run.ensure_key_pair(step).await,
        StepId::ImageBuild => Ok(run.built_image(step)),
        StepId::ImagePush => run.push_image(step).await,
        StepId::SidecarPush => run.push_sidecars(step).await,
        StepId::EmptyRepository(_) => unreachable!("nothing is emptied on the way up"),
    }
}

async fn tear_down(run: &Run, step: &StepId) -> Result<Outcome, StepError> {
    match step {
        StepId::Stack(name) => run.take_down(step, name).await,
        StepId::KeyPair => run.remove_key_pair().await,
        StepId::EmptyRepository(stack) => run.empty_repository(step, stack).await,
        StepId::ImageBuild | StepId::ImagePush | StepId::SidecarPush => {
            unreachable!("no image is made on the way down")
        }
    }
}
