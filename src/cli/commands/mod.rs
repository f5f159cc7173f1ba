//! One file a verb: settings in, library call, words out, exit code.

pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod down;
pub(crate) mod egress;
pub(crate) mod local;
pub(crate) mod logs;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod render;
pub(crate) mod schema;
pub(crate) mod status;
pub(crate) mod up;
pub(crate) mod verify;
