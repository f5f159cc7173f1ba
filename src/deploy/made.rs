//! The change sets that a run made and that still wait: what is carried out
//! or removed is struck off, so that at any moment it is known what there is
//! to put away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::Work;
use crate::aws::{ChangeSetKind, Cloud, CloudError, StackStatus};

/// How long a run that is broken off takes at most to put things away.
pub(super) const LEAVING: Duration = Duration::from_millis(800);
/// How long `CloudFormation` is asked to remove a change set that it still
/// works out, which it refuses until it is done.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// A change set that waits to be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Its own name, which no other has.
    pub(super) name: String,
    /// The name of its stack.
    pub(super) stack: String,
    pub(super) kind: ChangeSetKind,
    /// The ARN; its name while that is not known.
    pub(super) id: String,
    /// The ARN of its stack; the stack's name while that is not known.
    pub(super) stack_id: String,
}

#[derive(Debug)]
struct Entry {
    set: Waiting,
    stage: Stage,
}

/// How far a change set is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The call that makes it was not answered.
    Asked,
    /// It waits.
    There,
    /// The call that carries it out was not answered: it may wait, or be
    /// carried out, so that nobody may take it away.
    Started,
}

/// All that wait, by their names.
#[derive(Debug, Clone, Default)]
pub struct Made(Arc<Mutex<BTreeMap<String, Entry>>>);

// === impl Waiting ===

impl Waiting {
    /// One that is about to be asked for.
    pub(super) fn new(name: &str, stack: &str, kind: ChangeSetKind) -> Self {
        Self {
            name: name.to_owned(),
            stack: stack.to_owned(),
            kind,
            id: name.to_owned(),
            stack_id: stack.to_owned(),
        }
    }
}

// === impl Made ===

impl Made {
    /// It counts from the moment before the call that makes it, whose answer
    /// may never be seen.
    pub(super) fn ask(&self, set: Waiting) {
        self.put(&set, Stage::Asked);
    }

    /// It is there, as far as anybody can know.
    pub(super) fn answer(&self, set: &Waiting) {
        self.put(set, Stage::There);
    }

    /// It is about to be carried out.
    pub(super) fn start(&self, set: &Waiting) {
        self.put(set, Stage::Started);
    }

    fn put(&self, set: &Waiting, stage: Stage) {
        let set = set.clone();
        self.lock().insert(set.name.clone(), Entry { set, stage });
    }

    /// It is gone, or does not wait any more.
    pub(super) fn strike(&self, name: &str) {
        self.lock().remove(name);
    }

    /// What waits: each change set with its stack.
    pub fn waiting(&self) -> Vec<(String, String)> {
        let all = self.lock();
        let told = all.values().map(|Entry { set, .. }| set);
        told.map(|set| (set.name.clone(), set.stack.clone()))
            .collect()
    }

    fn holds(&self, name: &str) -> bool {
        self.lock().contains_key(name)
    }

    fn is_answered(&self, name: &str) -> bool {
        self.lock()
            .get(name)
            .is_none_or(|entry| entry.stage == Stage::There)
    }

    /// Begins to remove all that `begun` does not name yet.
    pub(super) fn put_away(&self, ours: &Caller<'_>, begun: &mut Removals) {
        for Entry { set, stage } in self.lock().values() {
            let is_due = match stage {
                Stage::Asked => begun.with_unanswered,
                Stage::There => true,
                Stage::Started => false,
            };
            if is_due && begun.names.insert(set.name.clone()) {
                let (cloud, made) = (ours.cloud.clone(), self.clone());
                let (set, role) = (set.clone(), ours.role.map(str::to_owned));
                begun.tasks.spawn(async move {
                    let ours = Caller {
                        cloud: &cloud,
                        role: role.as_deref(),
                    };
                    // What stays is still in the list.
                    let _ = made.remove(&ours, &set).await;
                });
            }
        }
    }

