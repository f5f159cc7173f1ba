//! The key pair: one half in the account, the other on this machine.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::private_key::{self, MadeFor, PrivateKeyError, SavedKey};
use super::run::Run;
use super::{KeyPairWork, Outcome, Progress, StepError};
use crate::aws::CloudError;
use crate::plan::StepId;
use crate::stack::OWNER_TAG;

impl Run {
    /// Sees to it that the account has the pair. The private half is on disk
    /// before the account learns the public one, so that a kill in between
    /// loses nothing: the next run takes the file that is there.
    pub(super) async fn ensure_key_pair(&self, step: &StepId) -> Result<Outcome, StepError> {
        let Some(wanted) = &self.work.key_pair else {
            return Ok(Outcome::Unchanged);
        };
        if self.cloud.key_pair(&wanted.name).await?.is_some() {
            let private_key_here = private_key::path(&wanted.directory, &wanted.name).exists();
            self.tell(step, Progress::KeyPairFound { private_key_here });
            return Ok(Outcome::Unchanged);
        }
        let key = save(wanted, &self.made_for())?;
        let tags = BTreeMap::from([(OWNER_TAG.to_owned(), self.work.environment.clone())]);
        match self
            .cloud
            .import_key_pair(&wanted.name, &key.public, &tags)
            .await
        {
            Ok(()) => Ok(self.imported(step, key)),
            Err(error) if is_duplicate(&error) => {
                // Ours, when the answer to an earlier attempt was lost.
                match self.cloud.public_key(&wanted.name).await? {
                    Some(there) if is_same(&there, &key.public) => Ok(self.imported(step, key)),
                    _ => self.not_imported(step, wanted, &key, error),
                }
            }
            Err(error) => self.not_imported(step, wanted, &key, error),
        }
    }

    fn imported(&self, step: &StepId, key: SavedKey) -> Outcome {
        let told = if key.is_new {
            Progress::PrivateKeySaved { path: key.path }
        } else {
            Progress::KeyPairFound {
                private_key_here: true,
            }
        };
        self.tell(step, told);
        Outcome::Created
    }

    /// The import failed. A new file goes, unless the account may have its
    /// public half after all.
    fn not_imported(
        &self,
        step: &StepId,
        wanted: &KeyPairWork,
        key: &SavedKey,
        error: CloudError,
    ) -> Result<Outcome, StepError> {
        if error.is_transient() {
            return Err(error.into());
        }
        if key.is_new {
            let _ = std::fs::remove_file(&key.path);
        }
        if is_duplicate(&error) {
            self.tell(
                step,
                Progress::KeyPairFound {
                    private_key_here: wanted_path(wanted).exists(),
                },
            );
            return Ok(Outcome::Unchanged);
        }
        Err(error.into())
    }

    /// Removes the pair from the account if it carries our mark. The private
    /// key stays where it is, unless it was made for an account on this machine
    /// only; then it goes first, so that a kill in between leaves none.
    pub(super) async fn remove_key_pair(&self) -> Result<Outcome, StepError> {
        let Some(wanted) = &self.work.key_pair else {
            return Ok(Outcome::Absent);
        };
        let is_ours = match self.cloud.key_pair(&wanted.name).await? {
            Some(pair) if pair.tags.get(OWNER_TAG) != Some(&self.work.environment) => {
                return Ok(Outcome::Unchanged);
            }
            found => found.is_some(),
        };
        private_key::remove(&wanted.directory, &wanted.name, &self.made_for())
            .map_err(|error| not_saved(wanted, error))?;
        if !is_ours {
            return Ok(Outcome::Absent);
        }
        self.cloud.delete_key_pair(&wanted.name).await?;
        Ok(Outcome::Deleted)
    }

    fn made_for(&self) -> MadeFor {
        if self.cloud.is_local() {
            MadeFor::Local(self.work.environment.clone())
        } else {
            MadeFor::Aws
        }
    }
}

fn is_duplicate(error: &CloudError) -> bool {
    error.code() == Some("InvalidKeyPair.Duplicate")
}

/// Whether two public halves are of one key, whatever their comments.
fn is_same(one: &str, other: &str) -> bool {
    one.split_whitespace()
        .take(2)
        .eq(other.split_whitespace().take(2))
}

fn wanted_path(wanted: &KeyPairWork) -> PathBuf {
    private_key::path(&wanted.directory, &wanted.name)
}

fn save(wanted: &KeyPairWork, made_for: &MadeFor) -> Result<SavedKey, StepError> {
    private_key::find_or_create(&wanted.directory, &wanted.name, made_for)
        .map_err(|error| not_saved(wanted, error))
}

fn not_saved(wanted: &KeyPairWork, error: PrivateKeyError) -> StepError {
    let path = wanted_path(wanted);
    match error {
        PrivateKeyError::NotAKey => StepError::NotAKey { path },
        PrivateKeyError::File(_) | PrivateKeyError::Key(_) => StepError::PrivateKey {
            path,
            reason: error.to_string(),
        },
    }
}
