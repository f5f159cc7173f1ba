//! colormesh as a step of a CI job.

mod action;
pub(crate) mod alone;
mod credentials;
mod files;
mod runners;
