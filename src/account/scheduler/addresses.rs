//! Gives tasks their addresses in the VPC.

use super::service::Deployment;
use crate::account::resources::Range;
use crate::account::store::State;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// An address of one of the deployment's subnets that nobody has, or what
/// ECS says when there is none.
pub(super) fn free(state: &mut State, deployment: &Deployment) -> Result<Ipv4Addr, String> {
    let subnets = deployment.subnets();
    if subnets.is_empty() {
        return Err(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
                .to_owned(),
        );
    }
    let taken = taken(state);
    let turn = usize::try_from(state.ecs.addresses % subnets.len() as u64).unwrap_or(0);
    let (later, first) = subnets.split_at(turn);
    for subnet in first.iter().chain(later) {
        let recorded = state.inventory.get("AWS::EC2::Subnet", subnet);
        let range = recorded.and_then(|subnet| Range::parse(subnet.text("CidrBlock")?));
        let Some(range) = range else {
            return Err(format!("The subnet ID '{subnet}' does not exist"));
        };
        let start = state.ecs.addresses / subnets.len() as u64;
        let mut hosts = (0..range.hosts()).filter_map(|step| range.host(start.wrapping_add(step)));
        if let Some(address) = hosts.find(|address| !taken.contains(address)) {
            state.ecs.addresses += 1;
            return Ok(address);
        }
    }
    Err(format!(
        "RESOURCE:ENI: no address is free in {}",
        subnets.join(", ")
    ))
}

/// The VPC of the deployment's subnets.
pub(super) fn vpc(state: &State, deployment: &Deployment) -> String {
    let subnets = deployment.subnets().into_iter();
    let mut found = subnets.filter_map(|subnet| state.inventory.get("AWS::EC2::Subnet", subnet));
    let vpc = found.find_map(|subnet| subnet.text("VpcId"));
    vpc.unwrap_or_default().to_owned()
}

fn taken(state: &State) -> BTreeSet<Ipv4Addr> {
    let tasks = state.ecs.tasks.values().map(|task| task.spec.address);
    let instances = state
        .inventory
        .of("AWS::EC2::Instance")
        .map(|(_, instance)| instance);
    let instances = instances.filter_map(|instance| instance.attribute("PrivateIp")?.parse().ok());
    tasks.chain(instances).collect()
}
