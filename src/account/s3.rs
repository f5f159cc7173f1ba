//! S3, as far as templates need it: buckets that somebody makes, and objects
//! that are kept in files beside the state.

use super::clock::Timestamp;
use super::{Account, ApiError};
use crate::image::{Digest, Store};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All buckets of the account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3State {
    /// Buckets by name.
    pub buckets: BTreeMap<String, Bucket>,
}

/// One bucket.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bucket {
    /// When it was made.
    pub created: Timestamp,
    /// Objects by key.
    pub objects: BTreeMap<String, Object>,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// Its content's name among the files.
    pub digest: Digest,
    /// Its length.
    pub size: u64,
    /// When it was put there.
    pub modified: Timestamp,
    /// What it is said to be.
    pub content_type: Option<String>,
}

// === impl S3State ===

impl S3State {
    fn bucket(&mut self, name: &str) -> Result<&mut Bucket, ApiError> {
        self.buckets.get_mut(name).ok_or_else(no_bucket)
    }

    fn uses(&self, digest: &Digest) -> bool {
        let mut objects = self.buckets.values().flat_map(|bucket| &bucket.objects);
        objects.any(|(_, object)| object.digest == *digest)
    }
}

// === impl Account ===

impl Account {
    /// The contents of all objects.
    pub(super) fn objects(&self) -> Store {
        Store::new(self.options().state_dir.join("objects"))
    }

    /// Makes a bucket.
    pub fn create_bucket(&self, name: &str) -> Result<(), ApiError> {
        if !is_bucket(name) {
            let message = "The specified bucket is not valid.";
            return Err(ApiError::new("InvalidBucketName", message));
        }
        self.update(|state| {
            if state.s3.buckets.contains_key(name) {
                let message = "Your previous request to create the named bucket succeeded and \
                               you already own it.";
                return Err(ApiError::new("BucketAlreadyOwnedByYou", message).with_status(409));
            }
            let bucket = Bucket {
                created: Timestamp::now(),
                ..Bucket::default()
            };
            state.s3.buckets.insert(name.to_owned(), bucket);
            Ok(())
        })
    }

    /// Removes an empty bucket.
    pub fn delete_bucket(&self, name: &str) -> Result<(), ApiError> {
        self.update(|state| {
            if !state.s3.bucket(name)?.objects.is_empty() {
                let message = "The bucket you tried to delete is not empty";
                return Err(ApiError::new("BucketNotEmpty", message).with_status(409));
            }
            state.s3.buckets.remove(name);
            Ok(())
        })
    }

    /// Looks at a bucket.
    pub fn bucket<T>(&self, name: &str, look: impl FnOnce(&Bucket) -> T) -> Result<T, ApiError> {
        let found = self.read(|state| state.s3.buckets.get(name).map(look));
        found.ok_or_else(no_bucket)
    }

    /// Puts an object into a bucket, in the place of the one before.
    pub fn put_object(
        &self,
        bucket: &str,
        key: &str,
        bytes: &[u8],
        content_type: Option<String>,
    ) -> Result<Object, ApiError> {
        self.bucket(bucket, |_| ())?;
        let written = self.objects().write(bytes);
        let digest = written.map_err(|error| ApiError::internal(error.to_string()))?;
        let object = Object {
            digest,
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            modified: Timestamp::now(),
            content_type,
        };
        let before = self.update(|state| {
            let bucket = state.s3.bucket(bucket)?;
            Ok(bucket.objects.insert(key.to_owned(), object.clone()))
        })?;
        self.drop_unused(before);
        Ok(object)
    }

    /// An object of a bucket.
    pub fn object(&self, bucket: &str, key: &str) -> Result<Object, ApiError> {
        let found = self.bucket(bucket, |bucket| bucket.objects.get(key).cloned())?;
        found.ok_or_else(|| {
            ApiError::new("NoSuchKey", "The specified key does not exist.").with_status(404)
        })
    }

    /// What an object holds.
    pub fn object_bytes(&self, object: &Object) -> Result<Vec<u8>, ApiError> {
        let read = self.objects().read(&object.digest);
        read.map_err(|error| ApiError::internal(error.to_string()))
    }

    /// Removes an object; one that is not there is no mistake.
    pub fn delete_object(&self, bucket: &str, key: &str) -> Result<(), ApiError> {
        let gone = self.update(|state| Ok(state.s3.bucket(bucket)?.objects.remove(key)))?;
        self.drop_unused(gone);
        Ok(())
    }

    /// A file that cannot be removed costs space and nothing else.
    fn drop_unused(&self, gone: Option<Object>) {
        let Some(gone) = gone else { return };
        self.read(|state| {
            if !state.s3.uses(&gone.digest) {
                let _ = self.objects().remove(&gone.digest);
            }
        });
    }
}

fn no_bucket() -> ApiError {
    ApiError::new("NoSuchBucket", "The specified bucket does not exist").with_status(404)
}

fn is_bucket(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.chars().all(|c| plain(c) || c == '-' || c == '.')
        && name.starts_with(plain)
        && name.ends_with(plain)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn contents_go_with_the_last_object_that_has_them() {
        let folder = tempfile::tempdir().unwrap();
        let account = Account::open(super::super::Options::new(folder.path())).unwrap();
        account.create_bucket("one").unwrap();
        let put = |key: &str, text: &str| {
            let object = account.put_object("one", key, text.as_bytes(), None);
            object.unwrap()
        };
        let first = put("a", "same");
        put("b", "same");
        account.delete_object("one", "a").unwrap();
        assert_eq!(account.object_bytes(&first).unwrap(), b"same");
        put("b", "other");
        assert!(account.object_bytes(&first).is_err());
        let refused = account.delete_bucket("one").unwrap_err();
        assert_eq!(refused.code, "BucketNotEmpty");
        account.delete_object("one", "b").unwrap();
        account.delete_object("one", "b").unwrap();
        account.delete_bucket("one").unwrap();
        assert_eq!(account.object("one", "b").unwrap_err().code, "NoSuchBucket");
    }
}
