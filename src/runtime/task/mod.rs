//! One task's life: namespaces, sidecar, app, and in reverse.
//!
//! A driver runs as long as its task is desired. What fails is torn down and
//! made again after a pause; a dead sidecar alone is started again beside its
//! app, which meanwhile has no way out.

mod driver;
mod life;
mod make;
mod sharing;

pub(super) use driver::{Driver, Report, Surroundings};
pub use make::NAMES;
