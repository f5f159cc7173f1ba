//! The HTTP skin over the account: wire formats, one file a service.
//!
//! It decides nothing: a request is decoded, handed to the account, and the
//! answer is encoded. Three protocols meet on one port (AWS Query, AWS JSON
//! and the OCI registry), told apart by path and headers.

mod app_mesh;
mod cloudformation;
mod connection;
mod dispatch;
mod ec2;
mod ecr;
mod ecs;
mod gate;
pub mod json;
mod pages;
pub mod query;
mod registry;
mod reply;
mod server;
mod sts;
pub mod xml;

pub use reply::Reply;
pub use server::Endpoint;
