//! What the daemon is: the endpoint, the account behind it, and the runtime.
//!
//! It is this executable, run three times: first to make namespaces
//! ([`ISOLATE`]), then as their first process ([`INIT`]), then as the daemon
//! itself ([`SERVE`]). Its tasks are this executable too (see
//! `runtime::launch`).

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::http::header::CONTENT_TYPE;
use axum::{Router, routing};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::bridge;
use super::images::Images;
use super::paths::Paths;
use super::ports;
use super::record::{self, Record};
use super::status::{EXAMINE, LocalStatus, STATUS, TaskStatus, WorldStatus};
use crate::account::lab::{Lab, LabSettings};
use crate::account::{Account, Options as AccountOptions};
use crate::cli::exit::{DONE, Outcome};
use crate::cli::outside;
use crate::endpoint::Endpoint;
use crate::image::Store;
use crate::runtime::{
    self, Internet, ReservedPorts, Runtime, SidecarState, TaskId, TaskState, WorldState, isolate,
    launch, probe,
};

/// The first argument of the process that makes the daemon's namespaces.
pub(crate) const ISOLATE: &str = "__local-isolate";
/// The first argument of the first process in them.
const INIT: &str = "__local-init";
/// The first argument of the daemon itself.
const SERVE: &str = "__local-serve";
/// What it writes to its standard output once it answers.
pub(super) const READY: &str = "ready\n";
/// The version that a daemon says it is.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where distributions keep the authorities that a machine trusts.
const AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// What the daemon is told when it is started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) paths: Paths,
    pub(super) envoy: PathBuf,
    pub(super) internet: String,
    /// Some of the hosts that the mesh models, with their ports.
    pub(super) expected: Vec<(String, u16)>,
    pub(super) region: String,
    /// What it does to its clients.
    pub(super) lab: Option<LabSettings>,
}

/// How a process that is no command ends; `None` when this is a command.
pub(crate) enum Hidden {
    /// A task's launcher or its prober, with their own codes.
    Launcher(ExitCode),
    /// The daemon.
    Daemon(Outcome),
}

/// Runs what this process is started for, when that is no command.
pub(crate) fn dispatch() -> Option<Hidden> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if launch::is_launcher(arguments.iter().cloned()) {
        return Some(Hidden::Launcher(launch::main(arguments)));
    }
    if probe::is_prober(arguments.iter().cloned()) {
        return Some(Hidden::Launcher(probe::main(arguments)));
    }
    let first = arguments.first()?.to_str()?;
    let settings = arguments.get(1).and_then(|text| text.to_str());
    match first {
        ISOLATE => Some(Hidden::Daemon(enter(settings?))),
        INIT => Some(Hidden::Daemon(keep(settings?))),
        SERVE => Some(Hidden::Daemon(serve(settings?))),
        _ => None,
    }
}

/// Starts the first process in namespaces of its own and leaves it there.
fn enter(settings: &str) -> Outcome {
    let mut init = Command::new(std::env::current_exe()?);
    init.arg(INIT).arg(settings);
    isolate::enter(init)?;
    Ok(DONE)
}

/// Starts the daemon, reaps what loses its parent, and ends with the daemon;
/// then the kernel ends everything else in these namespaces.
fn keep(settings: &str) -> Outcome {
    // A session of its own: no terminal can end it.
    rustix::process::setsid().context("cannot leave the terminal")?;
    let mut daemon = Command::new(std::env::current_exe()?);
    let daemon = daemon.arg(SERVE).arg(settings).spawn();
    let daemon = daemon.context("cannot start the local endpoint")?;
    Ok(launch::supervise(&daemon)?)
}

fn serve(settings: &str) -> Outcome {
    let settings: Settings = serde_json::from_str(settings)?;
    isolate::allow_many_files();
    let tokio = tokio::runtime::Runtime::new()?;
    tokio.block_on(run(&settings))?;
    Ok(DONE)
}

async fn run(settings: &Settings) -> Result<()> {
    let paths = &settings.paths;
    fs::create_dir_all(&paths.state)?;
    let _lock = record::lock(paths).await?;
    let listener = ports::listen(paths).await?;
    let reserved = ReservedPorts::default();
    let port = listener.local_addr()?.port();
    let lab = settings.lab.clone().map(Lab::new).transpose()?;
    let account = Account::open(AccountOptions {
        lab: lab.unwrap_or_default(),
        region: settings.region.clone(),
        registry_host: format!("127.0.0.1:{port}"),
        ports: {
            let reserved = reserved.clone();
            Arc::new(move |wanted| reserved.reserve(wanted, ports::BALANCER))
        },
        ..AccountOptions::new(paths.account())
    });
    let account = account.map_err(|error| unopened(paths, error.into()))?;
    let runtime = Arc::new(Runtime::start(options(settings, reserved)?).await?);
    let images = Images::new(Store::new(paths.images()), paths.rootfs());
    let bridge = tokio::spawn(bridge::run(account.clone(), Arc::clone(&runtime), images));
    let (pid, first) = own_processes()?;
    let record = Record {
        pid,
        first,
        port,
        internet: settings.internet.clone(),
        version: VERSION.to_owned(),
        lab: settings.lab.clone(),
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let extra = pages(&record, &account, &runtime);
    let serving = Endpoint { extra }.serve(listener, account.clone(), async {
        let _ = stopped.await;
    });
    let serving = tokio::spawn(serving);
    let asked_to_stop = asked_to_stop()?;
    record.write(paths)?;
    // Nobody may be waiting any more.
    let _ = std::io::stdout().write_all(READY.as_bytes());
    asked_to_stop.await;
    let _ = stop.send(());
    bridge.abort();
    let _ = bridge.await;
    serving.abort();
    let _ = serving.await;
    account.shutdown().await;
    if let Some(runtime) = Arc::into_inner(runtime) {
        runtime.shutdown().await;
    }
    fs::remove_file(paths.record()).context("cannot remove the record")
}

/// An account that cannot be opened keeps every command from working.
fn unopened(paths: &Paths, error: anyhow::Error) -> anyhow::Error {
    anyhow::anyhow!(
        "{error:#}\n\nhint: nothing of it runs; `rm -r {}` forgets it, and `colormesh up` begins anew",
        paths.state.display()
    )
}

fn asked_to_stop() -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn options(settings: &Settings, ports: ReservedPorts) -> Result<runtime::Options> {
    let paths = &settings.paths;
    Ok(runtime::Options {
        program: std::env::current_exe()?,
        envoy: settings.envoy.clone(),
        run: paths.state.join("run"),
        logs: paths.runtime(),
        ports,
        internet: match settings.internet.as_str() {
            "real" => Internet::Real,
            "stand-in" => Internet::StandIn,
            _ => Internet::Auto,
        },
        expected: settings.expected.clone(),
        resolver_settings: outside::RESOLVER_SETTINGS.into(),
        authorities: authorities(),
    })
}

/// The authorities that this machine trusts, as PEM.
fn authorities() -> Option<String> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let usual = AUTHORITIES.map(PathBuf::from);
    let mut files = named.into_iter().chain(usual);
    files.find_map(|file| fs::read_to_string(file).ok())
}

