//! map
pub mod aws;
