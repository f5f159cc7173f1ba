//! What should run, out of the state.

use super::balancers;
use super::state::Task;
use crate::account::desired::{Desired, DesiredTask, DnsName, MeshResource, TaskStatus};
use crate::account::inventory::{MESH_TYPES, Recorded};
use crate::account::resources::dns_name;
use crate::account::shared::Shared;
use crate::account::store::State;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Makes the desired state, and keeps what does not change between two: a
/// mesh of thousands of services is not copied because a task started.
#[derive(Debug, Default)]
pub struct Publisher {
    /// The number of changes that `meshes` stands for.
    changes: Option<u64>,
    meshes: Vec<Arc<MeshResource>>,
    made: BTreeMap<String, (Shared<Recorded>, Arc<MeshResource>)>,
}

// === impl Publisher ===

impl Publisher {
    /// What should run now.
    pub fn publish(&mut self, state: &State) -> Desired {
        self.refresh_meshes(state);
        Desired {
            tasks: tasks(state),
            load_balancers: balancers::load_balancers(state),
            meshes: self.meshes.clone(),
            mesh_version: state.inventory.mesh_changes(),
            dns: dns(state),
        }
    }

    fn refresh_meshes(&mut self, state: &State) {
        let changes = state.inventory.mesh_changes();
        if self.changes == Some(changes) {
            return;
        }
        self.changes = Some(changes);
        let mut before = std::mem::take(&mut self.made);
        self.meshes.clear();
        for (resource_type, arn, recorded) in state.inventory.under(MESH_TYPES) {
            let made = match before.remove(arn) {
                Some((of, made)) if of.is(recorded) => made,
                _ => Arc::new(mesh_resource(resource_type, arn, recorded)),
            };
            self.meshes.push(Arc::clone(&made));
            self.made.insert(arn.to_owned(), (recorded.clone(), made));
        }
    }
}

/// What should run.
pub fn publish(state: &State) -> Desired {
    Publisher::default().publish(state)
}

/// Whether both say the same. Cheap when they share their parts.
pub(super) fn same(one: &Desired, other: &Desired) -> bool {
    one.mesh_version == other.mesh_version
        && same_parts(&one.meshes, &other.meshes)
        && same_parts(&one.tasks, &other.tasks)
        && one.load_balancers == other.load_balancers
        && one.dns == other.dns
}

fn same_parts<T: PartialEq>(one: &[Arc<T>], other: &[Arc<T>]) -> bool {
    let equal = |(one, other): (&Arc<T>, &Arc<T>)| Arc::ptr_eq(one, other) || one == other;
    one.len() == other.len() && one.iter().zip(other).all(equal)
}

fn mesh_resource(resource_type: &str, arn: &str, recorded: &Recorded) -> MeshResource {
    let mut properties = recorded.properties.clone();
    let name = format!("{}Name", resource_type.trim_start_matches(MESH_TYPES));
    if let (Some(properties), Some(value)) =
        (properties.as_object_mut(), recorded.attributes.get(&name))
    {
        properties.entry(name).or_insert_with(|| value.clone());
    }
    MeshResource {
        resource_type: resource_type.to_owned(),
        arn: arn.to_owned(),
        properties,
    }
}

fn tasks(state: &State) -> Vec<Arc<DesiredTask>> {
    let wanted = state.ecs.tasks.values().filter(|task| task.wanted());
    wanted.map(|task| task.spec.arc()).collect()
}

/// Tasks that serve.
pub(super) fn running(state: &State) -> impl Iterator<Item = &Task> {
    let wanted = state.ecs.tasks.values().filter(|task| task.wanted());
    wanted.filter(|task| task.status == TaskStatus::Running)
}

fn dns(state: &State) -> BTreeMap<DnsName, Vec<Ipv4Addr>> {
    let services = state.inventory.of("AWS::ServiceDiscovery::Service");
    let names = services.filter_map(|(id, _)| Some((dns_name(state, id)?, Vec::new())));
    let mut names: BTreeMap<DnsName, Vec<Ipv4Addr>> = names.collect();
    // A name whose tasks are all not ready gives them all the same: a task
    // that looks for itself must find something.
    for ready in [true, false] {
        let mut found: BTreeMap<DnsName, Vec<Ipv4Addr>> = BTreeMap::new();
        for task in running(state).filter(|task| task.ready || !ready) {
            for name in task.spec.names() {
                found.entry(name).or_default().push(task.spec.address);
            }
        }
        for (name, mut addresses) in found {
            addresses.sort();
            if let Some(registered) = names
                .get_mut(&name)
                .filter(|registered| registered.is_empty())
            {
                *registered = addresses;
            }
        }
    }
    names
}

/// The text of a property.
pub(super) fn text<'a>(properties: &'a Value, name: &str) -> Option<&'a str> {
    properties.get(name).and_then(Value::as_str)
}
