//! The place of the measurements: a network with nothing but the outside
//! world of [`outside`] in it, and the runtime that `colormesh local` runs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use colormesh::mesh::Resource;
use colormesh::runtime::{
    AppSpec, Desired, Internet, NetworkId, Options, ReservedPorts, Runtime, SidecarState, TaskId,
    TaskSpec, TaskState, TaskStatus,
};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use rustls::ClientConfig;
use tempfile::TempDir;

use crate::load::Route;
use crate::settings::Settings;
use crate::{app, mesh, outside};

/// Any address: where a connection goes is decided by its server name.
const ANYWHERE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)), 443);
/// How long anything may take to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) folder: TempDir,
    pub(crate) trust: Arc<ClientConfig>,
    runtime: Runtime,
    image: AppSpec,
    desired: Desired,
    meshes: BTreeMap<u8, Vec<Arc<Resource>>>,
    started: u8,
}

/// A task that runs.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    /// The time from when it was desired until its sidecar served.
    pub(crate) live: Duration,
    /// The sidecar's process.
    pub(crate) sidecar: u32,
    /// The app's namespace.
    pub(crate) network: PathBuf,
    number: u8,
    id: TaskId,
}

// === impl Scene ===

impl Scene {
    pub(crate) async fn start(settings: &Settings) -> Result<Self> {
        let addresses = "link set lo up\naddr add 198.51.100.10/32 dev lo\n";
        run_with("ip", &["-batch", "-"], addresses)?;
        spare_ports();
        let folder = tempfile::tempdir()?;
        let trust = outside::start().await?;
        let image = app::image(&folder.path().join("image"))?;
        let resolver_settings = folder.path().join("resolv.conf");
        std::fs::write(&resolver_settings, "nameserver 127.0.0.1\n")?;
        let options = Options {
            program: std::env::current_exe()?,
            envoy: settings.envoy.clone(),
            run: folder.path().join("run"),
            logs: folder.path().join("logs"),
            internet: Internet::Real,
            resolver_settings,
            expected: Vec::new(),
            ports: ReservedPorts::default(),
            authorities: None,
        };
        Ok(Self {
            runtime: Runtime::start(options).await?,
            desired: Desired {
                domains: [mesh::DOMAIN.to_owned()].into(),
                ..Desired::default()
            },
            folder,
            trust,
            image,
            meshes: BTreeMap::new(),
            started: 0,
        })
    }

    /// Starts a task, in a mesh of its own with these services.
    pub(crate) async fn task(&mut self, services: Range<usize>) -> Result<Task> {
        self.started += 1;
        let number = self.started;
        let id = TaskId::new(format!("task-{number}"));
        self.desired.tasks.push(TaskSpec {
            carried: None,
            id: id.clone(),
            mesh: mesh::name(number),
            proxy: mesh::app(),
            network: NetworkId::default(),
            address: Ipv4Addr::new(10, 0, 0, number),
            app: Some(self.image.clone()),
        });
        let others = self.app_networks()?;
        self.meshes
            .insert(number, mesh::resources(number, services));
        let start = Instant::now();
        self.apply();
        self.wait(&id, |state| state.sidecar == SidecarState::Live)
            .await?;
        let live = start.elapsed();
        let state = self
            .wait(&id, |state| state.status == TaskStatus::Running)
            .await?;
        let network = self.app_networks()?.difference(&others).next().cloned();
        Ok(Task {
            live,
            sidecar: state
                .processes
                .sidecar
                .context("a sidecar without a process")?,
            network: network.context("the app has no namespace")?,
            number,
            id,
        })
    }

    /// Changes the task's services; whether that had its effect is seen from
    /// inside.
    pub(crate) fn set(&mut self, task: &Task, services: Range<usize>) {
        self.meshes
            .insert(task.number, mesh::resources(task.number, services));
        self.apply();
    }

    fn apply(&mut self) {
        self.desired.mesh = self.meshes.values().flatten().cloned().collect();
        self.runtime.apply(self.desired.clone());
    }

    /// Stops the task and waits until it is gone.
    pub(crate) async fn stop(&mut self, task: Task) -> Result<()> {
        self.desired.tasks.retain(|spec| spec.id != task.id);
        self.meshes.remove(&task.number);
        self.apply();
        let mut observed = self.runtime.observed();
        let gone = observed.wait_for(|observed| !observed.tasks.contains_key(&task.id));
        tokio::time::timeout(PATIENCE, gone).await??;
        Ok(())
    }

    /// From the task's app to a service.
    pub(crate) fn route(&self, task: &Task, host: String) -> Route {
        Route {
            from: Some(task.network.clone()),
            to: ANYWHERE,
            host,
            trust: Arc::clone(&self.trust),
        }
    }

    pub(crate) async fn end(self) {
        self.runtime.shutdown().await;
    }

    /// The namespaces of all apps.
    fn app_networks(&self) -> Result<BTreeSet<PathBuf>> {
        let mut found = BTreeSet::new();
        for entry in std::fs::read_dir(self.folder.path().join("run/netns"))? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("app-") {
                found.insert(entry.path());
            }
        }
        Ok(found)
    }

    async fn wait(&self, id: &TaskId, fits: impl Fn(&TaskState) -> bool) -> Result<TaskState> {
        let mut observed = self.runtime.observed();
        let waiting = async {
            loop {
                let now = Arc::clone(&observed.borrow_and_update());
                match now.tasks.get(id) {
                    Some(state) if fits(state) => return Ok(state.clone()),
                    Some(TaskState {
                        status: TaskStatus::Stopped { reason },
                        ..
                    }) => {
                        bail!("the task stopped: {reason}")
                    }
                    _ => {}
                }
                if let Some(problem) = now.problems.first() {
                    bail!("{problem}");
                }
                observed.changed().await?;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .context("the task does not come up")?
    }
}

/// Moves this thread into a namespace for good.
pub(crate) fn enter(network: &Path) -> Result<()> {
    let file = std::fs::File::open(network)?;
    let kind = Some(LinkNameSpaceType::Network);
    move_into_link_name_space(std::os::fd::AsFd::as_fd(&file), kind)?;
    spare_ports();
    Ok(())
}

/// Thousands of connections a second from one address need many ports, and
/// these soon again. Where that cannot be set, the slices have to be short.
fn spare_ports() {
    let folder = Path::new("/proc/sys/net/ipv4");
    let _not_ours = std::fs::write(folder.join("ip_local_port_range"), "1024 65535");
    let _not_ours = std::fs::write(folder.join("tcp_tw_reuse"), "1");
}

/// Runs a command of the system with something to read.
pub(crate) fn run_with(program: &str, arguments: &[&str], input: &str) -> Result<()> {
    use std::io::Write;
    let mut command = std::process::Command::new(program);
    let mut child = command
        .args(arguments)
        .stdin(std::process::Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let status = child.wait()?;
    anyhow::ensure!(status.success(), "`{program}` ended with {status}");
    Ok(())
}
