//! Gives tasks their addresses in the VPC.

use super::service::Deployment;
use super::state::Task;
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

/// Tasks that an older version saved do not say their VPC: it is that of their
/// service's subnets, or else the only one that there is.
pub(super) fn complete(state: &mut State) {
    let mut vpcs = state.inventory.of("AWS::EC2::VPC").map(|(id, _)| id);
    let only = vpcs.next().filter(|_| vpcs.next().is_none());
    let missing = state
        .ecs
        .tasks
        .iter()
        .filter(|(_, task)| task.spec.vpc.is_empty());
    let found: Vec<(String, String)> = missing
        .filter_map(|(arn, task)| {
            Some((
                arn.clone(),
                vpc_of(state, task).or(only.map(str::to_owned))?,
            ))
        })
        .collect();
    for (arn, vpc) in found {
        if let Some(task) = state.ecs.tasks.get_mut(&arn) {
            task.spec.make_mut().vpc = vpc;
        }
    }
}

/// By its deployment; all those of a service are in one VPC.
fn vpc_of(state: &State, task: &Task) -> Option<String> {
    let deployments = &state.ecs.services.get(&task.spec.service_arn)?.deployments;
    let own = deployments.iter().filter(|each| each.id == task.deployment);
    let mut vpcs = own.chain(deployments).map(|each| vpc(state, each));
    vpcs.find(|vpc| !vpc.is_empty())
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::account::clock::Timestamp;
    use crate::account::ids::Ids;
    use crate::account::inventory::Recorded;
    use crate::account::scheduler::Service;
    use crate::account::shared::Shared;
    use serde_json::{Value, json};

    fn put(state: &mut State, resource_type: &str, id: &str, properties: Value) {
        let recorded = Recorded {
            properties,
            ..Recorded::default()
        };
        state.inventory.put(resource_type, id, recorded);
    }

    /// A task as it was saved when tasks did not say their VPC.
    fn put_task(state: &mut State, arn: &str, deployment: &str, vpc: Option<&str>) {
        let mut spec = json!({
            "task_arn": arn, "service_arn": "s", "service_name": "s", "cluster": "c",
            "family": "f", "revision": 1, "containers": [], "mesh_resource": null,
            "proxy_container": null, "address": "10.0.1.4", "dns_names": ["s.demo.local"],
            "architecture": null,
        });
        if let Some(vpc) = vpc {
            spec["vpc"] = vpc.into();
        }
        let task = Task::new(
            serde_json::from_value(spec).unwrap(),
            deployment,
            Timestamp(1),
        );
        state.ecs.tasks.insert(arn.to_owned(), task);
    }

    #[test]
    fn tasks_of_an_older_version_come_into_the_vpc_of_their_service() {
        let mut state = State::default();
        let subnet = |vpc| json!({"CidrBlock": "10.0.1.0/24", "VpcId": vpc});
        put(&mut state, "AWS::EC2::Subnet", "subnet-1", subnet("vpc-1"));
        put(&mut state, "AWS::EC2::VPC", "vpc-1", json!({}));
        put(&mut state, "AWS::EC2::VPC", "vpc-2", json!({}));
        put_task(&mut state, "other", "gone", Some("vpc-2"));
        put_task(&mut state, "old", "gone", None);
        let vpc = |state: &State, task: &str| state.ecs.tasks[task].spec.vpc.clone();
        let mut alone = state.clone();
        complete(&mut alone);
        assert_eq!(vpc(&alone, "old"), "", "nobody knows which of the two");
        alone.inventory.remove("AWS::EC2::VPC", "vpc-1");
        complete(&mut alone);
        assert_eq!(vpc(&alone, "old"), "vpc-2");

        let mut service = Service::new("s", "s", "c", Timestamp(1));
        let network = json!({"AwsvpcConfiguration": {"Subnets": ["subnet-1"]}});
        let properties = Shared::new(json!({"NetworkConfiguration": network}));
        service.take(properties, &Ids::seeded(1), Timestamp(1));
        let deployment = service.deployments[0].id.clone();
        state.ecs.services.insert("s".to_owned(), service);
        put_task(&mut state, "new", &deployment, None);
        complete(&mut state);
        assert_eq!(vpc(&state, "new"), "vpc-1");
        assert_eq!(vpc(&state, "old"), "vpc-1", "by another of its service");
        assert_eq!(vpc(&state, "other"), "vpc-2");
    }
}
