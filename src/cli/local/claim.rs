//! Who may do what at the same time on this machine.
//!
//! Two kinds of claim, each the kernel's lock of a file, so that it ends with
//! whoever holds it, however that dies:
//!
//! - on an environment, of this machine or of an account and region of AWS:
//!   `up` and `down` of one environment come one after the other;
//! - on the daemon: every command that works through it shares one; who
//!   starts, restarts or removes it wants it alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::fs::{FlockOperation, flock};
use tokio::time::sleep;

use super::paths::Paths;
use crate::cli::exit::{Exit, FAILED};
use crate::cli::printer::Printer;
use crate::runtime::moment;

/// Between two looks at a claim that somebody else holds.
const PAUSE: Duration = Duration::from_millis(50);

/// Whether others may hold a claim too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// With others that share it.
    Shared,
    /// With nobody.
    Alone,
}

/// Who claims an environment, and whether it waits for its turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claiming {
    command: &'static str,
    leaves: bool,
}

// === impl Claiming ===

impl Claiming {
    /// For a command that leaves when it would have to wait, if `leaves`.
    pub(crate) fn of(command: &'static str, leaves: bool) -> Self {
        Self { command, leaves }
    }
}

/// A claim, held until this goes.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    file: File,
    sharing: Sharing,
    /// Whether the file stays when this goes.
    stays: bool,
}

// === impl Claim ===

impl Claim {
    /// Waits its turn to change an environment and says whom it waits for, or
    /// leaves.
    pub(crate) async fn environment(
        path: &Path,
        name: &str,
        claiming: Claiming,
        printer: Printer,
    ) -> Result<Self> {
        let mut said = false;
        loop {
            if let Some(mut claim) = Self::attempt(path, Sharing::Alone)? {
                claim.sign(claiming.command);
                return Ok(claim);
            }
            if !std::mem::replace(&mut said, true) {
                let holder = holder(path).unwrap_or_else(|| "another command".to_owned());
                if claiming.leaves {
                    return Err(Exit {
                        code: FAILED,
                        message: format!(
                            "{holder} changes `{name}`; nothing was changed by this one"
                        ),
                    }
                    .into());
                }
                printer.say(&format!("waiting for {holder}, which changes `{name}`"));
            }
            sleep(PAUSE).await;
        }
    }

    /// Waits for a claim on the daemon.
    pub(super) async fn daemon(paths: &Paths, sharing: Sharing, printer: Printer) -> Result<Self> {
        let mut said = false;
        loop {
            if let Some(claim) = Self::attempt(&paths.in_use(), sharing)? {
                return Ok(claim);
            }
            if !std::mem::replace(&mut said, true) {
                printer.say("waiting for another command that uses the local endpoint");
            }
            sleep(PAUSE).await;
        }
    }

    /// The claim, when nobody stands against it now.
    pub(crate) fn attempt(path: &Path, sharing: Sharing) -> Result<Option<Self>> {
        let wrong = || wrong(path);
        loop {
            let file = open(path).with_context(wrong)?;
            let operation = match sharing {
                Sharing::Shared => FlockOperation::NonBlockingLockShared,
                Sharing::Alone => FlockOperation::NonBlockingLockExclusive,
            };
            match flock(&file, operation) {
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
                Err(error) => return Err(error).with_context(wrong),
            }
            // Who held it before may have removed the file meanwhile.
            if is_at(&file, path).with_context(wrong)? {
                let path = path.to_owned();
                return Ok(Some(Self {
                    path,
                    file,
                    sharing,
                    stays: false,
                }));
            }
        }
    }

