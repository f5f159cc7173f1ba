//! Starting an app: this program, run again with a hidden argument, becomes
//! the small init of a container and then the app's parent.
//!
//! Two steps, since a new PID namespace holds only the children of whoever
//! made it. The outer one enters the app's network and makes the namespaces;
//! the inner one, first process of the container, builds its root folder,
//! gives up every capability and starts the app. Both forward SIGTERM and end
//! with the app's exit code. Neither prints: what they have to say goes to
//! their standard output as one [`Report`], which the runtime reads.

mod confine;
mod init;
mod root;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use init::{main, supervise};

/// The hidden argument that makes this program a launcher.
pub const ARGUMENT: &str = "launch-container";
/// The argument of the launcher's inner half.
const INNER: &str = "launch-container-inner";
/// The exit code of a launcher that could not start its app.
pub const NOT_STARTED: u8 = 125;

/// Everything a launcher has to know, as JSON on its standard input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Container {
    /// The network namespace's file.
    pub network: PathBuf,
    /// The unpacked image.
    pub rootfs: PathBuf,
    /// An empty folder over which the root is built, seen by nobody else.
    pub staging: PathBuf,
    /// Program and arguments.
    pub command: Vec<String>,
    /// The environment, and nothing besides.
    pub environment: Vec<(String, String)>,
    /// Where the program starts.
    pub working_directory: Option<PathBuf>,
    /// The user it runs as.
    pub user: u32,
    /// The group it runs as.
    pub group: u32,
    /// Whether its root is read-only.
    pub read_only: bool,
    /// The name `hostname` gives.
    pub hostname: String,
    /// Files put over the image's, by path.
    pub files: BTreeMap<PathBuf, String>,
    /// Whether the app needs a user namespace to be that user.
    pub own_users: bool,
}

/// What a launcher tells the runtime.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Report {
    /// The app runs.
    Started,
    /// It does not, and why.
    Failed(String),
}

/// Why an app could not be started.
#[derive(Debug, Error)]
pub(crate) enum LaunchError {
    /// Some step of the preparation failed.
    #[error("cannot {step}: {source}")]
    Step {
        /// What was tried.
        step: String,
        /// What the kernel said.
        #[source]
        source: std::io::Error,
    },
    /// The users could not be mapped.
    #[error(transparent)]
    Users(#[from] super::isolate::IsolateError),
    /// The command is empty.
    #[error("the container has no command")]
    NoCommand,
    /// The specification on standard input is not one.
    #[error("cannot read the container's specification: {0}")]
    Specification(#[source] serde_json::Error),
}

/// Adds what was tried to an error of the kernel.
pub(crate) trait Trying<T> {
    /// The step in words that read after "cannot".
    fn trying(self, step: impl FnOnce() -> String) -> Result<T, LaunchError>;
}

impl<T, E: Into<std::io::Error>> Trying<T> for Result<T, E> {
    fn trying(self, step: impl FnOnce() -> String) -> Result<T, LaunchError> {
        self.map_err(|source| LaunchError::Step {
            step: step(),
            source: source.into(),
        })
    }
}

/// Whether these arguments (the program's name left out) are a launcher's.
pub fn is_launcher(arguments: impl IntoIterator<Item = OsString>) -> bool {
    let first = arguments.into_iter().next();
    first.is_some_and(|first| first == OsStr::new(ARGUMENT) || first == OsStr::new(INNER))
}
