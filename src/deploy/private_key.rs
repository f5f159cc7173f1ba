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

/// Where the private key of a pair is kept.
pub(super) fn path(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.pem"))
}

/// Takes the private key that is there, or makes one.
pub(super) fn find_or_create(directory: &Path, name: &str) -> Result<SavedKey, PrivateKeyError> {
    let path = path(directory, name);
    match fs::read(&path) {
        Ok(text) => {
            let key = PrivateKey::from_openssh(text).map_err(|_| PrivateKeyError::NotAKey)?;
            Ok(SavedKey {
                path,
                public: key.public_key().to_openssh()?,
                is_new: false,
            })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(directory, path, name),
        Err(error) => Err(error.into()),
    }
}

fn create(directory: &Path, path: PathBuf, name: &str) -> Result<SavedKey, PrivateKeyError> {
    let mut key = PrivateKey::random(&mut OsRng, Algorithm::Ed25519)?;
    key.set_comment(name);
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
    let draft = path.with_extension("pem.new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join(".ssh");
        let made = find_or_create(&directory, "color-app").unwrap();
        assert!(made.is_new && made.public.starts_with("ssh-ed25519 "));
        assert_eq!(
            fs::metadata(&made.path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            fs::metadata(&directory).unwrap().permissions().mode() & 0o777,
            0o700
        );
        let found = find_or_create(&directory, "color-app").unwrap();
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
    fn a_file_that_is_no_key_stays() {
        let home = tempfile::tempdir().unwrap();
        fs::write(path(home.path(), "k"), "mine").unwrap();
        assert!(matches!(
            find_or_create(home.path(), "k"),
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
