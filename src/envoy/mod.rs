//! Turns a mesh into Envoy's v3 configuration, one for each proxy.
//!
//! [`compile`] is pure: the mesh says what may be reached, [`Placement`] says
//! where the proxy runs, and the result is the same for the same input.
//! [`Configuration`] puts it into files that a running Envoy takes over at
//! once; running Envoy is left to `runtime`.

mod addresses;
mod adopt;
mod api;
mod compile;
mod configuration;
pub mod log;
mod placement;
mod shared;
mod surroundings;
#[cfg(test)]
mod tests;

pub use addresses::ADDRESSES;
pub use adopt::{Carried, InvalidCarried, Reachable, Spoken};
pub use compile::{CompileError, compile, compile_task};
pub use configuration::Configuration;
pub use placement::{AppPlacement, LocalPorts, Placement, TaskPlacement};
pub use shared::{Led, Shared, Told};
