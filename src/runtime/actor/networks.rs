//! The networks that tasks are in, and what could not be started at once.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Actor;
use crate::runtime::desired::TaskId;
use crate::runtime::dns;
use crate::runtime::observed::TaskStatus;

// === impl Actor ===

impl Actor {
    /// Each network has a resolver of its own, for as long as a task is in it.
    pub(super) async fn set_networks(&mut self) {
        let wanted = self.desired.tasks.iter().map(|task| task.network.clone());
        let left = self.leaving.values().map(|leaving| leaving.network.clone());
        let networks = wanted.chain(left).collect();
        let set = self.networks.set(&self.world, networks).await;
        self.note("the names of the tasks' networks", set.err());
    }

    /// Whether something could not be started that may start later.
    pub(super) fn is_to_retry(&self) -> bool {
        !self.unbound.is_empty() || self.networks.lacks_one()
    }

    /// Tries that again, with the tasks that waited for it.
    pub(super) async fn retry(&mut self) {
        if !self.unbound.is_empty() {
            self.set_load_balancers().await;
        }
        if self.networks.lacks_one() {
            self.set_networks().await;
            self.start_tasks();
        }
    }

    /// A name answers with those of its tasks that run.
    pub(super) fn set_names(&self) {
        let running = |id: &TaskId| {
            let state = self.states.get(id)?;
            (state.status == TaskStatus::Running).then_some(())?;
            self.drivers.get(id).map(|driver| driver.spec.address)
        };
        let none = BTreeMap::new();
        for network in self.networks.ids() {
            let all = self.desired.names.get(network).unwrap_or(&none);
            // Without a task there is nothing to come that a question could wait for.
            let names = all.iter().filter(|(_, tasks)| !tasks.is_empty());
            let names = names.map(|(name, tasks)| {
                let addresses = tasks
                    .iter()
                    .filter_map(running)
                    .chain(self.still_named(network, name));
                let addresses = addresses.map(IpAddr::V4);
                (dns::plain(name), addresses.collect())
            });
            let domains = all.keys().filter_map(|name| name.split_once('.'));
            let domains = domains.map(|(_, domain)| domain.to_owned()).collect();
            self.networks.set_names(network, names.collect(), domains);
        }
    }
}
