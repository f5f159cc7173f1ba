//! The key pair: one half in the account, the other on this machine.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::private_key::{self, PrivateKeyError, SavedKey};
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
        let key = save(wanted)?;
        let tags = BTreeMap::from([(OWNER_TAG.to_owned(), self.work.environment.clone())]);
        match self
            .cloud
            .import_key_pair(&wanted.name, &key.public, &tags)
            .await
        {
            Ok(()) => {
                if key.is_new {
                    self.tell(step, Progress::PrivateKeySaved { path: key.path });
                } else {
                    self.tell(
                        step,
                        Progress::KeyPairFound {
                            private_key_here: true,
                        },
                    );
                }
                Ok(Outcome::Created)
            }
            Err(error) => self.not_imported(step, wanted, &key, error),
        }
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
        if error.code() == Some("InvalidKeyPair.Duplicate") {
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
    /// key stays where it is.
    pub(super) async fn remove_key_pair(&self) -> Result<Outcome, StepError> {
        let Some(wanted) = &self.work.key_pair else {
            return Ok(Outcome::Absent);
        };
        match self.cloud.key_pair(&wanted.name).await? {
            None => Ok(Outcome::Absent),
            Some(pair) if pair.tags.get(OWNER_TAG) == Some(&self.work.environment) => {
                self.cloud.delete_key_pair(&wanted.name).await?;
                Ok(Outcome::Deleted)
            }
            Some(_) => Ok(Outcome::Unchanged),
        }
    }
}

fn wanted_path(wanted: &KeyPairWork) -> PathBuf {
    private_key::path(&wanted.directory, &wanted.name)
}

fn save(wanted: &KeyPairWork) -> Result<SavedKey, StepError> {
    private_key::find_or_create(&wanted.directory, &wanted.name).map_err(|error| match error {
        PrivateKeyError::NotAKey => StepError::NotAKey {
            path: wanted_path(wanted),
        },
        PrivateKeyError::File(_) | PrivateKeyError::Key(_) => StepError::PrivateKey {
            path: wanted_path(wanted),
            reason: error.to_string(),
        },
    })
}
