//! Where the local target keeps things.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// Folders of the local target, by the XDG rules.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Paths {
    /// The account's state, logs and images: gone after `down`.
    pub(crate) state: PathBuf,
    /// What is only fetched once, such as Envoy: stays.
    pub(crate) cache: PathBuf,
}

impl Paths {
    /// The folders for this user.
    pub(crate) fn find() -> Result<Self> {
        Ok(Self {
            state: folder("XDG_STATE_HOME", ".local/state")?.join("local"),
            cache: folder("XDG_CACHE_HOME", ".cache")?,
        })
    }

    /// What is left of a state that is being removed.
    pub(crate) fn leftover(&self) -> PathBuf {
        self.state.with_file_name("local.leftover")
    }

    /// Claimed by the commands that use the daemon.
    pub(crate) fn in_use(&self) -> PathBuf {
        self.state.with_file_name("in-use")
    }

    /// Claimed by the command that changes an environment.
    pub(crate) fn claim(&self, environment: &str) -> PathBuf {
        self.state.with_file_name(format!("{environment}.claim"))
    }

    /// Claimed by the command that changes an environment on AWS.
    pub(crate) fn claim_on_aws(&self, key: &str) -> PathBuf {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        let name: String = key
            .chars()
            .map(|c| if plain(c) { c } else { '_' })
            .collect();
        self.state.with_file_name(format!("aws-{name}.claim"))
    }

    /// What a running daemon writes about itself.
    pub(crate) fn record(&self) -> PathBuf {
        self.state.join("daemon.json")
    }

    /// Locked by the daemon as long as it lives.
    pub(crate) fn lock(&self) -> PathBuf {
        self.state.join("daemon.lock")
    }

    /// What the daemon has to say.
    pub(crate) fn log(&self) -> PathBuf {
        self.state.join("daemon.log")
    }

    /// The account's state.
    pub(crate) fn account(&self) -> PathBuf {
        self.state.join("account")
    }

    /// Blobs of the account's image registry.
    pub(crate) fn images(&self) -> PathBuf {
        self.account().join("images")
    }

    /// Unpacked images.
    pub(crate) fn rootfs(&self) -> PathBuf {
        self.state.join("rootfs")
    }

    /// Logs and files of tasks.
    pub(crate) fn runtime(&self) -> PathBuf {
        self.state.join("runtime")
    }
}

fn folder(variable: &str, under_home: &str) -> Result<PathBuf> {
    let base = match std::env::var_os(variable).map(PathBuf::from) {
        Some(path) if path.is_absolute() => path,
        _ => home()?.join(under_home),
    };
    Ok(base.join("colormesh"))
}

/// The user's home folder.
pub(crate) fn home() -> Result<PathBuf> {
    std::env::home_dir()
        .filter(|home| home.is_absolute())
        .context("no home folder: set HOME, or XDG_STATE_HOME and XDG_CACHE_HOME")
}

/// The folder for private keys: `~/.ssh`.
pub(crate) fn ssh() -> Result<PathBuf> {
    Ok(home()?.join(".ssh"))
}

/// `path` with the home folder as `~`, for messages.
pub(crate) fn shown(path: &Path) -> String {
    let home = home().ok();
    let inside = home
        .as_deref()
        .and_then(|home| path.strip_prefix(home).ok());
    inside.map_or_else(
        || path.display().to_string(),
        |rest| format!("~/{}", rest.display()),
    )
}
