//! What has to happen, and in which order.
//!
//! Pure: it compares the rendered stacks with what is deployed and draws the
//! graph of steps. Reading what is deployed, and walking the graph, are
//! `deploy`'s. What is done about a stack in each status stands in `STATES.md`.

mod compare;
mod deployed;
mod down;
mod graph;
mod moves;
mod property;
#[cfg(test)]
pub(crate) mod samples;
mod standing;
mod step;
mod tasks;
mod terms;
mod up;

pub use compare::{Change, ChangeKind, KnownImage, compare};
pub use deployed::{Deployed, DeployedStack};
pub use graph::{Cycle, order};
pub use moves::Move;
pub use property::PropertyChange;
pub use standing::{DownStanding, Row, Shown, TABLE, UpStanding, markdown};
pub use step::{Action, Direction, Plan, Step, StepId};
pub use terms::Term;
pub use up::{ImagePlan, Wishes};
