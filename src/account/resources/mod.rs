//! What happens to a resource of each type: create, update, delete, settle.
//!
//! One file a family. A family changes the account's state inside one update,
//! so that a kill never leaves half a resource. Nothing here starts anything;
//! a resource that needs the world to follow (an ECS service) says so by not
//! being settled yet.

mod app_mesh;
mod ecr_repository;
mod ecs_cluster;
mod ecs_service;
mod family;
mod iam;
mod instance;
mod load_balancing;
mod name_firewall;
mod network;
mod plain;
mod service_discovery;
mod table;
mod task_definition;

pub(super) use family::{
    Descriptor, Failure, Request, Settled, check_properties, create, delete, describe, number_of,
    text_of, truth_of, update,
};
pub(super) use load_balancing::{BALANCER, LISTENER, PORT, groups_of};
pub(super) use network::Range;
pub(super) use service_discovery::dns_name;
