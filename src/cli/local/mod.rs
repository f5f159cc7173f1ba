//! The local target's process: its folders, its lock, and what it tells.

pub(crate) mod paths;
pub(crate) mod record;
pub(crate) mod status;
