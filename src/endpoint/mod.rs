//! The HTTP skin over the account: wire formats, one file a service.
//!
//! It decides nothing: a request is decoded, handed to the account, and the
//! answer is encoded. Four protocols meet on one port (AWS Query, AWS JSON,
//! S3's and the OCI registry's), told apart by path and headers.

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
mod s3;
mod server;
mod sts;
pub mod xml;

pub use reply::Reply;
pub use server::Endpoint;
