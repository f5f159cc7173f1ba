//! One task's life: namespaces, sidecar, app, and in reverse.
//!
//! A driver runs as long as its task is desired. What fails is torn down and
//! made again after a pause; a dead sidecar alone is started again beside its
//! app, which meanwhile has no way out.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::actor::Meshes;
use super::app::{self, App};
use super::desired::{AppSpec, TaskId, TaskSpec};
use super::dns::{Otherwise, Server, ServerOptions, Zone};
use super::isolate;
use super::launch::Container;
use super::netns::{Netns, anywhere};
use super::observed::{MeshState, Processes, SidecarState, TaskState, TaskStatus};
use super::redirect::{self, APP_ADDRESS, DNS_PORT, EGRESS_PORT, PLAIN_EGRESS_PORT};
use super::sidecar::{Sidecar, SidecarOptions};
use crate::envoy::{self, AppPlacement, Configuration, PLAIN_ADDRESSES, Placement};
use crate::mesh::EgressFilter;

/// How long a sidecar may take until it serves.
const LIVE: Duration = Duration::from_secs(30);
/// How long an app may take until it accepts connections.
const ACCEPTS: Duration = Duration::from_secs(60);
/// Between two tries to reach an app's port.
const KNOCK: Duration = Duration::from_millis(10);
/// Pauses between two starts: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// The port at which a task's proxy answers `/ready` and the like.
const READINESS_PORT: u16 = 9901;

/// What a driver tells the actor.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) task: TaskId,
    pub(super) state: TaskState,
}

/// What a task finds around it.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub(super) program: PathBuf,
    pub(super) envoy: PathBuf,
    /// The folder of the task's sockets and configuration.
    pub(super) folder: PathBuf,
    /// The folder of its logs.
    pub(super) logs: PathBuf,
    pub(super) namespaces: PathBuf,
    /// Where tasks have their addresses.
    pub(super) network: Netns,
    /// Where sidecars run.
    pub(super) world: Netns,
    pub(super) world_zone: watch::Receiver<Zone>,
    pub(super) resolver: SocketAddr,
    /// An authority that the app has to trust besides the public ones.
    pub(super) certificate: Option<String>,
}

/// A task's driver, held by the actor.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) spec: TaskSpec,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

// === impl Driver ===

impl Driver {
    pub(super) fn start(
        spec: TaskSpec,
        surroundings: Surroundings,
        meshes: watch::Receiver<Meshes>,
        reports: mpsc::UnboundedSender<Report>,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let state = TaskState {
            status: TaskStatus::Provisioning,
            sidecar: SidecarState::Starting,
            mesh: MeshState::Pending,
            healthy: false,
            restarts: 0,
            processes: Processes::default(),
            logs: surroundings.logs.clone(),
        };
        let task = Task {
            spec: spec.clone(),
            surroundings,
            meshes,
            reports,
            state,
        };
        Self {
            spec,
            stop,
            running: tokio::spawn(task.live(stopped)),
        }
    }

    /// Asks it to stop; the handle ends when nothing of the task is left.
    pub(super) fn stop(self) -> JoinHandle<()> {
        let _ended_already = self.stop.send(());
        self.running
    }
}

struct Task {
    spec: TaskSpec,
    surroundings: Surroundings,
    meshes: watch::Receiver<Meshes>,
    reports: mpsc::UnboundedSender<Report>,
    state: TaskState,
}

/// What a running task consists of, in the order in which it was made.
#[derive(Default)]
struct Parts {
    app_network: Option<Netns>,
    zone: Option<watch::Sender<Zone>>,
    dns: Option<Server>,
    configuration: Option<Configuration>,
    sidecar: Option<Sidecar>,
    app: Option<App>,
}

// === impl Task ===

