//! Keeps a task's log files small: those that Envoy writes, which knows no
//! limit itself.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::StatusCode;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::admin;
use super::log::{LARGEST, older};
use super::sidecar::ADMIN;
use crate::envoy::log::{ACCESS_LOG, DENIED_LOG, MESH_LOG};

/// How often the files are looked at.
const GLANCE: Duration = Duration::from_secs(1);
/// What Envoy itself has to say; it goes there by the standard output.
pub(super) const ENVOY_LOG: &str = "envoy.log";

/// A running keeper; it ends when this goes.
#[derive(Debug)]
pub(super) struct Keeper(AbortHandle);

// === impl Keeper ===

impl Keeper {
    /// Keeps the logs in `folder` of the Envoy that lives in `home`, also when
    /// another Envoy takes its place.
    pub(super) fn start(folder: PathBuf, home: PathBuf) -> Self {
        Self(tokio::spawn(keep(folder, home)).abort_handle())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn keep(folder: PathBuf, home: PathBuf) {
    let mut moved = false;
    loop {
        sleep(GLANCE).await;
        for name in [ACCESS_LOG, DENIED_LOG, MESH_LOG] {
            moved |= put_aside(&folder.join(name), LARGEST);
        }
        // Until it opens its files anew it goes on writing to those put aside.
        if moved && reopened(&home).await {
            moved = false;
        }
        let _tried_again_soon = empty(&folder.join(ENVOY_LOG), LARGEST);
    }
}

async fn reopened(home: &Path) -> bool {
    let answer = admin::post(home, ADMIN, "/reopen_logs").await;
    matches!(answer, Ok((StatusCode::OK, _)))
}

/// Puts a full file aside; false when it is not full, or not there.
fn put_aside(path: &Path, largest: u64) -> bool {
    is_full(path, largest) && fs::rename(path, older(path)).is_ok()
}

/// Copies a full file aside and empties it, for a writer that keeps it open.
fn empty(path: &Path, largest: u64) -> io::Result<()> {
    if is_full(path, largest) {
        fs::copy(path, older(path))?;
        OpenOptions::new().write(true).open(path)?.set_len(0)?;
    }
    Ok(())
}

fn is_full(path: &Path, largest: u64) -> bool {
    fs::metadata(path).is_ok_and(|data| data.len() >= largest)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::io::Write;

    use super::*;

    #[test]
    fn a_full_file_is_put_aside_and_a_small_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        assert!(!put_aside(&path, 4));
        fs::write(&path, "abc").unwrap();
        assert!(!put_aside(&path, 4));
        fs::write(&path, "abcd").unwrap();
        assert!(put_aside(&path, 4));
        assert!(!path.exists());
        assert_eq!(fs::read_to_string(older(&path)).unwrap(), "abcd");
    }

    #[test]
    fn a_writer_that_keeps_its_file_open_goes_on_at_its_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("envoy.log");
        let mut options = OpenOptions::new();
        let mut writer = options.create(true).append(true).open(&path).unwrap();
        writer.write_all(b"first\n").unwrap();
        empty(&path, 4).unwrap();
        writer.write_all(b"second\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second\n");
        assert_eq!(fs::read_to_string(older(&path)).unwrap(), "first\n");
    }
}
