//! One app's container: started through the launcher, stopped politely.

use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::process::{Pid, Signal};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::app_log;
use super::isolate;
use super::launch::{ARGUMENT, Container, Report};

/// How long a container may take to be built.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most that is read of an image's authorities, in bytes.
const LARGEST_BUNDLE: u64 = 4 * 1024 * 1024;

/// How long what an ended app said may take to get into its log.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Why an app does not run.
#[derive(Debug, Error)]
pub(super) enum AppError {
    /// The launcher could not be started or talked to.
    #[error("cannot start the container's launcher")]
    Launcher(#[source] io::Error),
    /// The launcher could not start the app.
    #[error("{0}")]
    Refused(String),
}

/// A running app; killed when this goes.
#[derive(Debug)]
pub(super) struct App {
    child: Child,
    log: JoinHandle<()>,
    stop_timeout: Duration,
}

// === impl App ===

impl App {
    pub(super) async fn start(
        launcher: &Path,
        container: &Container,
        log: &Path,
        stop_timeout: Duration,
    ) -> Result<Self, AppError> {
        let mut child = spawn(launcher).map_err(AppError::Launcher)?;
        let said = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe);
        let said = said.map_err(|kind| AppError::Launcher(kind.into()))?;
        let log = tokio::spawn(app_log::keep(said, log.to_owned()));
        let text = serde_json::to_vec(container).map_err(io::Error::other);
        let text = text.map_err(AppError::Launcher)?;
        if let Some(mut input) = child.stdin.take() {
            // A launcher that ended early says why in its report.
            let _ended_early = input.write_all(&text).await;
        }
        let failure = match tokio::time::timeout(PATIENCE, report(&mut child)).await {
            Ok(Ok(Report::Started)) => {
                return Ok(Self {
                    child,
                    log,
                    stop_timeout,
                });
            }
            Ok(Ok(Report::Failed(reason))) => AppError::Refused(reason),
            Ok(Err(error)) => AppError::Launcher(error),
            Err(late) => AppError::Launcher(late.into()),
        };
        // Waited for, or it would stay in the table of processes.
        let _ended_by_itself = child.kill().await;
        Err(failure)
    }

    /// Waits until it ends and says how.
    pub(super) async fn ended(&mut self) -> String {
        let how = self.child.wait().await.map(|status| status.code());
        // Why it ended is in its last words.
        if !self.log.is_finished() {
            let _somebody_holds_on = tokio::time::timeout(LAST_WORDS, &mut self.log).await;
        }
        match how {
            Ok(Some(code)) if code > 128 => format!("the app was ended by signal {}", code - 128),
            Ok(Some(code)) => format!("the app ended with code {code}"),
            Ok(None) => "the app was killed".to_owned(),
            Err(error) => format!("the app was lost: {error}"),
        }
    }

    /// Its container's number as the machine sees it.
    pub(super) fn process(&self) -> Option<u32> {
        self.child.id().and_then(isolate::outside_number)
    }

    /// Asks it to end, and kills it when it does not in time.
    pub(super) async fn stop(mut self) {
        self.signal(Signal::TERM);
        if tokio::time::timeout(self.stop_timeout, self.child.wait())
            .await
            .is_ok()
        {
            return;
        }
        // The launcher takes its whole container down and then ends itself.
        self.signal(Signal::INT);
        if tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .is_err()
        {
            let _ended_meanwhile = self.child.kill().await;
        }
    }

    fn signal(&self, signal: Signal) {
        let number = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        if let Some(number) = number {
            let _ended_meanwhile = rustix::process::kill_process(number, signal);
        }
    }
}

fn spawn(launcher: &Path) -> io::Result<Child> {
    let mut command = std::process::Command::new(launcher);
    command
        .arg0("colormesh")
        .arg(ARGUMENT)
        .env_clear()
        .current_dir("/");
    let mut command = Command::from(command);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command.spawn()
}

async fn report(child: &mut Child) -> io::Result<Report> {
    let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).await?;
    serde_json::from_str(&line).map_err(io::Error::other)
}

/// What a container finds at the usual places besides its image.
pub(super) fn files_over_image(
    resolver: std::net::Ipv4Addr,
    authorities: Option<String>,
) -> std::collections::BTreeMap<PathBuf, String> {
    let mut files = std::collections::BTreeMap::new();
    files.insert(
        "/etc/resolv.conf".into(),
        format!("nameserver {resolver}\n"),
    );
    files.insert("/etc/hosts".into(), "127.0.0.1 localhost\n".to_owned());
    if let Some(authorities) = authorities {
        files.insert(CERTIFICATES.into(), authorities);
    }
    files
}

/// Where most programs look for the authorities they trust.
pub(super) const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The authorities of an image, and ours.
pub(super) fn trusted(image: &Path, ours: &str) -> String {
    let own = own_authorities(image).unwrap_or_default();
    format!("{own}\n{ours}")
}

/// What the image itself trusts. A link in it leads nowhere but into it.
fn own_authorities(image: &Path) -> io::Result<String> {
    let folder = rustix::fs::open(image, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let (read, here) = (OFlags::RDONLY | OFlags::CLOEXEC, ResolveFlags::IN_ROOT);
    let file = rustix::fs::openat2(folder, CERTIFICATES, read, Mode::empty(), here)?;
    let mut text = String::new();
    std::fs::File::from(file)
        .take(LARGEST_BUNDLE)
        .read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_image_keeps_the_authorities_that_it_has() {
        let image = tempfile::tempdir().unwrap();
        assert_eq!(trusted(image.path(), "ours").trim(), "ours");
        let file = image.path().join(&CERTIFICATES[1..]);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "its own").unwrap();
        assert_eq!(trusted(image.path(), "ours"), "its own\nours");
    }

    #[test]
    fn an_image_cannot_show_its_app_a_file_of_the_machine() {
        let (image, machine) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let secret = machine.path().join("secret");
        std::fs::write(&secret, "secret").unwrap();
        let file = image.path().join(&CERTIFICATES[1..]);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&secret, &file).unwrap();
        assert_eq!(trusted(image.path(), "ours").trim(), "ours");
    }
}
