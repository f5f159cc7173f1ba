//! The small DNS of this machine: one server for Envoys, which knows the mesh
//! and may ask the machine's own resolver, and one for each app, which knows
//! only what the mesh models.
//!
//! An app's questions never leave its server, so no data can leave by a name.

mod answer;
mod forward;
mod server;
mod settings;
mod zone;

pub(crate) use forward::Forwarder;
pub(crate) use server::{Server, ServerOptions, Transport};
pub(crate) use zone::{Names, Otherwise, Zone, plain};
