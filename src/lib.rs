//! map
pub mod image;
