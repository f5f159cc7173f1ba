//! The laboratory: what an account can be told to do to its clients, so that
//! they can be proved. It takes as long as AWS does, limits calls, fails by
//! rule, and writes down who asked for what. Off unless it is asked for.
//!
//! [`LabSettings`] says what is wanted, [`Lab`] holds what came of it. The
//! `endpoint` asks it before and after each call, the CloudFormation engine
//! before each resource.

mod chance;
mod handle;
mod latency;
mod log;
mod meter;
mod rules;
mod settings;
mod stage;
mod times;

pub(in crate::account) use handle::Moment;
pub use handle::{Lab, Met};
pub use latency::{Latency, Node, Span, Verb};
pub use log::{Call, CallOutcome};
pub(in crate::account) use rules::Subject;
pub use settings::{
    CallEffect, CallFault, Faults, LabError, LabSettings, LatencySettings, Limit, ResourceEffect,
    ResourceFault, Speed,
};
pub use stage::{STATUSES, Stage, StageError};
pub use times::{Times, starts_early, times_of};
