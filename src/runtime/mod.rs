//! The data plane on this machine: what should run, made to run.
mod dns;
pub mod isolate;
pub mod launch;
mod log;
mod netns;
mod redirect;
mod sys;
