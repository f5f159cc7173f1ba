//! Private keys on this machine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, LineEnding, PrivateKey};

/// A key pair whose private half is a file here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SavedKey {
    /// Where the private half is.
    pub(super) path: PathBuf,
    /// The public half, in OpenSSH's format.
    pub(super) public: String,
    /// Whether the file was written by this run.
    pub(super) is_new: bool,
}

/// Why there is no private key.
#[derive(Debug, thiserror::Error)]
pub(super) enum PrivateKeyError {
    /// A file is in the way.
    #[error("the file holds no private key")]
    NotAKey,
    /// The file cannot be read or written.
    #[error("{0}")]
    File(#[from] io::Error),
    /// No key could be made.
    #[error("{0}")]
    Key(#[from] ssh_key::Error),
}

/// Whose account a key is made for, which its comment tells. A key of this
/// machine's own account opens nothing, and goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MadeFor {
    /// An environment on this machine.
    Local(String),
    /// An account that outlives this machine.
    Aws,
}

/// How the comment of a key for this machine begins.
const LOCAL: &str = "colormesh local ";

// === impl MadeFor ===

impl MadeFor {
    fn comment(&self, name: &str) -> String {
        match self {
            Self::Local(environment) => format!("{LOCAL}{environment}"),
            Self::Aws => name.to_owned(),
        }
    }
}

/// Where the private key of a pair is kept.
pub(super) fn path(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.pem"))
}

/// Takes the private key that is there, or makes one.
pub(super) fn find_or_create(
    directory: &Path,
    name: &str,
    made_for: &MadeFor,
) -> Result<SavedKey, PrivateKeyError> {
    let path = path(directory, name);
    if let Some(key) = read(&path)? {
        if !is_throw_away(&key, made_for) {
            return Ok(SavedKey {
                path,
                public: key.public_key().to_openssh()?,
                is_new: false,
            });
        }
        fs::remove_file(&path)?;
    }
    create(directory, path, &made_for.comment(name))
}

/// Removes a key that was made for this environment on this machine; any other
/// stays.
pub(super) fn remove(
    directory: &Path,
    name: &str,
    made_for: &MadeFor,
) -> Result<(), PrivateKeyError> {
    let path = path(directory, name);
    let is_ours = |key: &PrivateKey| key.comment() == made_for.comment(name);
    if matches!(made_for, MadeFor::Local(_)) {
        remove_file(&draft(&path))?;
        if matches!(read(&path), Ok(Some(key)) if is_ours(&key)) {
            remove_file(&path)?;
        }
    }
    Ok(())
}

/// Whether a key that goes with this machine's account is wanted for another.
fn is_throw_away(key: &PrivateKey, made_for: &MadeFor) -> bool {
    *made_for == MadeFor::Aws && key.comment().starts_with(LOCAL)
}

fn read(path: &Path) -> Result<Option<PrivateKey>, PrivateKeyError> {
    match fs::read(path) {
        Ok(text) => PrivateKey::from_openssh(text)
            .map(Some)
            .map_err(|_| PrivateKeyError::NotAKey),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn create(directory: &Path, path: PathBuf, comment: &str) -> Result<SavedKey, PrivateKeyError> {
    let mut key = PrivateKey::random(&mut OsRng, Algorithm::Ed25519)?;
    key.set_comment(comment);
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    write_once(&path, key.to_openssh(LineEnding::LF)?.as_bytes())?;
    Ok(SavedKey {
        public: key.public_key().to_openssh()?,
        path,
        is_new: true,
    })
}

/// Writes a file that only its owner reads, whole or not at all, and never
/// over another one: it takes its name only when it is complete, and not when
/// the name is taken.
fn write_once(path: &Path, text: &[u8]) -> io::Result<()> {
    let draft = draft(path);
    remove_file(&draft)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(text)?;
    file.sync_all()?;
    let named = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    named?;
    path.parent()
        .map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

fn draft(path: &Path) -> PathBuf {
    path.with_extension("pem.new")
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join(".ssh");
        let made = find_or_create(&directory, "color-app", &MadeFor::Aws).unwrap();
        assert!(made.is_new && made.public.starts_with("ssh-ed25519 "));
        assert_eq!(
            fs::metadata(&made.path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            fs::metadata(&directory).unwrap().permissions().mode() & 0o777,
            0o700
        );
        let found = find_or_create(&directory, "color-app", &MadeFor::Aws).unwrap();
        assert_eq!(
            found,
            SavedKey {
                is_new: false,
                ..made
            }
        );
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
    }

    #[test]
    fn a_key_goes_only_with_the_account_on_this_machine_that_it_was_made_for() {
        let home = tempfile::tempdir().unwrap();
        let here = MadeFor::Local("demo".to_owned());
        let other = MadeFor::Local("other".to_owned());
        let is_there = || path(home.path(), "k").exists();
        let made = find_or_create(home.path(), "k", &here).unwrap();
        for stranger in [&other, &MadeFor::Aws] {
            remove(home.path(), "k", stranger).unwrap();
            assert!(is_there());
        }
        remove(home.path(), "k", &here).unwrap();
        assert!(!is_there());
        // What is thrown away here opens nothing elsewhere.
        find_or_create(home.path(), "k", &here).unwrap();
        let lasting = find_or_create(home.path(), "k", &MadeFor::Aws).unwrap();
        assert!(lasting.is_new && lasting.public != made.public);
        assert!(!find_or_create(home.path(), "k", &here).unwrap().is_new);
        remove(home.path(), "k", &here).unwrap();
        assert!(is_there());
    }

    #[test]
    fn a_file_that_is_no_key_stays() {
        let home = tempfile::tempdir().unwrap();
        fs::write(path(home.path(), "k"), "mine").unwrap();
        assert!(matches!(
            find_or_create(home.path(), "k", &MadeFor::Aws),
            Err(PrivateKeyError::NotAKey)
        ));
        assert_eq!(fs::read_to_string(path(home.path(), "k")).unwrap(), "mine");
    }

    #[test]
    fn a_name_that_is_taken_meanwhile_is_not_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let taken = path(home.path(), "k");
        fs::write(&taken, "mine").unwrap();
        assert!(write_once(&taken, b"other").is_err());
        assert_eq!(fs::read_to_string(&taken).unwrap(), "mine");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }
}
