//! The data plane on this machine: what should run, made to run.
//!
//! [`Runtime`] takes a whole [`Desired`] at a time and makes it so; what it
//! sees is an [`Observed`]. Nothing is ever wrong for good: whatever ends is
//! started again as long as it is desired. What should run, and why, is the
//! account's business.
//!
//! ```text
//! apply(Desired) -> actor -> a driver a task -> namespaces, sidecar, app
//!                     |-> the outside world, load balancers
//! observed()    <- actor <- reports
//! examine()     -> probes in the tasks' namespaces, witnesses outside
//! ```

mod actor;
mod admin;
mod app;
mod app_log;
mod connections;
mod departure;
mod desired;
mod dns;
pub mod envoy_binary;
mod examine;
mod handle;
pub mod isolate;
mod keeper;
pub mod launch;
mod load_balancer;
pub mod log;
pub mod moment;
mod names;
mod netns;
mod observed;
mod outside;
pub mod probe;
mod process;
mod reach;
mod redirect;
mod relay;
mod reserved_ports;
mod setup;
mod sidecar;
mod sock_diag;
mod stand_in;
mod sys;
mod task;
mod world;

pub use desired::{
    Action, AppSpec, CarriedProxy, Desired, HealthCheck, LoadBalancerId, LoadBalancerSpec,
    NetworkId, Rule, TargetGroupId, TargetGroupSpec, TaskId, TaskSpec,
};
pub use examine::{Examination, Row};
pub use handle::{Options, Runtime, RuntimeError};
pub use netns::NetnsError;
pub use observed::{
    LoadBalancerState, MeshState, Observed, Processes, SidecarState, TargetHealth, TaskState,
    TaskStatus, WorldState,
};
pub use process::Process;
pub use reach::reach;
pub use reserved_ports::ReservedPorts;
pub use stand_in::StandInError;
pub use task::NAMES;
pub use world::{Internet, WorldError};
