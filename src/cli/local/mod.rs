//! The local target's process: started when it is needed, found again, stopped.
//!
//! `start` runs this same executable as a daemon in namespaces of its own (see
//! `runtime::isolate`), detached from the terminal; `daemon` is what runs
//! there, `bridge` carries what the account wants to the runtime and back.

mod balancers;
mod bridge;
mod carried;
pub(crate) mod claim;
pub(crate) mod daemon;
mod images;
pub(crate) mod paths;
mod ports;
pub(crate) mod record;
mod spawn;
pub(crate) mod status;

pub(crate) use spawn::{Running, running, said, start, start_with, stop};
