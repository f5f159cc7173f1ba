//! colormesh: a service mesh whose containers reach only the outside services
//! that it names. The modules, in the order in which data flows:
//!
//! ```text
//! config -> stack -> plan -> deploy -> aws        (what should be, sent to CloudFormation)
//! template -> mesh -> envoy -> runtime            (what the templates mean, made to run)
//! ```

pub mod account;
pub mod aws;
pub mod cli;
pub mod config;
pub mod deploy;
pub mod diag;
pub mod endpoint;
pub mod envoy;
pub mod image;
pub mod mesh;
pub mod plan;
pub mod runtime;
pub mod stack;
pub mod template;
pub mod verify;
pub mod yaml;
