//! colormesh as a step of a CI job.

mod action;
mod alone;
mod credentials;
mod files;
mod runners;
