//! Blobs on disk, each under its digest.
//!
//! A blob is checked before it gets its name and again when it is read, so a
//! file that is there is whole, whatever was killed in between. Writing is to
//! `uploads/`, then a rename.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::Digest;

/// Uploads of one process are told apart by number.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A folder of blobs. Folders are made with the first blob.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// A blob that is still being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadId(String);

/// Why a blob could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store has no such blob.
    #[error("the blob {0} is not stored here")]
    Unknown(Digest),
    /// There is no such upload, or it has ended.
    #[error("there is no upload `{0}`")]
    UnknownUpload(String),
    /// The content is not what its name says.
    #[error("the content has the digest {actual}, not {expected}")]
    Mismatch {
        /// The name.
        expected: Digest,
        /// What the content really is.
        actual: Digest,
    },
    /// The disk failed.
    #[error("cannot use the image store `{}`", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What happened.
        #[source]
        source: io::Error,
    },
}

// === impl Store ===

impl Store {
    /// The store in this folder.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Removes what interrupted uploads left. For the start of the one process
    /// that writes here.
    pub fn sweep(&self) -> Result<(), StoreError> {
        let uploads = self.uploads();
        let entries = match fs::read_dir(&uploads) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(disk(&uploads))?,
        };
        for entry in entries {
            let path = entry.map_err(disk(&uploads))?.path();
            fs::remove_file(&path).map_err(disk(&path))?;
        }
        Ok(())
    }

    /// The file of a blob, whether it is there or not.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.blobs().join(digest.hex())
    }

    /// The length of a blob, if it is there.
    pub fn size(&self, digest: &Digest) -> Option<u64> {
        fs::metadata(self.path(digest)).ok().map(|meta| meta.len())
    }

    /// Whether a blob is there.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.size(digest).is_some()
    }

    /// Opens a blob for reading. The reader is not checked: see [`Store::read`].
    pub fn file(&self, digest: &Digest) -> Result<File, StoreError> {
        let path = self.path(digest);
        File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StoreError::Unknown(digest.clone()),
            _ => disk(&path)(error),
        })
    }

    /// Reads a blob whole, and checks it.
    pub fn read(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        io::copy(&mut self.file(digest)?, &mut bytes).map_err(disk(&self.path(digest)))?;
        check(digest, Digest::of(&bytes))?;
        Ok(bytes)
    }

    /// Writes a blob, and says its name.
    pub fn write(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = Digest::of(bytes);
        if !self.contains(&digest) {
            let upload = self.begin()?;
            self.append(&upload, bytes)?;
            self.finish(&upload, &digest)?;
        }
        Ok(digest)
    }

    /// Removes a blob; one that is not there is no error.
    pub fn remove(&self, digest: &Digest) -> Result<(), StoreError> {
        let path = self.path(digest);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk(&path)(error)),
            _ => Ok(()),
        }
    }

    /// Starts an upload.
    pub fn begin(&self) -> Result<UploadId, StoreError> {
        for folder in [self.blobs(), self.uploads()] {
            fs::create_dir_all(&folder).map_err(disk(&folder))?;
        }
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let id = UploadId(format!("{}-{number}", std::process::id()));
            let path = self.upload_path(&id);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(_) => return Ok(id),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(disk(&path)(error)),
            }
        }
    }

    /// The upload of that name, if it has begun and not ended.
    pub fn upload(&self, name: &str) -> Result<UploadId, StoreError> {
        let id = UploadId(name.to_owned());
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        if is_name && self.upload_path(&id).is_file() {
            Ok(id)
        } else {
            Err(StoreError::UnknownUpload(name.to_owned()))
        }
    }

    /// Adds to an upload, and says how long it is now.
    pub fn append(&self, upload: &UploadId, bytes: &[u8]) -> Result<u64, StoreError> {
        let path = self.upload_path(upload);
        let mut file = OpenOptions::new()
            .append(true)
            .open(&path)
            .map_err(disk(&path))?;
        if let Err(error) = file.write_all(bytes) {
            // Half a piece is of no use, and a full disk has better ones.
            let _ = fs::remove_file(&path);
            return Err(disk(&path)(error));
        }
        Ok(file.metadata().map_err(disk(&path))?.len())
    }

    /// How long an upload is.
    pub fn uploaded(&self, upload: &UploadId) -> Result<u64, StoreError> {
        let path = self.upload_path(upload);
        Ok(fs::metadata(&path).map_err(disk(&path))?.len())
    }

    /// Ends an upload: checks it, and gives it its name. Wrong content is removed.
    pub fn finish(&self, upload: &UploadId, digest: &Digest) -> Result<(), StoreError> {
        let path = self.upload_path(upload);
        let file = File::open(&path).map_err(disk(&path))?;
        let actual = Digest::of_reader(&file).map_err(disk(&path))?;
        if let Err(error) = check(digest, actual) {
            self.abandon(upload)?;
            return Err(error);
        }
        file.sync_all().map_err(disk(&path))?;
        fs::rename(&path, self.path(digest)).map_err(disk(&path))?;
        let blobs = self.blobs();
        File::open(&blobs)
            .and_then(|folder| folder.sync_all())
            .map_err(disk(&blobs))
    }

    /// Ends an upload without a blob.
    pub fn abandon(&self, upload: &UploadId) -> Result<(), StoreError> {
        let path = self.upload_path(upload);
        fs::remove_file(&path).map_err(disk(&path))
    }

    fn blobs(&self) -> PathBuf {
        self.root.join("blobs").join("sha256")
    }

    fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    fn upload_path(&self, id: &UploadId) -> PathBuf {
        self.uploads().join(&id.0)
    }
}

// === impl UploadId ===

impl UploadId {
    /// The name by which [`Store::upload`] finds it again.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(expected: &Digest, actual: Digest) -> Result<(), StoreError> {
    if *expected == actual {
        return Ok(());
    }
    Err(StoreError::Mismatch {
        expected: expected.clone(),
        actual,
    })
}

fn disk(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Disk { path, source }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        (folder, store)
    }

    #[test]
    fn an_upload_in_pieces_becomes_a_blob() {
        let (_folder, store) = store();
        let upload = store.begin().unwrap();
        store.append(&upload, b"one ").unwrap();
        let again = store.upload(upload.as_str()).unwrap();
        assert_eq!(store.append(&again, b"two").unwrap(), 7);
        let digest = Digest::of(b"one two");
        store.finish(&again, &digest).unwrap();
        assert_eq!(store.read(&digest).unwrap(), b"one two");
        assert!(store.upload(upload.as_str()).is_err());
    }

    #[test]
    fn wrong_content_is_refused_and_removed() {
        let (folder, store) = store();
        let upload = store.begin().unwrap();
        store.append(&upload, b"other").unwrap();
        let error = store.finish(&upload, &Digest::of(b"this")).unwrap_err();
        assert!(matches!(error, StoreError::Mismatch { .. }));
        assert_eq!(
            fs::read_dir(folder.path().join("uploads")).unwrap().count(),
            0
        );
    }

    #[test]
    fn a_tampered_blob_is_refused() {
        let (_folder, store) = store();
        let digest = store.write(b"honest").unwrap();
        fs::write(store.path(&digest), b"forged").unwrap();
        let error = store.read(&digest).unwrap_err();
        assert!(matches!(error, StoreError::Mismatch { .. }));
    }

    #[test]
    fn upload_names_lead_nowhere_else() {
        let (_folder, store) = store();
        for name in ["", "..", "../blobs", "/etc/passwd", "1-1"] {
            assert!(store.upload(name).is_err(), "{name}");
        }
    }
}
