//! ECR: repositories, and the images that were pushed to them.

use super::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All repositories of the account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EcrState {
    /// Repositories by name.
    pub repositories: BTreeMap<String, Repository>,
}

/// One repository.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Repository {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Tags, as in `Key` and `Value`.
    pub tags: BTreeMap<String, String>,
    /// True for `IMMUTABLE` image tags.
    pub immutable: bool,
}
