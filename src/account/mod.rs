//! An AWS account on this machine: what should be, and what was done.
//!
//! The account owns one serde [`State`], the CloudFormation engine that
//! changes it, and the scheduler that turns ECS services into tasks. It
//! starts nothing itself: it publishes a [`desired::Desired`] state, and
//! whoever runs things reports an [`desired::Observed`] state back. How
//! clients speak to it is the `endpoint` room's business.

pub mod clock;
pub mod cloudformation;
pub mod desired;
pub mod ecr;
mod error;
mod handle;
pub mod ids;
pub mod inventory;
mod kept_ports;
pub mod key_pairs;
pub mod lab;
mod resources;
pub mod s3;
pub mod scheduler;
pub mod security_groups;
pub mod shared;
mod store;

pub use error::ApiError;
pub use handle::{Account, OpenError, Options, Pace, Ports};
pub use store::State;
