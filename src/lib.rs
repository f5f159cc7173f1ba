//! map

pub mod envoy;
pub mod mesh;
