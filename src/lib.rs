//! Colormesh as a library: the rooms, in the order in which data moves.

pub mod diag;
pub mod template;
pub mod yaml;
