//! colormesh as a step of a CI job.

mod alone;
mod files;
mod runners;
