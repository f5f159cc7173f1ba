//! What should run, and what does: the account's two words with the runtime.
//!
//! Plain data without a word on how it is run. The account publishes a whole
//! [`Desired`] each time; the runtime reports a whole [`Observed`].

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Everything that should run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desired {
    /// Tasks of all clusters.
    pub tasks: Vec<Arc<DesiredTask>>,
    /// Load balancers with their listeners and targets.
    pub load_balancers: Vec<Arc<DesiredLoadBalancer>>,
    /// All App Mesh resources.
    pub meshes: Vec<Arc<MeshResource>>,
    /// Grows with each change of those.
    pub mesh_version: u64,
    /// Names of private DNS namespaces, each with the VPC in which it is known,
    /// and the addresses registered there. A name without addresses exists and
    /// resolves to nothing.
    pub dns: BTreeMap<DnsName, Vec<Ipv4Addr>>,
}

/// A name of a private DNS namespace. Others may have the same in their own VPC.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DnsName {
    /// The VPC in which it is known.
    pub vpc: String,
    /// The whole name.
    pub name: String,
}

/// One task that should run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DesiredTask {
    /// Its ARN; a task that is replaced has another.
    pub task_arn: String,
    /// The service that wants it.
    pub service_arn: String,
    /// The name of that service.
    pub service_name: String,
    /// The cluster's name.
    pub cluster: String,
    /// The task definition's family.
    pub family: String,
    /// The task definition's revision.
    pub revision: u32,
    /// The containers in the order of the definition.
    pub containers: Vec<DesiredContainer>,
    /// `APPMESH_RESOURCE_ARN` of the sidecar, such as
    /// `mesh/<mesh>/virtualNode/<node>`.
    pub mesh_resource: Option<String>,
    /// The name of the sidecar container, when there is one.
    pub proxy_container: Option<String>,
    /// Where the proxy gets what the app sends and what comes for it.
    #[serde(default)]
    pub redirection: Option<Redirection>,
    /// The name of the container that comes first and redirects it.
    #[serde(default)]
    pub redirecting_container: Option<String>,
    /// Its address in the VPC, out of the range of one of its subnets.
    pub address: Ipv4Addr,
    /// The VPC that its address is in.
    #[serde(default)]
    pub vpc: String,
    /// DNS names under which it is registered, known in that VPC.
    pub dns_names: Vec<String>,
    /// `x86_64` or `arm64`; nothing when the definition does not say.
    pub architecture: Option<String>,
}

impl DesiredTask {
    /// The names under which it is registered.
    pub fn names(&self) -> impl Iterator<Item = DnsName> {
        self.dns_names.iter().map(|name| DnsName {
            vpc: self.vpc.clone(),
            name: name.clone(),
        })
    }
}

/// What ECS redirects in a task with a proxy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Redirection {
    /// The proxy's port for what comes in.
    pub ingress_port: Option<u16>,
    /// The proxy's port for what the app sends.
    pub egress_port: Option<u16>,
    /// The ports for which something may come in.
    pub app_ports: Vec<u16>,
}

/// One container of a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DesiredContainer {
    /// Its name in the task.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Its environment, in the order of the definition.
    pub environment: Vec<(String, String)>,
    /// `user[:group]`.
    pub user: Option<String>,
    /// True when its root is read-only.
    pub read_only: bool,
    /// Ports it listens on.
    pub ports: Vec<u16>,
    /// In place of the image's command.
    pub command: Vec<String>,
    /// In place of the image's entry point.
    pub entry_point: Vec<String>,
    /// How its health is checked.
    pub health_check: Option<ContainerHealthCheck>,
    /// True when the task ends with it.
    pub essential: bool,
    /// Containers that must come first, with the condition.
    pub depends_on: Vec<(String, String)>,
    /// Seconds between being asked to end and being killed.
    #[serde(default)]
    pub stop_timeout: Option<u32>,
}

