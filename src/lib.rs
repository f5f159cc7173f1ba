//! Colormesh as a library: the rooms, in the order in which data moves.

pub mod config;
pub mod diag;
pub mod yaml;
