//! What has to happen, and in which order.
//!
//! Pure: it compares the rendered stacks with what is deployed and draws the
//! graph of steps. Reading what is deployed, and walking the graph, are
//! `deploy`'s.

mod compare;
mod deployed;
mod down;
mod graph;
mod property;
#[cfg(test)]
pub(crate) mod samples;
mod standing;
mod step;
mod tasks;
mod up;

pub use compare::{Change, ChangeKind, KnownImage, compare};
pub use deployed::{Deployed, DeployedStack};
pub use graph::{Cycle, order};
pub use property::PropertyChange;
pub use standing::{DownStanding, UpStanding};
pub use step::{Action, Direction, Plan, Step, StepId};
pub use up::{ImagePlan, Wishes};