/// A container's own health check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContainerHealthCheck {
    /// `CMD` or `CMD-SHELL` and the rest.
    pub command: Vec<String>,
    /// Seconds between two checks.
    pub interval: u32,
    /// Seconds until one counts as failed.
    pub timeout: u32,
    /// Failures until it is unhealthy.
    pub retries: u32,
    /// Seconds at the start in which failures do not count.
    pub start_period: u32,
}

/// One load balancer.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredLoadBalancer {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its listeners.
    pub listeners: Vec<DesiredListener>,
    /// The target groups that its rules name.
    pub target_groups: Vec<DesiredTargetGroup>,
}

/// One listener of a load balancer.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredListener {
    /// Its ARN.
    pub arn: String,
    /// The port that the template says.
    pub declared_port: u16,
    /// The port on loopback where it is found.
    pub port: u16,
    /// Rules by ascending priority; the default action comes last.
    pub rules: Vec<DesiredRule>,
}

/// One rule of a listener.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredRule {
    /// Patterns of which one must match the path; empty matches all.
    pub path_patterns: Vec<String>,
    /// Patterns of which one must match the host; empty matches all.
    pub host_patterns: Vec<String>,
    /// What to do.
    pub action: RuleAction,
}

/// What a rule does with a request.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleAction {
    /// Hands it to a target of this group.
    Forward {
        /// The ARN of the target group.
        target_group: String,
    },
    /// Answers it.
    Fixed {
        /// The HTTP status.
        status: u16,
        /// The type of the body.
        content_type: String,
        /// The body.
        body: String,
    },
}

/// One target group.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredTargetGroup {
    /// Its ARN.
    pub arn: String,
    /// How its targets are checked.
    pub health_check: TargetHealthCheck,
    /// Seconds that a target has to end what it is at when it is taken out.
    pub deregistration_delay: u32,
    /// Its targets.
    pub targets: Vec<Target>,
}

/// How targets are checked.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetHealthCheck {
    /// The path of the request.
    pub path: String,
    /// The port; nothing means the target's own.
    pub port: Option<u16>,
    /// Seconds between two checks.
    pub interval: u32,
    /// Seconds until one counts as failed.
    pub timeout: u32,
    /// Successes until healthy.
    pub healthy: u32,
    /// Failures until unhealthy.
    pub unhealthy: u32,
    /// Statuses that count as success, such as `200` or `200-299,301`.
    pub matcher: String,
}

/// Where a target group sends a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The task behind it.
    pub task_arn: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its port.
    pub port: u16,
}

/// One App Mesh resource, as its template has it after evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeshResource {
    /// `AWS::AppMesh::VirtualNode` and the like.
    pub resource_type: String,
    /// Its ARN.
    pub arn: String,
    /// Its properties; names that the template left out are filled in.
    pub properties: serde_json::Value,
}

/// Everything that the runtime saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Tasks by ARN. A task that is not here has not been seen yet.
    pub tasks: BTreeMap<String, ObservedTask>,
    /// Health of targets, by target group and task ARN.
    pub targets: BTreeMap<(String, String), bool>,
}

/// What is known of one task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObservedTask {
    /// How far it is.
    pub status: TaskStatus,
    /// Whether all its health checks succeed; a task without checks is
    /// healthy when it runs.
    pub healthy: bool,
    /// Why it stopped, or what it waits for.
    pub reason: Option<String>,
    /// Containers by name.
    pub containers: BTreeMap<String, ObservedContainer>,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskStatus {
    /// Known, not started.
    #[default]
    Pending,
    /// All containers run.
    Running,
    /// It ended, or could not start; `reason` says why.
    Stopped,
}

/// What is known of one container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObservedContainer {
    /// True while it runs.
    pub running: bool,
    /// Its health, when it has a check.
    pub healthy: Option<bool>,
    /// The code it ended with.
    pub exit_code: Option<i32>,
    /// The digest of the image it was started from.
    pub image_digest: Option<String>,
}
