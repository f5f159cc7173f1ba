//! A key pair of the account.

use std::collections::BTreeMap;

use serde::Serialize;

/// A key pair as the account knows it: a name and the public half.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyPair {
    /// Its id, for example `key-0123456789abcdef0`.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}
