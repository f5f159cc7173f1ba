//! What the engine is given besides the plan.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::{Choices, Made, Person, Review, Terms};
use crate::image::{Derived, Image};

/// What the names of all our change sets and tokens begin with.
pub(super) const PREFIX: &str = "colormesh";

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

/// Reads the last lines that a task wrote, by its ARN; nothing where they are
/// not on this machine.
#[derive(Clone, Default)]
pub struct LastLines(Option<Arc<ReadLines>>);

type ReadLines = dyn Fn(&str) -> Vec<String> + Send + Sync;

// === impl LastLines ===

impl LastLines {
    /// Read by this.
    pub fn read_by(read: impl Fn(&str) -> Vec<String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(read)))
    }

    pub(super) fn of(&self, task: &str) -> Vec<String> {
        self.0.as_ref().map(|read| read(task)).unwrap_or_default()
    }
}

impl fmt::Debug for LastLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastLines").finish_non_exhaustive()
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
    /// Whether a stack that only a deletion helps may be deleted and made anew.
    pub replace_failed: bool,
    /// What was decided about the odd cases.
    pub choices: Choices,
    /// What the service said to them beforehand.
    pub review: Review,
    /// The change sets that wait to be carried out.
    pub made: Made,
    /// Who can be asked when something is to be decided on the way.
    pub person: Person,
    /// What is asked of CloudFormation with each operation.
    pub terms: Terms,
    /// Reads what a task wrote before it stopped.
    pub last_lines: LastLines,
    /// What tells this run's requests from others.
    pub run: RunId,
}

// === impl Work ===

impl Work {
    /// A run of its own on an environment, with nothing but its stacks to make
    /// and nothing decided; the rest is added with `..`.
    pub fn new(environment: impl Into<String>) -> Self {
        Self {
            environment: environment.into(),
            image: None,
            sidecars: Vec::new(),
            key_pair: None,
            replace_failed: false,
            choices: Choices::default(),
            review: Review::default(),
            made: Made::default(),
            person: Person::default(),
            terms: Terms::default(),
            last_lines: LastLines::default(),
            run: RunId::fresh(),
        }
    }
}
