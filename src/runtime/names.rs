//! What the tasks of each network find by name: each other, and the outside.
//!
//! Two environments may call their services the same, each in its own network:
//! each network has a resolver of its own, and what it does not know itself is
//! the outside's, which all share.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::sync::watch;

use super::desired::NetworkId;
use super::dns::{Names, Otherwise, Server, ServerOptions, Zone};
use super::netns::NetnsError;
use super::world::World;

/// The networks that tasks are in.
#[derive(Debug, Default)]
pub(super) struct Networks(BTreeMap<NetworkId, NetworkNames>);

/// What one network knows.
#[derive(Debug)]
pub(super) struct NetworkNames {
    zone: watch::Sender<Zone>,
    dns: Server,
}

// === impl Networks ===

impl Networks {
    /// These networks have resolvers, and no others.
    pub(super) async fn set(
        &mut self,
        world: &World,
        wanted: BTreeSet<NetworkId>,
    ) -> Result<(), NetnsError> {
        self.0.retain(|id, _| wanted.contains(id));
        for id in wanted {
            if let Entry::Vacant(new) = self.0.entry(id) {
                new.insert(NetworkNames::start(world).await?);
            }
        }
        Ok(())
    }

    /// What a network knows, once it has a resolver.
    pub(super) fn of(&self, id: &NetworkId) -> Option<&NetworkNames> {
        self.0.get(id)
    }

    /// All that are there.
    pub(super) fn ids(&self) -> impl Iterator<Item = &NetworkId> {
        self.0.keys()
    }

    /// A network's own names, and the domains in which there are no others.
    pub(super) fn set_names(&self, id: &NetworkId, names: Names, complete: BTreeSet<String>) {
        let Some(network) = self.0.get(id) else {
            return;
        };
        network.zone.send_if_modified(|zone| {
            let changed = *zone.names != names || *zone.complete != complete;
            if changed {
                zone.names = Arc::new(names);
                zone.complete = Arc::new(complete);
            }
            changed
        });
    }
}

// === impl NetworkNames ===

impl NetworkNames {
    async fn start(world: &World) -> Result<Self, NetnsError> {
        let (zone, receiver) = watch::channel(Zone {
            otherwise: Otherwise::Ask(world.zone()),
            ..Zone::empty()
        });
        let options = ServerOptions {
            netns: &world.netns,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            zone: receiver,
            refused: None,
        };
        let dns = Server::start(options).await?;
        Ok(Self { zone, dns })
    }

    /// Where sidecars ask for names.
    pub(super) fn resolver(&self) -> SocketAddr {
        self.dns.address
    }

    /// What sidecars know, for apps that may know it too.
    pub(super) fn zone(&self) -> watch::Receiver<Zone> {
        self.zone.subscribe()
    }
}