    /// Removes a change set, and the stack that was made for it when nobody
    /// else's waits there.
    pub(super) async fn remove(&self, ours: &Caller<'_>, set: &Waiting) -> Result<(), CloudError> {
        let cloud = ours.cloud;
        let once = cloud.delete_change_set(&set.stack, &set.name);
        let deleted = match set.kind {
            ChangeSetKind::Update => once.await,
            ChangeSetKind::Create => {
                let (deleted, husk) = tokio::join!(once, self.husk(cloud, set));
                match husk {
                    // What still waits in it goes along.
                    Ok(Some(stack)) => {
                        let token = format!("{}-d", set.name);
                        cloud.delete_stack(&stack, &token, ours.role).await
                    }
                    Ok(None) => deleted,
                    // It may stay, and so it does in the list.
                    Err(error) => deleted.and(Err(error)),
                }
            }
        };
        match deleted {
            Err(error) if is_busy(&error) => delete(cloud, &set.stack, &set.name).await,
            deleted => deleted,
        }?;
        // Without an answer to the call that makes it, it may come yet.
        if self.is_answered(&set.name) {
            self.strike(&set.name);
        }
        Ok(())
    }

    /// Removes a change set alone: another one comes in its place.
    pub(super) async fn drop_alone(&self, cloud: &Cloud, set: &Waiting) {
        if delete(cloud, &set.stack, &set.name).await.is_ok() {
            self.strike(&set.name);
        }
    }

    /// The stack around a change set, when it never had anything but ours, and
    /// that may be seen.
    async fn husk(&self, cloud: &Cloud, set: &Waiting) -> Result<Option<String>, CloudError> {
        let read = tokio::try_join!(cloud.stack(&set.stack_id), cloud.change_sets(&set.stack_id));
        let (stack, sets) = match read {
            Err(CloudError::AccessDenied { .. }) => return Ok(None),
            Err(error) if error.is_absent() => return Ok(None),
            read => read?,
        };
        let is_ours = sets.iter().all(|set| self.holds(&set.name));
        let husk = stack.filter(|stack| stack.status == StackStatus::ReviewInProgress && is_ours);
        Ok(husk.map(|stack| stack.id))
    }

    /// A map is whole between two calls, whoever panicked.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where change sets are removed, and as whom their stacks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) cloud: &'a Cloud,
    pub(super) role: Option<&'a str>,
}

/// Removals under way.
#[derive(Debug, Default)]
pub(super) struct Removals {
    pub(super) tasks: JoinSet<()>,
    /// Of those whose making was not answered too.
    pub(super) with_unanswered: bool,
    names: BTreeSet<String>,
}

/// Removes the change sets of a run that are not carried out, and the empty
/// stacks around them. What stays is in [`Made::waiting`].
pub async fn forget(cloud: &Cloud, work: &Work) {
    removals(cloud, work).tasks.join_all().await;
}

/// The same within a moment, for a command that is to end.
pub async fn clear(cloud: &Cloud, work: &Work) {
    let _ = timeout(LEAVING, forget(cloud, work)).await;
}

fn removals(cloud: &Cloud, work: &Work) -> Removals {
    let mut removals = Removals {
        with_unanswered: true,
        ..Removals::default()
    };
    let role = work.terms.role_arn.as_deref();
    work.made.put_away(&Caller { cloud, role }, &mut removals);
    removals
}

/// Removes a change set; one that is still being worked out, once it is.
pub(super) async fn delete(cloud: &Cloud, stack: &str, name: &str) -> Result<(), CloudError> {
    let end = Instant::now() + PATIENCE;
    loop {
        match cloud.delete_change_set(stack, name).await {
            Err(error) if is_busy(&error) && Instant::now() < end => sleep(PAUSE).await,
            answer => return answer,
        }
    }
}

/// Whether it cannot be removed because it is still being worked out, or
/// something else is being done to it (aws-cdk #26182).
pub(super) fn is_busy(error: &CloudError) -> bool {
    let message = error.message();
    let words = [
        "CREATE_IN_PROGRESS",
        "CREATE_PENDING",
        "currently in progress",
    ];
    error.code() == Some("InvalidChangeSetStatus")
        && words.iter().any(|words| message.contains(words))
}
