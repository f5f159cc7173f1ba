//! colormesh as a step of a CI job.

pub(crate) mod alone;
mod files;
mod runners;
