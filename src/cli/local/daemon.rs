//! What the daemon is: the endpoint, the account behind it, and the runtime.
//!
//! It is this executable, run twice: first to make namespaces ([`ISOLATE`]),
//! then inside them ([`SERVE`]). Its tasks are this executable too (see
//! `runtime::launch`).

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::http::header::CONTENT_TYPE;
use axum::{Router, routing};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::bridge;
use super::images::Images;
use super::paths::Paths;
use super::record::{self, Record};
use super::status::{EXAMINE, LocalStatus, STATUS, TaskStatus, WorldStatus};
use crate::account::{Account, Options as AccountOptions};
use crate::cli::exit::{DONE, Outcome};
use crate::endpoint::Endpoint;
use crate::image::Store;
use crate::runtime::{
    self, Internet, Runtime, SidecarState, TaskId, TaskState, WorldState, isolate, launch, probe,
};

/// The first argument of the process that makes the daemon's namespaces.
pub(crate) const ISOLATE: &str = "__local-isolate";
/// The first argument of the daemon itself.
const SERVE: &str = "__local-serve";
/// The version that a daemon says it is.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The port that is tried first: below those that the kernel gives away.
const USUAL_PORT: u16 = 9300;
/// How many ports after that are tried.
const PORTS: u16 = 100;
/// A load balancer's usual port, and how many after it are tried.
const BALANCER_PORTS: (u16, u16) = (8080, 100);

/// What the daemon is told when it is started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) paths: Paths,
    pub(super) envoy: PathBuf,
    pub(super) internet: String,
    pub(super) region: String,
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
        SERVE => Some(Hidden::Daemon(serve(settings?))),
        _ => None,
    }
}

/// Starts the daemon in namespaces of its own and leaves it there.
fn enter(settings: &str) -> Outcome {
    let mut daemon = Command::new(std::env::current_exe()?);
    daemon.arg(SERVE).arg(settings);
    // A session of its own: no terminal can end it.
    rustix::process::setsid()
        .or(Err(rustix::io::Errno::PERM))
        .ok();
    isolate::enter(daemon)?;
    Ok(DONE)
}

fn serve(settings: &str) -> Outcome {
    let settings: Settings = serde_json::from_str(settings)?;
    let tokio = tokio::runtime::Runtime::new()?;
    tokio.block_on(run(&settings))?;
    Ok(DONE)
}

async fn run(settings: &Settings) -> Result<()> {
    let paths = &settings.paths;
    fs::create_dir_all(&paths.state)?;
    let _lock = record::lock(paths)?;
    let listener = listen(paths).await?;
    let port = listener.local_addr()?.port();
    let account = Account::open(AccountOptions {
        region: settings.region.clone(),
        registry_host: format!("127.0.0.1:{port}"),
        ports: Arc::new(balancer_port),
        ..AccountOptions::new(paths.account())
    })?;
    let runtime = Arc::new(Runtime::start(options(settings)?).await?);
    let images = Images::new(Store::new(paths.images()), paths.rootfs());
    let bridge = tokio::spawn(bridge::run(account.clone(), Arc::clone(&runtime), images));
    let record = Record {
        pid: own_process()?,
        port,
        internet: settings.internet.clone(),
        version: VERSION.to_owned(),
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let extra = pages(&record, &runtime);
    let serving = Endpoint { extra }.serve(listener, account.clone(), async {
        let _ = stopped.await;
    });
    let serving = tokio::spawn(serving);
    record.write(paths)?;
    asked_to_stop().await?;
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

async fn asked_to_stop() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn options(settings: &Settings) -> Result<runtime::Options> {
    let paths = &settings.paths;
    Ok(runtime::Options {
        program: std::env::current_exe()?,
        envoy: settings.envoy.clone(),
        run: paths.state.join("run"),
        logs: paths.runtime(),
        internet: match settings.internet.as_str() {
            "real" => Internet::Real,
            "stand-in" => Internet::StandIn,
            _ => Internet::Auto,
        },
        resolver_settings: fs::read_to_string("/etc/resolv.conf").unwrap_or_default(),
    })
}

/// The port of last time, since images and clients know it; else a free one.
async fn listen(paths: &Paths) -> Result<TcpListener> {
    let file = paths.state.join("port");
    let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    if let Some(port) = fs::read_to_string(&file)
        .ok()
        .and_then(|text| text.trim().parse().ok())
    {
        return TcpListener::bind(at(port)).await.with_context(|| {
            format!(
                "cannot listen on port {port} of loopback, where the local endpoint was before \
                 (end what holds it, or delete `{}` to begin anew)",
                paths.state.display()
            )
        });
    }
    for port in USUAL_PORT..USUAL_PORT + PORTS {
        if let Ok(listener) = TcpListener::bind(at(port)).await {
            fs::write(&file, port.to_string())?;
            return Ok(listener);
        }
    }
    anyhow::bail!(
        "no port from {USUAL_PORT} to {} of loopback is free",
        USUAL_PORT + PORTS - 1
    )
}

/// A free port for a load balancer's listener.
fn balancer_port() -> std::io::Result<u16> {
    let (first, count) = BALANCER_PORTS;
    let free = |port: &u16| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    match (first..first + count).find(free) {
        Some(port) => Ok(port),
        None => std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()
            .map(|a| a.port()),
    }
}

/// This process's number as the machine counts, not as its own namespace does.
fn own_process() -> Result<i32> {
    let link = fs::read_link("/proc/self").context("cannot read `/proc/self`")?;
    link.to_string_lossy()
        .parse()
        .context("`/proc/self` names no process")
}

/// The daemon's own pages.
fn pages(record: &Record, runtime: &Arc<Runtime>) -> Router {
    let (record, observed) = (record.clone(), runtime.observed());
    let status = move || {
        let status = serde_json::to_string(&status(&record, &observed.borrow()));
        let status = status.unwrap_or_default();
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

fn status(record: &Record, observed: &runtime::Observed) -> LocalStatus {
    LocalStatus {
        endpoint: record.url(),
        pid: record.pid,
        version: record.version.clone(),
        world: world(&observed.world),
        tasks: observed
            .tasks
            .iter()
            .map(|(id, state)| task(id, state))
            .collect(),
        problems: observed.problems.clone(),
    }
}

fn world(state: &WorldState) -> Option<WorldStatus> {
    let (kind, why) = match state {
        WorldState::Unknown => return None,
        WorldState::Real => ("internet", "it answers".to_owned()),
        WorldState::Relayed => ("internet", "through a relay, without root".to_owned()),
        WorldState::StandIn { reason, .. } => ("stand-in", reason.clone()),
    };
    Some(WorldStatus {
        kind: kind.to_owned(),
        why,
    })
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
        name: id
            .as_str()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned(),
        address: String::new(),
        status: status.to_owned(),
        envoy: Some(envoy.to_owned()),
        reason: reason.or(refused),
        logs: state.logs.display().to_string(),
    }
}