impl Task {
    async fn live(mut self, mut stopped: oneshot::Receiver<()>) {
        let mut pause = PAUSES.0;
        loop {
            let mut parts = Parts::default();
            let ended = tokio::select! {
                _ = &mut stopped => None,
                reason = self.run(&mut parts) => Some(reason),
            };
            self.tear_down(parts).await;
            let Some(reason) = ended else { break };
            let was_running = self.state.status == TaskStatus::Running;
            self.state.healthy = false;
            self.state.sidecar = SidecarState::Dead;
            self.state.processes = Processes::default();
            self.state.restarts += 1;
            self.report(TaskStatus::Stopped { reason });
            pause = if was_running {
                PAUSES.0
            } else {
                (pause * 2).min(PAUSES.1)
            };
            tokio::select! {
                _ = &mut stopped => break,
                () = sleep(pause) => {}
            }
        }
        self.state.healthy = false;
        self.state.processes = Processes::default();
        self.report(TaskStatus::Stopped {
            reason: "it is no longer desired".to_owned(),
        });
    }

    fn report(&mut self, status: TaskStatus) {
        self.state.status = status;
        let report = Report {
            task: self.spec.id.clone(),
            state: self.state.clone(),
        };
        // Without an actor there is nobody left to care.
        let _ = self.reports.send(report);
    }

    /// Makes the task and keeps it; the result is why it ended.
    async fn run(&mut self, parts: &mut Parts) -> String {
        self.state.sidecar = SidecarState::Starting;
        self.report(TaskStatus::Provisioning);
        match self.make(parts).await {
            Ok(()) => self.keep(parts).await,
            Err(reason) => reason,
        }
    }

    async fn make(&mut self, parts: &mut Parts) -> Result<(), String> {
        self.folders()
            .map_err(|error| format!("cannot make the task's folders: {error}"))?;
        if self.spec.app.is_some() {
            parts.app_network = Some(self.app_network().await?);
        }
        let address = redirect::add_address(self.spec.address);
        self.surroundings
            .network
            .ip(address)
            .await
            .map_err(|error| error.to_string())?;
        let configuration = self.first_configuration(parts.app_network.as_ref()).await;
        if let Some(network) = &parts.app_network {
            let (sender, zone) = watch::channel(self.zone(&configuration));
            let refused = Some(self.surroundings.logs.join("dns.log"));
            let options = ServerOptions {
                netns: network,
                address: anywhere(DNS_PORT),
                zone,
                refused,
            };
            parts.dns = Some(
                Server::start(options)
                    .await
                    .map_err(|error| error.to_string())?,
            );
            parts.zone = Some(sender);
        }
        parts.sidecar = Some(self.sidecar(&configuration).await?);
        parts.configuration = Some(configuration);
        self.state.sidecar = SidecarState::Live;
        self.state.mesh = MeshState::Applied;
        self.state.processes.sidecar = parts.sidecar.as_ref().and_then(Sidecar::process);
        self.report(TaskStatus::Provisioning);
        if let (Some(spec), Some(network)) = (self.spec.app.clone(), &parts.app_network) {
            parts.app = Some(self.app(&spec, network).await?);
            self.state.processes.app = parts.app.as_ref().and_then(App::process);
            let accepts = timeout(ACCEPTS, accepting(network, spec.port));
            match (accepts.await, &mut parts.app) {
                (Ok(()), _) => {}
                (Err(_), _) => {
                    return Err(format!("the app does not listen on port {}", spec.port));
                }
            }
        }
        self.state.healthy = true;
        self.report(TaskStatus::Running);
        Ok(())
    }

