//! Tasks that are not wanted any more: out of sight first, then stopped.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Actor;
use crate::runtime::departure::{Departure, Named};
use crate::runtime::desired::{Desired, NetworkId, TaskId, TaskSpec};
use crate::runtime::observed::TaskStatus;
use crate::runtime::task::Driver;

/// A task that is being stopped.
pub(super) struct Leaving {
    /// The address that it still holds.
    pub(super) address: Ipv4Addr,
    /// The network whose names it still asks for.
    pub(super) network: NetworkId,
    names: Vec<String>,
    /// Whether it is still found by them.
    named: Named,
}

// === impl Actor ===

impl Actor {
    /// Stops the tasks that are not wanted, or not as they are.
    pub(super) fn stop_tasks(&mut self, before: &Desired) {
        let desired = Arc::clone(&self.desired);
        let wanted: BTreeMap<&TaskId, _> =
            desired.tasks.iter().map(|task| (&task.id, task)).collect();
        let gone: Vec<TaskId> = self
            .drivers
            .iter()
            .filter(|(id, driver)| wanted.get(id).is_none_or(|spec| **spec != driver.spec))
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            // One that comes again at once waits for its name and address.
            let is_wanted = wanted.contains_key(&id);
            if let Some(driver) = self.drivers.remove(&id) {
                let departure =
                    (!is_wanted && self.is_running(&id)).then(|| self.departure(&id, &driver.spec));
                self.leave(id, driver, departure, before);
            }
        }
        self.deregistered.clear();
    }

    fn leave(
        &mut self,
        id: TaskId,
        driver: Driver,
        departure: Option<Departure>,
        before: &Desired,
    ) {
        let network = driver.spec.network.clone();
        let names = before.names.get(&network).into_iter().flatten();
        let names = names.filter(|(_, tasks)| tasks.contains(&id));
        let named = departure.as_ref().map(|it| Arc::clone(&it.named));
        let leaving = Leaving {
            address: driver.spec.address,
            network,
            names: names.map(|(name, _)| name.clone()).collect(),
            named: named.unwrap_or_default(),
        };
        self.leaving.insert(id.clone(), leaving);
        let mut hurry = self.hurry.subscribe();
        self.gone.spawn(async move {
            if let Some(departure) = departure {
                tokio::select! {
                    () = departure.over() => {}
                    _ = hurry.wait_for(|hurry| *hurry) => {}
                }
            }
            // A driver that panicked has left nothing either.
            let _ = driver.stop().await;
            id
        });
    }

    fn is_running(&self, id: &TaskId) -> bool {
        let state = self.states.get(id);
        state.is_some_and(|state| state.status == TaskStatus::Running)
    }

    /// What a task that is not wanted any more has to wait for.
    fn departure(&mut self, id: &TaskId, spec: &TaskSpec) -> Departure {
        let part = |task: &TaskSpec| {
            let (mesh, proxy) = (task.mesh.clone(), task.proxy.clone());
            (task.network.clone(), mesh, proxy)
        };
        let mut others = self.desired.tasks.iter();
        let is_replaced =
            others.any(|other| part(other) == part(spec) && self.is_running(&other.id));
        let others = self.drivers.keys().map(|other| self.folder(other));
        let others = others.collect();
        let of_it = self.deregistered.extract_if(.., |(task, _)| task == id);
        Departure {
            address: spec.address,
            targets: of_it.map(|(_, target)| target).collect(),
            folder: self.folder(id),
            others,
            is_replaced,
            named: Named::new(is_replaced.into()),
            renamed: self.health.0.clone(),
        }
    }

    /// The addresses of leaving tasks that a name still leads to.
    pub(super) fn still_named(&self, network: &NetworkId, name: &str) -> Vec<Ipv4Addr> {
        let leaving = self.leaving.values();
        let leaving = leaving.filter(|leaving| leaving.network == *network);
        let named = leaving.filter(|leaving| leaving.named.load(Ordering::Relaxed));
        let named = named.filter(|leaving| leaving.names.iter().any(|it| it == name));
        named.map(|leaving| leaving.address).collect()
    }
}