/// This process's number and its parent's, as the machine counts, not as their
/// own namespace does.
fn own_processes() -> Result<(i32, i32)> {
    let text =
        fs::read_to_string("/proc/self/status").context("cannot read `/proc/self/status`")?;
    let number = |name: &str| -> Option<i32> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    };
    Option::zip(number("Pid:"), number("PPid:")).context("`/proc/self/status` names no process")
}

/// The daemon's own pages.
fn pages(record: &Record, account: &Account, runtime: &Arc<Runtime>) -> Router {
    let (record, account, observed) = (record.clone(), account.clone(), runtime.observed());
    let status = move || {
        let version = account.read(|state| state.inventory.mesh_changes());
        let mut status = status(&record, &observed.borrow(), version);
        status.problems.extend(account.problem());
        let status = serde_json::to_string(&status).unwrap_or_default();
        async move { ([(CONTENT_TYPE, "application/json")], status) }
    };
    let examined = Arc::downgrade(runtime);
    let examine = move || {
        let runtime = examined.upgrade();
        async move {
            let examination = match runtime {
                Some(runtime) => runtime.examine().await,
                None => runtime::Examination::default(),
            };
            let text = serde_json::to_string(&examination).unwrap_or_default();
            ([(CONTENT_TYPE, "application/json")], text)
        }
    };
    Router::new()
        .route(STATUS, routing::get(status))
        .route(EXAMINE, routing::get(examine))
}

fn status(record: &Record, observed: &runtime::Observed, mesh_version: u64) -> LocalStatus {
    let running = observed.tasks.iter();
    let running = running.filter(|(_, state)| state.status == runtime::TaskStatus::Running);
    let behind = running
        .clone()
        .filter(|(_, state)| state.mesh_version < mesh_version);
    let refused = running.filter_map(|(id, state)| match &state.mesh {
        runtime::MeshState::Refused { reason } => Some(format!(
            "the Envoy of {} refuses the mesh: {reason}",
            name(id)
        )),
        runtime::MeshState::Pending | runtime::MeshState::Applied => None,
    });
    LocalStatus {
        behind: behind.map(|(id, _)| name(id)).collect(),
        endpoint: record.url(),
        pid: record.pid,
        version: record.version.clone(),
        world: world(&observed.world),
        tasks: observed
            .tasks
            .iter()
            .map(|(id, state)| task(id, state))
            .collect(),
        problems: observed.problems.iter().cloned().chain(refused).collect(),
    }
}

fn world(state: &WorldState) -> Option<WorldStatus> {
    let (kind, why) = match state {
        WorldState::Unknown => return None,
        WorldState::Real => ("internet", "by this machine's own network".to_owned()),
        WorldState::Relayed => ("internet", "through a relay, without root".to_owned()),
        WorldState::StandIn { reason, .. } => ("stand-in", reason.clone()),
    };
    Some(WorldStatus {
        kind: kind.to_owned(),
        why,
    })
}

/// A task as people see it.
fn name(id: &TaskId) -> String {
    let last = id.as_str().rsplit('/').next();
    last.unwrap_or_default().to_owned()
}

fn task(id: &TaskId, state: &TaskState) -> TaskStatus {
    let (status, reason) = match &state.status {
        runtime::TaskStatus::Provisioning => ("pending", None),
        runtime::TaskStatus::Running => ("running", None),
        runtime::TaskStatus::Stopped { reason } => ("stopped", Some(reason.clone())),
    };
    let envoy = match state.sidecar {
        SidecarState::Starting => "starting",
        SidecarState::Live => "live",
        SidecarState::Dead => "dead",
    };
    let refused = match &state.mesh {
        runtime::MeshState::Refused { reason } => Some(format!("mesh: {reason}")),
        runtime::MeshState::Pending | runtime::MeshState::Applied => None,
    };
    TaskStatus {
        name: name(id),
        address: String::new(),
        status: status.to_owned(),
        envoy: Some(envoy.to_owned()),
        reason: reason.or(refused),
        logs: state.logs.display().to_string(),
    }
}
