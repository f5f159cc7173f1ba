//! map
pub mod aws;
pub mod config;
pub mod diag;
pub mod envoy;
pub mod image;
pub mod mesh;
pub mod runtime;
pub mod stack;
pub mod template;
pub mod yaml;
