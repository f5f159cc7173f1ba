//! What does run, as the runtime sees it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::desired::{LoadBalancerId, TargetGroupId, TaskId};

/// Everything that is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The tasks that are there or have just stopped.
    pub tasks: BTreeMap<TaskId, TaskState>,
    /// The load balancers.
    pub load_balancers: BTreeMap<LoadBalancerId, LoadBalancerState>,
    /// What stands for the outside world.
    pub world: WorldState,
    /// What is wrong at the moment, in sentences for people.
    pub problems: Vec<String>,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskState {
    /// Where it is in its life.
    pub status: TaskStatus,
    /// Its sidecar.
    pub sidecar: SidecarState,
    /// Whether its sidecar runs with the mesh as it is desired now.
    pub mesh: MeshState,
    /// The version of the desired meshes that this is about.
    pub mesh_version: u64,
    /// Whether its app accepts connections; a task without one is healthy
    /// when its sidecar is live.
    pub healthy: bool,
    /// How often it was started again.
    pub restarts: u32,
    /// Its processes, by the numbers that the machine gives them.
    pub processes: Processes,
    /// The folder with its logs.
    pub logs: PathBuf,
}

/// Where a task is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskStatus {
    /// It is being made.
    Provisioning,
    /// It runs.
    Running,
    /// It has stopped; when it is still desired it is started again.
    Stopped {
        /// Why.
        reason: String,
    },
}

/// A sidecar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SidecarState {
    /// It is not ready yet.
    Starting,
    /// It serves.
    Live,
    /// It has died and is started again.
    Dead,
}

/// Whether a sidecar has the mesh that is desired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MeshState {
    /// It was given to it but is not in use yet.
    Pending,
    /// It is in use.
    Applied,
    /// It could not be compiled, or Envoy would not have it; the one before
    /// stays in use.
    Refused {
        /// Why.
        reason: String,
    },
}

/// The processes of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Processes {
    /// The sidecar.
    pub sidecar: Option<u32>,
    /// The app's container.
    pub app: Option<u32>,
}

/// A load balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadBalancerState {
    /// Its port on 127.0.0.1; none while it cannot listen.
    pub port: Option<u16>,
    /// Its targets.
    pub targets: BTreeMap<(TargetGroupId, TaskId), TargetHealth>,
}

/// A target of a target group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetHealth {
    /// It was not checked yet.
    Initial,
    /// It gets requests.
    Healthy,
    /// It does not.
    Unhealthy,
}

/// What stands for the outside world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WorldState {
    /// It is being found out.
    #[default]
    Unknown,
    /// The machine's own network.
    Real,
    /// The machine's own network, reached by a relay, since an ordinary
    /// user's sidecars cannot run in it.
    Relayed,
    /// Stand-ins.
    StandIn {
        /// Why.
        reason: String,
        /// The file with the certificate that clients have to trust.
        certificate: PathBuf,
        /// The file in which every connection to a stand-in is noted.
        witness: PathBuf,
    },
}
