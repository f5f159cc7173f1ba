//! The handle to a task, and what the task holds.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::runtime::actor::Meshes;
use crate::runtime::app::App;
use crate::runtime::connections::Connections;
use crate::runtime::desired::{TaskId, TaskSpec};
use crate::runtime::dns::{Server, Zone};
use crate::runtime::keeper::Keeper;
use crate::runtime::netns::Netns;
use crate::runtime::observed::{MeshState, Processes, SidecarState, TaskState, TaskStatus};
use crate::runtime::setup::Setup;
use crate::runtime::sidecar::Sidecar;

/// What a driver tells the actor.
#[derive(Debug)]
pub(in crate::runtime) struct Report {
    pub(in crate::runtime) task: TaskId,
    pub(in crate::runtime) state: TaskState,
}

/// What a task finds around it.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Surroundings {
    pub(in crate::runtime) program: PathBuf,
    pub(in crate::runtime) envoy: PathBuf,
    /// The folder of the task's sockets and configuration.
    pub(in crate::runtime) folder: PathBuf,
    /// The folder of its logs.
    pub(in crate::runtime) logs: PathBuf,
    pub(in crate::runtime) namespaces: PathBuf,
    /// Where tasks have their addresses.
    pub(in crate::runtime) network: Netns,
    /// Where sidecars run.
    pub(in crate::runtime) world: Netns,
    /// What its network and the outside know of names.
    pub(in crate::runtime) zone: watch::Receiver<Zone>,
    pub(in crate::runtime) resolver: SocketAddr,
    /// The authorities that the app has to trust besides those of its image.
    pub(in crate::runtime) authorities: Option<Arc<str>>,
}

/// A task's driver, held by the actor.
#[derive(Debug)]
pub(in crate::runtime) struct Driver {
    pub(in crate::runtime) spec: TaskSpec,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

// === impl Driver ===

impl Driver {
    pub(in crate::runtime) fn start(
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
            mesh_version: 0,
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
            chains: Chains::Own,
            compiled: 0,
        };
        Self {
            spec,
            stop,
            running: tokio::spawn(task.live(stopped)),
        }
    }

    /// Asks it to stop; the handle ends when nothing of the task is left.
    pub(in crate::runtime) fn stop(self) -> JoinHandle<()> {
        let _ended_already = self.stop.send(());
        self.running
    }
}

pub(super) struct Task {
    pub(super) spec: TaskSpec,
    pub(super) surroundings: Surroundings,
    pub(super) meshes: watch::Receiver<Meshes>,
    pub(super) reports: mpsc::UnboundedSender<Report>,
    pub(super) state: TaskState,
    pub(super) chains: Chains,
    /// The version of the meshes that were compiled last.
    pub(super) compiled: u64,
}

/// How a sidecar's services are told apart; a running one keeps its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chains {
    /// Not known yet: the number of services decides.
    Undecided,
    /// Each has a filter chain of its own.
    Own,
    /// They share chains.
    Shared,
}

/// What a running task consists of, in the order in which it was made.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) app_network: Option<Netns>,
    pub(super) zone: Option<watch::Sender<Zone>>,
    pub(super) dns: Option<Server>,
    pub(super) configuration: Option<Setup>,
    pub(super) keeper: Option<Keeper>,
    pub(super) connections: Option<Connections>,
    pub(super) sidecar: Option<Sidecar>,
    pub(super) app: Option<App>,
}