    fn folders(&self) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.surroundings.folder)?;
        std::fs::create_dir_all(self.surroundings.folder.join("root"))?;
        std::fs::create_dir_all(&self.surroundings.logs)
    }

    async fn app_network(&self) -> Result<Netns, String> {
        let name = format!(
            "app-{}",
            self.surroundings
                .folder
                .file_name()
                .unwrap_or_default()
                .display()
        );
        let make = async {
            let network = Netns::create(&self.surroundings.namespaces, &name).await?;
            network.ip(redirect::app_addresses()).await?;
            network
                .nft(redirect::app_redirection(PLAIN_ADDRESSES))
                .await?;
            network.open_low_ports().await?;
            Ok::<_, super::netns::NetnsError>(network)
        };
        make.await.map_err(|error| error.to_string())
    }

    /// Waits until the meshes say how this proxy is to be configured.
    async fn first_configuration(&mut self, app: Option<&Netns>) -> Configuration {
        loop {
            match self.compile(app) {
                Ok(configuration) => return configuration,
                Err(reason) => {
                    self.state.mesh = MeshState::Refused { reason };
                    self.report(TaskStatus::Provisioning);
                }
            }
            if self.meshes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn compile(&mut self, app: Option<&Netns>) -> Result<Configuration, String> {
        let meshes = self.meshes.borrow_and_update().clone();
        let mesh = meshes.meshes.get(&self.spec.mesh);
        let mesh = mesh.ok_or_else(|| format!("there is no mesh `{}`", self.spec.mesh))?;
        let path = |netns: &Netns| netns.path().map(PathBuf::from).unwrap_or_default();
        let placement = Placement {
            address: self.spec.address,
            network: self.surroundings.network.path().map(PathBuf::from),
            app: app.map(|network| AppPlacement {
                network: path(network),
                address: std::net::Ipv4Addr::LOCALHOST,
                egress_port: EGRESS_PORT,
                plain_egress_port: PLAIN_EGRESS_PORT,
            }),
            private_domains: meshes.domains.iter().cloned().collect(),
            resolver: self.surroundings.resolver,
            admin: self.admin(),
            logs: self.surroundings.logs.clone(),
            xds: self.surroundings.folder.join("xds"),
            readiness_port: READINESS_PORT,
        };
        envoy::compile(mesh, &self.spec.proxy, &placement).map_err(|error| error.to_string())
    }

    fn admin(&self) -> PathBuf {
        self.surroundings.folder.join("admin")
    }

    /// What the app's DNS knows: the modelled names, and all others only
    /// where the mesh lets everything through.
    fn zone(&self, configuration: &Configuration) -> Zone {
        let names = configuration.names();
        let names: BTreeMap<_, _> = names
            .iter()
            .map(|(name, address)| (name.clone(), vec![*address]))
            .collect();
        let meshes = self.meshes.borrow();
        let mesh = meshes.meshes.get(&self.spec.mesh);
        let otherwise = match mesh.map(|mesh| mesh.egress) {
            Some(EgressFilter::AllowAll) => Otherwise::Ask(self.surroundings.world_zone.clone()),
            Some(EgressFilter::DropAll) | None => Otherwise::Refuse,
        };
        Zone {
            fixed: Arc::new(names),
            otherwise,
            ..Zone::empty()
        }
    }

    async fn sidecar(&self, configuration: &Configuration) -> Result<Sidecar, String> {
        let options = SidecarOptions {
            envoy: self.surroundings.envoy.clone(),
            world: self.surroundings.world.clone(),
            folder: self.surroundings.folder.join("xds"),
            admin: self.admin(),
            log: self.surroundings.logs.join("envoy.log"),
        };
        let started = Sidecar::start(&options, configuration).await;
        let mut sidecar = started.map_err(|error| describe(&error))?;
        match timeout(LIVE, sidecar.live()).await {
            Ok(Ok(())) => Ok(sidecar),
            Ok(Err(reason)) => Err(reason),
            Err(_) => Err(format!("Envoy is not live after {} s", LIVE.as_secs())),
        }
    }

    async fn app(&self, spec: &AppSpec, network: &Netns) -> Result<App, String> {
        let certificate = self.surroundings.certificate.as_deref();
        let mut environment = spec.environment.clone();
        if certificate.is_some() && !environment.iter().any(|(name, _)| name == "SSL_CERT_FILE") {
            environment.push(("SSL_CERT_FILE".to_owned(), app::CERTIFICATES.to_owned()));
        }
        let container = Container {
            network: network.path().map(PathBuf::from).unwrap_or_default(),
            rootfs: spec.rootfs.clone(),
            staging: self.surroundings.folder.join("root"),
            command: spec.command.clone(),
            environment,
            working_directory: spec.working_directory.clone(),
            user: spec.user,
            group: spec.group,
            hostname: "app".to_owned(),
            files: app::files_over_image(APP_ADDRESS, certificate),
            own_users: !isolate::has_all_users(),
        };
        let log = self.surroundings.logs.join("app.log");
        let started = App::start(
            &self.surroundings.program,
            &container,
            &log,
            spec.stop_timeout,
        )
        .await;
        started.map_err(|error| describe(&error))
    }

    /// Keeps the task as it should be; the result is why it ended.
    async fn keep(&mut self, parts: &mut Parts) -> String {
        loop {
            let (Some(sidecar), app) = (parts.sidecar.as_mut(), parts.app.as_mut()) else {
                return "it has no sidecar".to_owned();
            };
            tokio::select! {
                reason = sidecar.ended() => {
                    if let Err(reason) = self.revive(parts, reason).await {
                        return reason;
                    }
                }
                reason = ended(app) => return reason,
                changed = self.meshes.changed() => {
                    if changed.is_err() {
                        std::future::pending::<()>().await;
                    }
                    self.follow(parts).await;
                }
            }
        }
    }

    /// Starts a sidecar again beside the app that has lost it.
    async fn revive(&mut self, parts: &mut Parts, reason: String) -> Result<(), String> {
        parts.sidecar = None;
        self.state.sidecar = SidecarState::Dead;
        self.state.healthy = false;
        self.state.restarts += 1;
        self.report(TaskStatus::Running);
        sleep(PAUSES.0).await;
        let configuration = parts.configuration.as_ref().ok_or_else(|| reason.clone())?;
        let sidecar = self
            .sidecar(configuration)
            .await
            .map_err(|again| format!("{reason}; {again}"))?;
        self.state.processes.sidecar = sidecar.process();
        parts.sidecar = Some(sidecar);
        self.state.sidecar = SidecarState::Live;
        self.state.healthy = true;
        self.report(TaskStatus::Running);
        Ok(())
    }

    /// Hands the sidecar the mesh as it is now.
    async fn follow(&mut self, parts: &mut Parts) {
        let next = match self.compile(parts.app_network.as_ref()) {
            Ok(next) => next,
            Err(reason) => return self.refuse(reason),
        };
        let (Some(previous), Some(sidecar)) = (&parts.configuration, &parts.sidecar) else {
            return;
        };
        if *previous != next {
            let folder = self.surroundings.folder.join("xds");
            if let Err(reason) = sidecar.follow(previous, &next, &folder).await {
                return self.refuse(reason);
            }
        }
        if let Some(zone) = &parts.zone {
            zone.send_replace(self.zone(&next));
        }
        parts.configuration = Some(next);
        self.state.mesh = MeshState::Applied;
        self.report(TaskStatus::Running);
    }

    fn refuse(&mut self, reason: String) {
        self.state.mesh = MeshState::Refused { reason };
        self.report(TaskStatus::Running);
    }

    async fn tear_down(&mut self, parts: Parts) {
        if let Some(app) = parts.app {
            app.stop().await;
        }
        if let Some(sidecar) = parts.sidecar {
            sidecar.stop().await;
        }
        drop(parts.dns);
        let address = redirect::remove_address(self.spec.address);
        // It may never have been given.
        let _ = self.surroundings.network.ip(address).await;
        drop(parts.app_network);
        let _ = std::fs::remove_dir_all(&self.surroundings.folder);
    }
}

/// How an app ended; never for a task without one.
async fn ended(app: Option<&mut App>) -> String {
    match app {
        Some(app) => app.ended().await,
        None => std::future::pending().await,
    }
}

/// Waits until something listens on a port of the app's namespace.
async fn accepting(network: &Netns, port: u16) {
    let address = std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, port);
    while network.connect(address).await.is_err() {
        sleep(KNOCK).await;
    }
}

/// An error and its causes in one line.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
