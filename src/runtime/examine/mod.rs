//! Does anything get out? Sends probes into a running task, watches from
//! outside, and says of each what was expected, what was seen, and what shows
//! it.
//!
//! ```text
//! witnesses up -> state before -> probers (app, root, each in a copy too)
//!              -> witnesses down, logs read, state after -> rows
//! ```
//!
//! What a prober believes never suffices: what it sent is counted where it
//! would arrive, and what it tried on processes, files and the kernel is
//! looked up in their state.

mod copy;
mod logs;
mod rows;
mod run;
mod state;

pub use rows::{Examination, Row};
pub(super) use run::{Ground, Subject, examine};
