//! ECS: turns services into tasks, and tasks into what should run.
//!
//! [`schedule`] is a step of state: it takes in what was observed, replaces
//! what ended, rolls out new deployments and gives up on those that fail.
//! [`publish`] says what should run. Both are plain functions; only the loop
//! in `run.rs` knows of time and other tasks.

mod addresses;
mod balancers;
pub mod definition;
mod init_container;
mod publish;
mod rollout;
mod run;
mod schedule;
mod service;
mod state;

pub use publish::{Publisher, publish};
pub(super) use run::run;
pub use schedule::{Outcome, schedule};
pub use service::{Deployment, Rollout, Service};
pub use state::{EcsState, Task};

#[cfg(test)]
mod tests;
