//! The state of the account and how it reaches the disk.
//!
//! One task writes: it takes a snapshot, writes it beside the old file,
//! forces it to the disk and renames it. Writes are coalesced, and each waits
//! at least twice as long as the one before took, so that a large state never
//! spends its time on being written.

use super::cloudformation::CloudFormationState;
use super::ecr::EcrState;
use super::inventory::Inventory;
use super::key_pairs::KeyPairsState;
use super::s3::S3State;
use super::scheduler::EcsState;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// The version of the file's form; a file of another version is refused.
const FORM: u32 = 1;
const FILE: &str = "state.json";
/// Before a write that failed is tried again.
const RETRY: Duration = Duration::from_millis(500);
const WRITE_INTERVAL: Duration = Duration::from_millis(50);

/// Everything that the account knows, one part a service.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    form: u32,
    /// CloudFormation.
    pub cloudformation: CloudFormationState,
    /// ECR.
    pub ecr: EcrState,
    /// EC2 key pairs.
    pub key_pairs: KeyPairsState,
    /// Resources of all stacks.
    pub inventory: Inventory,
    /// ECS services and their tasks.
    pub ecs: EcsState,
    /// S3 buckets.
    pub s3: S3State,
}

/// Why a state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("cannot {action} `{path}`")]
    File {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a state.
    #[error("`{path}` does not hold an account's state")]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The file was written by another release.
    #[error("`{path}` has form {found}, this release reads form {FORM}")]
    Version {
        /// The file.
        path: PathBuf,
        /// Its form.
        found: u32,
    },
}

/// The state in memory, and the way to its file.
#[derive(Debug)]
pub(super) struct Store {
    state: RwLock<State>,
    path: PathBuf,
    version: watch::Sender<u64>,
    written: watch::Sender<u64>,
    /// Why the last write failed, until one succeeds.
    problem: watch::Sender<Option<String>>,
    hurry: Notify,
}

impl Store {
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(|source| file("create", folder, source))?;
        let path = folder.join(FILE);
        Ok(Self {
            state: RwLock::new(read(&path)?),
            path,
            version: watch::Sender::new(0),
            written: watch::Sender::new(0),
            problem: watch::Sender::new(None),
            hurry: Notify::new(),
        })
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let outcome = change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
        self.version.send_modify(|version| *version += 1);
        outcome
    }

    /// Changes the state when there is something to change: `change` says
    /// whether it did.
    pub(super) fn update_if<T>(&self, change: impl FnOnce(&mut State) -> (bool, T)) -> T {
        let (changed, outcome) =
            change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
        if changed {
            self.version.send_modify(|version| *version += 1);
        }
        outcome
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Why the state is not on the disk, if it is not.
    pub(super) fn problem(&self) -> Option<String> {
        self.problem.borrow().clone()
    }

    /// Waits until everything changed so far is on the disk, or cannot be.
    pub(super) async fn flush(&self) {
        let wanted = *self.version.borrow();
        let mut written = self.written.subscribe();
        self.hurry.notify_one();
        // The sender lives in `self`, so the wait cannot fail.
        let _ = written.wait_for(|version| *version >= wanted).await;
    }

    /// Writes until it is told to stop, then once more.
    pub(super) async fn keep_writing(self: std::sync::Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut changes = self.changes();
        let mut rest = Duration::ZERO;
        loop {
            let stopping = tokio::select! {
                _ = changes.changed() => false,
                () = self.hurry.notified() => false,
                () = tokio::time::sleep(RETRY), if self.problem().is_some() => false,
                _ = stop.wait_for(|stop| *stop) => true,
            };
            if !stopping {
                tokio::select! {
                    () = tokio::time::sleep(rest) => {}
                    () = self.hurry.notified() => {}
                    _ = stop.wait_for(|stop| *stop) => {}
                }
            }
            let started = Instant::now();
            self.write_snapshot(&mut changes).await;
            rest = WRITE_INTERVAL.max(started.elapsed() * 2);
            if stopping {
                return;
            }
        }
    }

    async fn write_snapshot(&self, changes: &mut watch::Receiver<u64>) {
        let (version, snapshot) = self.read(|state| (*changes.borrow_and_update(), state.clone()));
        if *self.written.borrow() < version || self.problem().is_some() {
            let path = self.path.clone();
            let outcome = tokio::task::spawn_blocking(move || write(&path, &snapshot)).await;
            // A full disk heals: it is tried again, and a flush does not wait
            // for ever.
            self.problem.send_replace(match outcome {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(described(&error)),
                Err(panicked) => Some(panicked.to_string()),
            });
        }
        self.written.send_replace(version);
    }
}

fn described(error: &StoreError) -> String {
    let cause =
        std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
    format!("{error}{cause}; what changed since is lost when the local endpoint ends")
}

fn read(path: &Path) -> Result<State, StoreError> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(State {
                form: FORM,
                ..State::default()
            });
        }
        Err(source) => return Err(file("read", path, source)),
    };
    let state: State = serde_json::from_slice(&text).map_err(|source| StoreError::Form {
        path: path.to_owned(),
        source,
    })?;
    if state.form == FORM {
        Ok(state)
    } else {
        Err(StoreError::Version {
            path: path.to_owned(),
            found: state.form,
        })
    }
}

fn write(path: &Path, state: &State) -> Result<(), StoreError> {
    let temporary = path.with_extension("json.new");
    let text = serde_json::to_vec(state).map_err(|source| StoreError::Form {
        path: path.to_owned(),
        source,
    })?;
    let save = || {
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    save().map_err(|source| file("write", path, source))
}

fn file(action: &'static str, path: &Path, source: std::io::Error) -> StoreError {
    StoreError::File {
        action,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn a_write_that_failed_is_told_and_made_up_for() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path()).unwrap());
        let (stop, stopped) = watch::channel(false);
        let writer = tokio::spawn(Arc::clone(&store).keep_writing(stopped));
        // A folder in the file's place is in the way of root, too.
        let obstacle = folder.path().join("state.json.new");
        std::fs::create_dir(&obstacle).unwrap();
        store.update(|_| ());
        store.flush().await;
        assert!(store.problem().unwrap().contains("state.json"));
        std::fs::remove_dir(&obstacle).unwrap();
        let mut problem = store.problem.subscribe();
        let healed = tokio::time::timeout(RETRY * 20, problem.wait_for(Option::is_none));
        healed.await.unwrap().unwrap();
        assert!(folder.path().join(FILE).exists());
        stop.send_replace(true);
        writer.await.unwrap();
    }
}
