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
pub(super) struct Networks {
    known: BTreeMap<NetworkId, NetworkNames>,
    /// Whether a resolver could not be started.
    lacking: bool,
}

/// What one network knows.
#[derive(Debug)]
pub(super) struct NetworkNames {
    zone: watch::Sender<Zone>,
    dns: Server,
}

// === impl Networks ===

impl Networks {
    /// These networks have resolvers, and no others. One that cannot be
    /// started keeps none of the others from theirs.
    pub(super) async fn set(
        &mut self,
        world: &World,
        wanted: BTreeSet<NetworkId>,
    ) -> Result<(), NetnsError> {
        self.fill(wanted, || NetworkNames::start(world)).await
    }

    async fn fill<S>(
        &mut self,
        wanted: BTreeSet<NetworkId>,
        mut start: impl FnMut() -> S,
    ) -> Result<(), NetnsError>
    where
        S: Future<Output = Result<NetworkNames, NetnsError>>,
    {
        self.known.retain(|id, _| wanted.contains(id));
        let mut first = Ok(());
        for id in wanted {
            if let Entry::Vacant(new) = self.known.entry(id) {
                match start().await {
                    Ok(names) => _ = new.insert(names),
                    Err(error) => first = first.and(Err(error)),
                }
            }
        }
        self.lacking = first.is_err();
        first
    }

    /// Whether one of them has no resolver, and is to be tried again.
    pub(super) fn lacks_one(&self) -> bool {
        self.lacking
    }

    /// What a network knows, once it has a resolver.
    pub(super) fn of(&self, id: &NetworkId) -> Option<&NetworkNames> {
        self.known.get(id)
    }

    /// All that are there.
    pub(super) fn ids(&self) -> impl Iterator<Item = &NetworkId> {
        self.known.keys()
    }

    /// A network's own names, and the domains in which there are no others.
    pub(super) fn set_names(&self, id: &NetworkId, names: Names, complete: BTreeSet<String>) {
        let Some(network) = self.known.get(id) else {
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::io;

    use super::*;
    use crate::runtime::netns::Netns;

    async fn resolver() -> Result<NetworkNames, NetnsError> {
        let (zone, receiver) = watch::channel(Zone::empty());
        let options = ServerOptions {
            netns: &Netns::own(),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            zone: receiver,
            refused: None,
        };
        let dns = Server::start(options).await?;
        Ok(NetworkNames { zone, dns })
    }

    #[tokio::test]
    async fn a_resolver_that_does_not_start_keeps_no_other_from_starting() {
        let ids = ["one", "three", "two"].map(NetworkId::new);
        let wanted = BTreeSet::from(ids.clone());
        let taken = |port| NetnsError::Socket {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            name: "world".to_owned(),
            source: io::ErrorKind::AddrInUse.into(),
        };
        let mut networks = Networks::default();
        let mut port = 0;
        let set = networks.fill(wanted.clone(), || {
            port += 1;
            async move {
                if port == 3 {
                    resolver().await
                } else {
                    Err(taken(port))
                }
            }
        });
        let first = set.await.unwrap_err().to_string();
        assert!(first.contains("127.0.0.1:1 "), "{first}");
        let has = |networks: &Networks| ids.clone().map(|id| networks.of(&id).is_some());
        assert_eq!(has(&networks), [false, false, true]);
        assert!(networks.lacks_one());

        let kept = networks.of(&ids[2]).unwrap().resolver();
        networks.fill(wanted, resolver).await.unwrap();
        assert_eq!(has(&networks), [true; 3]);
        assert_eq!(networks.of(&ids[2]).unwrap().resolver(), kept);
        assert!(!networks.lacks_one());
    }
}
