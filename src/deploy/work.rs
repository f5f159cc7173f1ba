//! What the engine is given besides the plan.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use crate::image::{Derived, Image};

/// Where the app's image comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageSource {
    /// It was built here and is pushed.
    Built(Arc<Image>),
    /// The user has one, under this reference.
    Given(String),
}

/// The key pair that has to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPairWork {
    /// Its name in the account.
    pub name: String,
    /// Where a private key is saved, as `<name>.pem`.
    pub directory: PathBuf,
}

/// What tells the requests of this run from those of any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunId(String);

// === impl RunId ===

impl RunId {
    /// Takes any text of letters and digits that no other run has.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Makes one from the time and the process.
    pub fn fresh() -> Self {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self(format!("{:x}-{:x}", since.as_micros(), std::process::id()))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the steps work with.
#[derive(Debug, Clone)]
pub struct Work {
    /// The environment's name, which marks what is ours.
    pub environment: String,
    /// The app's image; none on the way down.
    pub image: Option<ImageSource>,
    /// Images with an Envoy and its configuration.
    pub sidecars: Vec<Derived>,
    /// The key pair, if one is wanted.
    pub key_pair: Option<KeyPairWork>,
    /// Whether a stack whose creation failed may be deleted and made anew.
    pub replace_failed: bool,
    /// What tells this run's requests from others.
    pub run: RunId,
}
