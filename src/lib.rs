//! map
pub mod aws;
pub mod config;
pub mod diag;
pub mod envoy;
pub mod mesh;
pub mod stack;
pub mod template;
pub mod yaml;
