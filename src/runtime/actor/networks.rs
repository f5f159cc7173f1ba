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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::{mpsc, oneshot, watch};

    use super::*;
    use crate::mesh::ProxyId;
    use crate::runtime::desired::{Desired, NetworkId, TaskSpec};
    use crate::runtime::dns::Otherwise;
    use crate::runtime::handle::Options;
    use crate::runtime::netns::Netns;
    use crate::runtime::observed::{Observed, WorldState};
    use crate::runtime::reserved_ports::ReservedPorts;
    use crate::runtime::world::{Internet, World};

    fn task() -> TaskSpec {
        let (mesh, proxy) = ProxyId::parse("mesh/demo/virtualNode/one").unwrap();
        TaskSpec {
            id: TaskId::new("one"),
            mesh,
            proxy,
            network: NetworkId::new("vpc-1"),
            address: Ipv4Addr::new(10, 0, 1, 4),
            app: None,
            carried: None,
        }
    }

    #[tokio::test]
    #[ignore = "needs root"]
    async fn tasks_start_once_their_network_gets_its_resolver() {
        let folder = tempfile::tempdir().unwrap();
        let netns = Netns::create(folder.path(), "world").await.unwrap();
        let range = "/proc/sys/net/ipv4/ip_local_port_range";
        let narrow = move || std::fs::write(range, "40000 40001");
        netns.run(narrow).await.unwrap().unwrap();
        let mut taken = Vec::new();
        for port in 40_000..=40_001 {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            taken.push(netns.listen(address).await.unwrap());
        }
        let nowhere = folder.path().join("nowhere");
        let options = Options {
            program: nowhere.clone(),
            envoy: nowhere.clone(),
            run: folder.path().join("run"),
            logs: folder.path().join("logs"),
            ports: ReservedPorts::default(),
            internet: Internet::StandIn,
            expected: Vec::new(),
            resolver_settings: nowhere,
            authorities: None,
        };
        let world = World::knowing(netns.clone(), WorldState::Unknown, Otherwise::Refuse);
        let (seen, mut observed) = watch::channel(Arc::new(Observed::default()));
        let namespaces = folder.path().to_owned();
        let actor = Actor::new(options, namespaces, netns, world, seen);
        let desired = Desired {
            tasks: vec![task()],
            ..Desired::default()
        };
        let (want, wanted) = watch::channel(Arc::default());
        let (stop, stopped) = oneshot::channel();
        let (_questions, asked) = mpsc::unbounded_channel();
        let running = tokio::spawn(actor.run(wanted, stopped, asked));
        want.send_replace(Arc::new(desired));

        let long = Duration::from_secs(60);
        let lacks = observed.wait_for(|now| now.problems.iter().any(|each| each.contains("names")));
        let state = tokio::time::timeout(long, lacks).await.unwrap().unwrap();
        assert!(state.tasks.is_empty());
        drop(state);
        drop(taken);
        let started = observed.wait_for(|now| !now.tasks.is_empty() && now.problems.is_empty());
        tokio::time::timeout(long, started).await.unwrap().unwrap();
        stop.send(()).unwrap();
        running.await.unwrap();
    }
}
