//! What an examination has to know of all that runs.

use std::collections::BTreeSet;

use super::{Actor, file_name, short};
use crate::runtime::desired::TaskSpec;
use crate::runtime::examine::{Ground, Subject};
use crate::runtime::observed::WorldState;
use crate::runtime::outside;
use crate::runtime::probe::{Modelled, Who};

/// How many services a prober is told of. It takes the first that has an
/// address; where none has one, thousands would be asked for in vain.
const SAMPLES: usize = 8;

// === impl Actor ===

impl Actor {
    /// What an examination has to know.
    pub(super) fn ground(&self) -> Ground {
        let sidecars = self
            .states
            .values()
            .filter_map(|state| state.processes.sidecar);
        let stand_ins = match &self.world.state {
            WorldState::StandIn { witness, .. } => Some(witness.clone()),
            WorldState::Unknown | WorldState::Real | WorldState::Relayed => None,
        };
        Ground {
            program: self.options.program.clone(),
            namespaces: self.namespaces.clone(),
            world: self.world.netns.clone(),
            network: self.network.clone(),
            sidecars: sidecars.collect(),
            stand_ins,
            subjects: self.subjects(),
        }
    }

    /// One running task of each node that has an app.
    fn subjects(&self) -> Vec<Subject> {
        let mut nodes = BTreeSet::new();
        let tasks = self.drivers.iter().filter_map(|(id, driver)| {
            let (spec, state) = (&driver.spec, self.states.get(id)?);
            let (app, launcher) = (spec.app.as_ref()?, state.processes.app?);
            let is_first = nodes.insert((spec.mesh.clone(), format!("{:?}", spec.proxy)));
            is_first.then(|| Subject {
                task: file_name(id),
                launcher,
                who: Who::App {
                    user: app.user,
                    group: app.group,
                },
                network: self.namespaces.join(format!("app-{}", short(id))),
                services: self.services(spec),
                admin: self.options.run.join("t").join(short(id)).join("admin"),
                logs: state.logs.clone(),
            })
        });
        tasks.collect()
    }

    fn services(&self, spec: &TaskSpec) -> Vec<Modelled> {
        if let Some(carried) = &spec.carried {
            let mut found = outside::carried_services_over_tls(&carried.configuration);
            found.truncate(SAMPLES);
            return found;
        }
        let meshes = self.meshes.borrow();
        let mesh = meshes.meshes.get(&spec.mesh);
        let services = mesh.map(|mesh| outside::services_over_tls(mesh, &spec.proxy));
        let modelled = services.unwrap_or_default().into_iter().take(SAMPLES);
        modelled
            .map(|(name, port)| Modelled {
                name,
                address: None,
                port,
            })
            .collect()
    }
}
