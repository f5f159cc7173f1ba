//! One Envoy process: started with its compiled configuration, given each
//! later one by files, watched through its admin socket.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use hyper::StatusCode;
use rustix::process::{Pid, Signal};
use thiserror::Error;
use tokio::process::{Child, Command};

use super::netns::{Netns, NetnsError};
use super::setup::Setup;
use super::{admin, isolate};

/// The admin socket, in the folder that Envoy starts in: a socket's path may
/// have 107 bytes, which the whole path of a folder may pass.
pub(super) const ADMIN: &str = "admin";
/// The folder of an Envoy's configuration, there too.
const CONFIGURATION: &str = "xds";

/// How often a starting Envoy is asked whether it serves.
const GLANCE: Duration = Duration::from_millis(10);
/// How long it may take to end when asked to.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long it may take to use files it was given.
const DIGESTION: Duration = Duration::from_secs(30);

/// How often one that serves is asked whether it still does.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long it may be silent: much longer than it takes over the largest
/// configuration, during which it answers nobody.
const SILENCE: Duration = Duration::from_secs(15);

/// Why a sidecar does not run.
#[derive(Debug, Error)]
pub(super) enum SidecarError {
    /// Its files could not be written.
    #[error("cannot write the sidecar's configuration")]
    Write(#[source] io::Error),
    /// Its namespace is gone.
    #[error(transparent)]
    Netns(#[from] NetnsError),
    /// It could not be started.
    #[error("cannot start `{binary}`")]
    Spawn {
        /// The Envoy.
        binary: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}

/// Where a sidecar lives.
#[derive(Clone, Debug)]
pub(super) struct SidecarOptions {
    pub(super) envoy: PathBuf,
    /// The namespace it runs in.
    pub(super) world: Netns,
    /// The folder it starts in, with its configuration and its admin socket.
    pub(super) folder: PathBuf,
    /// The file for what it says.
    pub(super) log: PathBuf,
}

/// A running Envoy; killed when this goes.
#[derive(Debug)]
pub(super) struct Sidecar {
    child: Child,
    folder: PathBuf,
    log: PathBuf,
}

// === impl Sidecar ===

impl Sidecar {
    /// Writes the configuration and starts Envoy with it.
    pub(super) async fn start(
        options: &SidecarOptions,
        setup: &Setup,
    ) -> Result<Self, SidecarError> {
        setup
            .write(&options.folder.join(CONFIGURATION))
            .map_err(SidecarError::Write)?;
        // One that was killed leaves its socket, on which the next one fails.
        let _not_there = std::fs::remove_file(options.folder.join(ADMIN));
        let mut command = command(options, setup).map_err(SidecarError::Write)?;
        let handle = tokio::runtime::Handle::current();
        let spawn = move || {
            let _tokio = handle.enter();
            command.spawn()
        };
        let spawned = options.world.run(spawn).await?;
        let binary = || options.envoy.clone();
        let child = spawned.map_err(|source| SidecarError::Spawn {
            binary: binary(),
            source,
        })?;
        Ok(Self {
            child,
            folder: options.folder.clone(),
            log: options.log.clone(),
        })
    }

    /// Waits until it serves; the error is how it ended instead.
    pub(super) async fn live(&mut self) -> Result<(), String> {
        loop {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return Err(self.ended().await);
            }
            if matches!(
                admin::get(&self.folder, ADMIN, "/ready").await,
                Ok((StatusCode::OK, _))
            ) {
                return Ok(());
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Waits until it ends and says how, with its last words.
    pub(super) async fn ended(&mut self) -> String {
        let how = match self.child.wait().await {
            Ok(status) => format!("Envoy ended with {status}"),
            Err(error) => format!("Envoy was lost: {error}"),
        };
        match last_complaint(&self.log) {
            Some(complaint) => format!("{how}: {complaint}"),
            None => how,
        }
    }

    /// Waits until it is of no use any more, and says why: it has ended, or it
    /// is there (paused, stuck) and answers nobody.
    pub(super) async fn lost(&mut self) -> String {
        let folder = self.folder.clone();
        tokio::select! {
            how = self.ended() => how,
            () = silent(&folder) => {
                format!("Envoy has not answered for {} s", SILENCE.as_secs())
            }
        }
    }

    /// Takes it from one configuration to the next, which must be able to
    /// follow; the error is why it stays with the one it had.
    pub(super) async fn follow(
        &mut self,
        previous: &Setup,
        next: &Setup,
        folder: &Path,
    ) -> Result<(), String> {
        let before = self.updates().await.unwrap_or_default();
        let unwritten = |error| format!("cannot write its files: {error}");
        next.update(previous, folder).map_err(unwritten)?;
        let digested = tokio::time::timeout(DIGESTION, self.digested(before)).await;
        let result = digested.unwrap_or_else(|_| Err("Envoy does not take it over".to_owned()));
        if result.is_err() {
            // Else the files would say what it does not do.
            previous.update(next, folder).map_err(unwritten)?;
        }
        result
    }

    /// Waits until it has taken every file that was replaced.
    async fn digested(&mut self, before: Updates) -> Result<(), String> {
        let mut latest = before;
        loop {
            tokio::time::sleep(GLANCE * 2).await;
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("Envoy ended with {status}"));
            }
            let Some(now) = self.updates().await else {
                continue;
            };
            if now.rejected > before.rejected {
                return Err(self.complaint());
            }
            // Clusters and listeners come one after the other.
            if now.taken > before.taken && now == latest {
                return Ok(());
            }
            latest = now;
        }
    }

    async fn updates(&self) -> Option<Updates> {
        let path = "/stats?filter=%5C.(lds%7Ccds%7Crds.*)%5C.update_(success%7Crejected)%24";
        let (_, text) = admin::get(&self.folder, ADMIN, path).await.ok()?;
        Some(Updates::read(&text))
    }

    fn complaint(&self) -> String {
        last_complaint(&self.log).unwrap_or_else(|| "Envoy refused it".to_owned())
    }

    /// Its number as the machine sees it.
    pub(super) fn process(&self) -> Option<u32> {
        self.child.id().and_then(isolate::outside_number)
    }

    /// Asks it to end.
    pub(super) fn end(&self) {
        let number = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(number) = number.and_then(Pid::from_raw) {
            let _ended_meanwhile = rustix::process::kill_process(number, Signal::TERM);
        }
    }

    /// Ends it, by force when it does not go by itself.
    pub(super) async fn stop(mut self) {
        self.end();
        if tokio::time::timeout(LAST_WORDS, self.child.wait())
            .await
            .is_err()
        {
            let _ended_meanwhile = self.child.kill().await;
        }
    }
}

/// Waits until nobody answers for a while.
async fn silent(folder: &Path) {
    let mut heard = tokio::time::Instant::now();
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        match admin::get(folder, ADMIN, "/ready").await {
            Ok(_) => heard = tokio::time::Instant::now(),
            Err(_) if heard.elapsed() >= SILENCE => return,
            Err(_) => {}
        }
    }
}

/// How many updates an Envoy took and refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Updates {
    taken: u64,
    rejected: u64,
}

impl Updates {
    /// Reads lines like `cluster_manager.cds.update_success: 2`.
    fn read(stats: &str) -> Self {
        let sum = |ending: &str| {
            let lines = stats.lines().filter_map(|line| line.split_once(": "));
            let counts = lines.filter(|(name, _)| name.ends_with(ending));
            counts
                .filter_map(|(_, count)| count.trim().parse::<u64>().ok())
                .sum()
        };
        Self {
            taken: sum("update_success"),
            rejected: sum("update_rejected"),
        }
    }
}

fn command(options: &SidecarOptions, setup: &Setup) -> io::Result<Command> {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&options.log)?;
    let mut command = Command::new(&options.envoy);
    command
        .arg("--config-path")
        .arg(options.folder.join(CONFIGURATION).join("bootstrap.json"))
        .current_dir(&options.folder);
    command.args(setup.arguments());
    // All of them are on one machine.
    command.args(["--disable-hot-restart", "--use-dynamic-base-id"]);
    // Its own log has local times, without saying which.
    command.env("TZ", "UTC");
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true);
    Ok(command)
}

/// The last line of an Envoy's log that is a warning or worse.
fn last_complaint(log: &Path) -> Option<String> {
    let text = std::fs::read(log).ok()?;
    let text = String::from_utf8_lossy(&text);
    let grave = |line: &&str| {
        line.contains("[warning]") || line.contains("[critical]") || line.contains("[error]")
    };
    let line = text.lines().rev().find(grave)?;
    // `[time][thread][level][logger] [file:line] message`
    let message = line.splitn(3, "] ").last().unwrap_or(line);
    Some(message.trim().to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_last_words_of_an_envoy_are_its_message() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("envoy.log");
        let lines = "[2026-11-23 09:00:00.000][7][critical][main] [source/server/server.cc:424] \
                     error initializing config: bad\n[2026-11-23 09:00:00.000][7][info][main] \
                     [source/server/server.cc:998] exiting\n";
        std::fs::write(&log, lines).unwrap();
        assert_eq!(
            last_complaint(&log).unwrap(),
            "error initializing config: bad"
        );
        assert_eq!(last_complaint(&folder.path().join("none")), None);
    }
}
