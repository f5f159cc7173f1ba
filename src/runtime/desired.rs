//! What should run, as its owner says it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::envoy::Carried;
use crate::mesh::{MeshName, ProxyId, Resource};

/// Everything that should be. What is not in it should not be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desired {
    /// The tasks.
    pub tasks: Vec<TaskSpec>,
    /// The load balancers.
    pub load_balancers: Vec<LoadBalancerSpec>,
    /// The `AWS::AppMesh::*` resources of all meshes.
    pub mesh: Vec<Arc<Resource>>,
    /// Grows with each change of those; each task says which one it has.
    pub mesh_version: u64,
    /// The names of each network, and the tasks behind them. A name answers
    /// with those of its tasks that run, and in its own network alone.
    pub names: BTreeMap<NetworkId, BTreeMap<String, BTreeSet<TaskId>>>,
    /// Domains of which nothing outside knows, such as `default.svc.cluster.local`.
    pub domains: BTreeSet<String>,
}

/// A task's name, unique for all time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(String);

/// A network's name. Its tasks find each other by their names, and no others.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkId(String);

/// A load balancer's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoadBalancerId(String);

/// A target group's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetGroupId(String);

/// One task: a sidecar or a gateway, with an app or without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSpec {
    /// Its name.
    pub id: TaskId,
    /// The mesh it is in.
    pub mesh: MeshName,
    /// The node or gateway that it is.
    pub proxy: ProxyId,
    /// The network whose names it knows.
    pub network: NetworkId,
    /// Its address, unique among all tasks of all networks.
    pub address: Ipv4Addr,
    /// Its app; a gateway has none.
    pub app: Option<AppSpec>,
    /// What its proxy brings along instead of what the mesh says.
    pub carried: Option<Arc<CarriedProxy>>,
}

/// A proxy whose container has its whole configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedProxy {
    /// The configuration.
    pub configuration: Carried,
    /// What Envoy is told besides.
    pub arguments: Vec<String>,
    /// The ports of the task that are redirected to the proxy.
    pub app_ports: Vec<u16>,
}

/// An app, as an image and a task definition say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSpec {
    /// The unpacked image, which is never written to.
    pub rootfs: PathBuf,
    /// Program and arguments: entry point and command together.
    pub command: Vec<String>,
    /// The environment, and nothing besides.
    pub environment: Vec<(String, String)>,
    /// Where it starts; `/` when the image does not say.
    pub working_directory: Option<PathBuf>,
    /// The user it runs as.
    pub user: u32,
    /// The group it runs as.
    pub group: u32,
    /// Whether it may write to `/tmp` alone. Else it may write wherever its
    /// user may, and what it writes goes with it.
    pub read_only: bool,
    /// The port it listens on; the app is up when this accepts.
    pub port: u16,
    /// How long it may take to end when asked to, before it is killed.
    pub stop_timeout: Duration,
}

/// A load balancer with its one listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancerSpec {
    /// Its name.
    pub id: LoadBalancerId,
    /// The port on loopback; one that is free when none is named or the
    /// named one is taken.
    pub port: Option<u16>,
    /// The listener's rules, in the order in which they are tried.
    pub rules: Vec<Rule>,
    /// What happens when no rule matches.
    pub default: Action,
    /// The target groups that rules name.
    pub target_groups: BTreeMap<TargetGroupId, TargetGroupSpec>,
}

/// A rule of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Patterns of `path-pattern` conditions, of which one has to match.
    pub paths: Vec<String>,
    /// What happens then.
    pub action: Action,
}

/// What a listener does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A target of the group answers.
    Forward(TargetGroupId),
    /// The load balancer answers by itself.
    Fixed {
        /// The status.
        status: u16,
        /// The type of the body.
        content_type: String,
        /// The body.
        body: String,
    },
}

/// A target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroupSpec {
    /// The tasks in it, each with its port.
    pub targets: BTreeSet<(TaskId, u16)>,
    /// How their health is checked.
    pub health_check: HealthCheck,
    /// How long a target that is taken out may go on with the requests that
    /// it is at.
    pub deregistration_delay: Duration,
}

/// A target group's health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// The path that is asked for.
    pub path: String,
    /// The port, when it is not the target's.
    pub port: Option<u16>,
    /// The time between two checks.
    pub interval: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Good answers in a row that make a target healthy again.
    pub healthy: u32,
    /// Bad answers in a row that make it unhealthy.
    pub unhealthy: u32,
    /// The statuses that are good: first and last of each range.
    pub statuses: Vec<(u16, u16)>,
}

macro_rules! id {
    ($name:ident) => {
        impl $name {
            /// The name from its text.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(TaskId);
id!(NetworkId);
id!(LoadBalancerId);
id!(TargetGroupId);