    /// The claim on a file that is there, when nobody holds one. It makes none:
    /// who held it may just have removed it.
    pub(crate) fn found(path: &Path) -> Result<Option<Self>> {
        let wrong = || wrong(path);
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.with_context(wrong)?,
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            locked => locked.with_context(wrong)?,
        }
        let is_there = is_at(&file, path).with_context(wrong)?;
        Ok(is_there.then(|| Self::on(path, file)))
    }

    /// The claim on a file that nobody else knows of yet, and that holds this
    /// from the first.
    pub(crate) fn written(path: &Path, text: &str) -> io::Result<Self> {
        Ok(Self::on(path, placed(path, text)?))
    }

    /// Held alone.
    fn on(path: &Path, file: File) -> Self {
        Self {
            path: path.to_owned(),
            file,
            sharing: Sharing::Alone,
            stays: false,
        }
    }

    /// Gives a shared claim up for one that is held alone, when nobody else
    /// holds one.
    pub(crate) fn alone(self) -> Result<Option<Self>> {
        let path = self.path.clone();
        drop(self);
        Self::attempt(&path, Sharing::Alone)
    }

    /// Leaves word of who holds it.
    fn sign(&mut self, command: &str) {
        let text = format!(
            "`colormesh {command}` (process {}, since {})",
            std::process::id(),
            moment::now()
        );
        // It is only for a message.
        let _disk_full = self.write(&text);
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.rewind()?;
        self.file.set_len(0)?;
        self.file.write_all(text.as_bytes())
    }

    /// Writes what the file is to hold from now on; where that fails it holds
    /// what it held.
    pub(crate) fn rewrite(&mut self, text: &str) -> io::Result<()> {
        self.file = placed(&self.path, text)?;
        Ok(())
    }

    /// What the file holds.
    pub(crate) fn read(&mut self) -> io::Result<String> {
        let mut text = String::new();
        self.file.rewind()?;
        self.file.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Whether the file stays when this goes.
    pub(crate) fn stays(&mut self, stays: bool) {
        self.stays = stays;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.sharing == Sharing::Alone && !self.stays {
            // Nobody else can hold it, so nobody loses it.
            let _gone_already = fs::remove_file(&self.path);
            if let Some(folder) = self.path.parent() {
                let _still_used = fs::remove_dir(folder);
            }
        }
    }
}

/// Opens the file, with its folder, which another command may remove at any
/// moment when it is empty.
fn open(path: &Path) -> io::Result<File> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    loop {
        fs::create_dir_all(folder)?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        match options.mode(0o600).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
    }
}

/// Writes a file beside the path and moves it there, locked.
fn placed(path: &Path, text: &str) -> io::Result<File> {
    let beside = beside(path);
    let write = || {
        let mut file = open(&beside)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&beside, path)?;
        Ok(file)
    };
    let written = write();
    if written.is_err() {
        let _not_made = fs::remove_file(&beside);
    }
    written
}

fn beside(path: &Path) -> PathBuf {
    path.with_added_extension("new")
}

fn wrong(path: &Path) -> String {
    format!(
        "cannot write `{}` (XDG_STATE_HOME names another place for the local target)",
        path.display()
    )
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(there) => {
            let held = file.metadata()?;
            Ok((held.dev(), held.ino()) == (there.dev(), there.ino()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn holder(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.read_to_string(&mut text).ok()?;
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn one_alone_or_many_together_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("colormesh/in-use");
        let attempt = |sharing| Claim::attempt(&path, sharing).unwrap();
        let (one, two) = (attempt(Sharing::Shared), attempt(Sharing::Shared));
        assert!(one.is_some() && two.is_some());
        assert!(attempt(Sharing::Alone).is_none());
        assert!(one.unwrap().alone().unwrap().is_none());
        let alone = two.unwrap().alone().unwrap();
        assert!(alone.is_some() && attempt(Sharing::Shared).is_none());
        drop(alone);
        assert!(!folder.path().join("colormesh").exists());
    }

    #[test]
    fn a_claim_on_a_file_that_was_removed_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("claim");
        let waiting = open(&path).unwrap();
        drop(Claim::attempt(&path, Sharing::Alone).unwrap());
        assert!(!is_at(&waiting, &path).unwrap());
        assert!(Claim::attempt(&path, Sharing::Alone).unwrap().is_some());
    }

    #[test]
    fn a_claim_that_is_only_looked_for_makes_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.note");
        assert!(Claim::found(&path).unwrap().is_none());
        assert!(!path.exists());
        let held = Claim::written(&path, "a\n").unwrap();
        assert!(Claim::found(&path).unwrap().is_none());
        drop(held);
        assert!(!path.exists());
        let mut stays = Claim::written(&path, "b\n").unwrap();
        stays.stays(true);
        drop(stays);
        let found = Claim::found(&path).unwrap();
        assert_eq!(found.unwrap().read().unwrap(), "b\n");
    }

    /// It was emptied first.
    #[test]
    fn a_full_disk_leaves_what_was_written_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.note");
        let mut claim = Claim::written(&path, "a\nb\n").unwrap();
        claim.rewrite("b\n").unwrap();
        assert_eq!(claim.read().unwrap(), "b\n");
        std::os::unix::fs::symlink("/dev/full", beside(&path)).unwrap();
        let error = claim.rewrite("c\n").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_to_string(&path).unwrap(), "b\n");
        // It is still this one's, and nothing lies beside it.
        assert!(Claim::found(&path).unwrap().is_none());
        assert!(fs::symlink_metadata(beside(&path)).is_err());
    }
}
