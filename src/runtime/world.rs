//! Where sidecars run and what they find outside: the machine's own network,
//! a relay to it, or stand-ins.

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::watch;

use super::dns::{Forwarder, Otherwise, Zone};
use super::netns::{Netns, NetnsError};
use super::observed::WorldState;
use super::relay::Relay;
use super::stand_in::{OutsideHost, StandInError, StandIns};
use super::{isolate, reach};

/// Which outside world to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Internet {
    /// The real one where it can be reached, else stand-ins.
    #[default]
    Auto,
    /// The real one, reachable or not.
    Real,
    /// Stand-ins.
    StandIn,
}

/// Why there is no outside world.
#[derive(Debug, Error)]
pub enum WorldError {
    /// Its namespace failed.
    #[error(transparent)]
    Netns(#[from] NetnsError),
    /// Its stand-ins failed.
    #[error(transparent)]
    StandIn(#[from] StandInError),
}

/// What making a world needs.
#[derive(Clone, Debug)]
pub(super) struct WorldOptions {
    pub(super) internet: Internet,
    /// The folder of namespaces.
    pub(super) namespaces: PathBuf,
    /// The folder for the authority's certificate.
    pub(super) run: PathBuf,
    /// The folder for the witness file.
    pub(super) logs: PathBuf,
    /// The machine's `resolv.conf`.
    pub(super) resolver_settings: PathBuf,
    /// The authorities that this machine trusts, as PEM.
    pub(super) authorities: Option<String>,
    /// Hosts, with their ports, one of which shows that there is an internet.
    pub(super) expected: Vec<(String, u16)>,
}

/// The outside world of all sidecars.
#[derive(Debug)]
pub(super) struct World {
    /// Where sidecars run.
    pub(super) netns: Netns,
    /// What it is.
    pub(super) state: WorldState,
    zone: watch::Sender<Zone>,
    stand_ins: Option<StandIns>,
    authorities: Option<String>,
    hosts: Vec<OutsideHost>,
    #[expect(dead_code, reason = "held for as long as its connections are wanted")]
    relay: Option<Relay>,
}

// === impl World ===

impl World {
    pub(super) async fn start(options: WorldOptions) -> Result<Self, WorldError> {
        let forwarder = Forwarder::following(options.resolver_settings.clone());
        let stand_in = match options.internet {
            Internet::Real => None,
            Internet::StandIn => Some("asked for".to_owned()),
            Internet::Auto => reach::reach_by(&forwarder, &options.expected).await.err(),
        };
        match stand_in {
            Some(reason) => Self::of_stand_ins(options, reason).await,
            None => Self::of_the_internet(options, forwarder).await,
        }
    }

    async fn of_the_internet(
        options: WorldOptions,
        forwarder: Forwarder,
    ) -> Result<Self, WorldError> {
        let otherwise = Otherwise::Forward(Arc::new(forwarder));
        let (netns, state, relay) = if isolate::owns_its_network() {
            (Netns::own(), WorldState::Real, None)
        } else {
            let netns = Netns::create(&options.namespaces, "world").await?;
            let relay = Relay::start(&netns).await?;
            (netns, WorldState::Relayed, Some(relay))
        };
        Ok(Self {
            relay,
            authorities: options.authorities,
            ..Self::knowing(netns, state, otherwise)
        })
    }

    async fn of_stand_ins(options: WorldOptions, reason: String) -> Result<Self, WorldError> {
        let netns = Netns::create(&options.namespaces, "world").await?;
        let witness = options.logs.join("stand-ins.log");
        let mut stand_ins = StandIns::start(netns.clone(), witness.clone()).await?;
        let certificate = options.run.join("stand-in-authority.pem");
        std::fs::write(&certificate, stand_ins.certificate()).map_err(|source| {
            StandInError::Write {
                path: certificate.clone(),
                source,
            }
        })?;
        let names = stand_ins.set(&[]).await?;
        let state = WorldState::StandIn {
            reason,
            certificate,
            witness,
        };
        let world = Self::knowing(netns, state, Otherwise::Refuse);
        world.zone.send_modify(|zone| zone.fixed = Arc::new(names));
        Ok(Self {
            stand_ins: Some(stand_ins),
            ..world
        })
    }

    pub(super) fn knowing(netns: Netns, state: WorldState, otherwise: Otherwise) -> Self {
        let zone = watch::Sender::new(Zone {
            otherwise,
            ..Zone::empty()
        });
        let (stand_ins, authorities, hosts, relay) = (None, None, Vec::new(), None);
        Self {
            netns,
            state,
            zone,
            stand_ins,
            authorities,
            hosts,
            relay,
        }
    }

    /// What is known of the names outside.
    pub(super) fn zone(&self) -> watch::Receiver<Zone> {
        self.zone.subscribe()
    }

    /// The authorities that apps have to trust besides those of their image:
    /// the stand-ins' or this machine's.
    pub(super) fn authorities(&self) -> Option<&str> {
        match &self.stand_ins {
            Some(stand_ins) => Some(stand_ins.certificate()),
            None => self.authorities.as_deref(),
        }
    }

    /// The hosts outside that the mesh models.
    pub(super) async fn set_hosts(&mut self, hosts: Vec<OutsideHost>) -> Result<(), NetnsError> {
        if self.hosts == hosts {
            return Ok(());
        }
        if let Some(stand_ins) = &mut self.stand_ins {
            let names = stand_ins.set(&hosts).await?;
            self.zone.send_modify(|zone| zone.fixed = Arc::new(names));
        }
        self.hosts = hosts;
        Ok(())
    }
}
