//! The daemon's lock and its record: whether it lives, where, and as whom.
//!
//! The lock is the kernel's, so it ends with the process however that dies; a
//! record without a lock is left over and means nothing.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::paths::Paths;
use crate::account::lab::LabSettings;

/// How long the lock may be held by those who only look at it.
const LOOK: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(10);

/// What a daemon says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// Its process id, as the machine counts.
    pub(crate) pid: i32,
    /// The first process of its namespaces, which ends last.
    pub(crate) first: i32,
    /// The endpoint's port on loopback.
    pub(crate) port: u16,
    /// What it was told about the outside world: `auto`, `real`, `stand-in`.
    pub(crate) internet: String,
    /// The version of colormesh that it is.
    pub(crate) version: String,
    /// What it does to its clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lab: Option<LabSettings>,
}

impl Record {
    /// The endpoint's URL.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The record of the daemon that runs now.
    pub(crate) fn of_running(paths: &Paths) -> Result<Option<Self>> {
        if !is_locked(paths)? {
            return Ok(None);
        }
        let text = match fs::read_to_string(paths.record()) {
            Ok(text) => text,
            // Locked, but not yet listening.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).context("cannot read the local endpoint's record"),
        };
        serde_json::from_str(&text)
            .map(Some)
            .with_context(|| format!("`{}` is damaged", paths.record().display()))
    }

    /// Writes it for others to find, whole or not at all.
    pub(crate) fn write(&self, paths: &Paths) -> Result<()> {
        let part = paths.record().with_extension("part");
        fs::write(&part, serde_json::to_vec(self)?)?;
        fs::rename(&part, paths.record())?;
        Ok(())
    }
}

/// Whether a daemon holds the lock.
pub(crate) fn is_locked(paths: &Paths) -> Result<bool> {
    let file = match File::open(paths.lock()) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot open `{}`", paths.lock().display()));
        }
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error).context("cannot look at the local endpoint's lock"),
    }
}

/// Takes the lock for as long as the file is held.
pub(crate) async fn lock(paths: &Paths) -> Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(paths.lock())
        .with_context(|| format!("cannot open `{}`", paths.lock().display()))?;
    let deadline = Instant::now() + LOOK;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            // Whoever looks whether it is taken has it for a moment.
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < deadline => {
                sleep(PAUSE).await;
            }
            Err(rustix::io::Errno::WOULDBLOCK) => bail!(
                "a local endpoint runs already over `{}`",
                paths.state.display()
            ),
            Err(error) => return Err(error).context("cannot lock the local endpoint's state"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[tokio::test]
    async fn whoever_looks_at_the_lock_does_not_keep_a_daemon_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        let paths = paths(&folder);
        let looks = File::create(paths.lock()).unwrap();
        flock(&looks, FlockOperation::NonBlockingLockShared).unwrap();
        let (locked, ()) = tokio::join!(lock(&paths), async {
            sleep(LOOK / 5).await;
            drop(looks);
        });
        assert!(locked.is_ok());
    }

    fn paths(folder: &tempfile::TempDir) -> Paths {
        Paths {
            state: folder.path().to_owned(),
            cache: folder.path().to_owned(),
        }
    }

    #[tokio::test]
    async fn a_record_counts_only_under_a_lock() {
        let folder = tempfile::tempdir().unwrap();
        let paths = paths(&folder);
        let record = Record {
            pid: 7,
            first: 6,
            port: 4000,
            internet: "auto".to_owned(),
            version: "1".to_owned(),
            lab: None,
        };
        record.write(&paths).unwrap();
        assert_eq!(Record::of_running(&paths).unwrap(), None);
        let held = lock(&paths).await.unwrap();
        assert_eq!(Record::of_running(&paths).unwrap(), Some(record));
        assert!(lock(&paths).await.is_err());
        drop(held);
        assert_eq!(Record::of_running(&paths).unwrap(), None);
    }
}
