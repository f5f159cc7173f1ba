//! The data plane on this machine: what should run, made to run.
mod dns;
pub mod isolate;
pub mod launch;
mod log;
mod netns;
mod envoy_binary;
mod relay;
mod stand_in;
mod redirect;
mod sys;
