//! Where sidecars run and what they find outside: the machine's own network,
//! a relay to it, or stand-ins.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use thiserror::Error;
use tokio::sync::watch;

use super::dns::{Forwarder, Names, Otherwise, Server, ServerOptions, Transport, Zone};
use super::isolate;
use super::netns::{Netns, NetnsError};
use super::observed::WorldState;
use super::redirect;
use super::relay::Relay;
use super::stand_in::{BLOCK, OutsideHost, StandInError, StandIns};

/// How long the probe may take.
const PROBE: Duration = Duration::from_secs(1);
/// A name that exists wherever there is an internet.
const PROBED: &str = "example.com.";

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
    /// The text of the machine's `resolv.conf`.
    pub(super) resolver_settings: String,
}

/// The outside world of all sidecars.
#[derive(Debug)]
pub(super) struct World {
    /// Where sidecars run.
    pub(super) netns: Netns,
    /// What it is.
    pub(super) state: WorldState,
    zone: watch::Sender<Zone>,
    dns: Server,
    stand_ins: Option<StandIns>,
    hosts: Vec<OutsideHost>,
    #[expect(dead_code, reason = "held for as long as its connections are wanted")]
    relay: Option<Relay>,
}

// === impl World ===

impl World {
    pub(super) async fn start(options: WorldOptions) -> Result<Self, WorldError> {
        let forwarder = Forwarder::from_settings(&options.resolver_settings);
        let stand_in = match options.internet {
            Internet::Real => None,
            Internet::StandIn => Some("asked for".to_owned()),
            Internet::Auto => probe(&forwarder).await.err().map(str::to_owned),
        };
        match stand_in {
            Some(reason) => Self::of_stand_ins(options, reason).await,
            None if isolate::owns_its_network() => {
                Self::with(Netns::own(), WorldState::Real, forwarder).await
            }
            None => {
                let netns = Netns::create(&options.namespaces, "world").await?;
                let relay = Relay::start(&netns).await?;
                let world = Self::with(netns, WorldState::Relayed, forwarder).await?;
                Ok(Self {
                    relay: Some(relay),
                    ..world
                })
            }
        }
    }

    async fn of_stand_ins(options: WorldOptions, reason: String) -> Result<Self, WorldError> {
        let netns = Netns::create(&options.namespaces, "world").await?;
        netns
            .ip(redirect::stand_in_addresses(BLOCK.0, BLOCK.1))
            .await?;
        netns.open_low_ports().await?;
        let witness = options.logs.join("stand-ins.log");
        let mut stand_ins = StandIns::new(netns.clone(), witness.clone())?;
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
        let world = Self::serve(netns, state, Otherwise::Refuse).await?;
        world.zone.send_modify(|zone| zone.fixed = Arc::new(names));
        Ok(Self {
            stand_ins: Some(stand_ins),
            ..world
        })
    }

    async fn with(
        netns: Netns,
        state: WorldState,
        forwarder: Forwarder,
    ) -> Result<Self, WorldError> {
        Self::serve(netns, state, Otherwise::Forward(Arc::new(forwarder))).await
    }

    async fn serve(
        netns: Netns,
        state: WorldState,
        otherwise: Otherwise,
    ) -> Result<Self, WorldError> {
        let (zone, receiver) = watch::channel(Zone {
            otherwise,
            ..Zone::empty()
        });
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let options = ServerOptions {
            netns: &netns,
            address,
            zone: receiver,
            refused: None,
        };
        let dns = Server::start(options).await?;
        let (stand_ins, hosts, relay) = (None, Vec::new(), None);
        Ok(Self {
            netns,
            state,
            zone,
            dns,
            stand_ins,
            hosts,
            relay,
        })
    }

    /// Where sidecars ask for names.
    pub(super) fn resolver(&self) -> SocketAddr {
        self.dns.address
    }

    /// What sidecars know, for apps that may know it too.
    pub(super) fn zone(&self) -> watch::Receiver<Zone> {
        self.zone.subscribe()
    }

    /// The certificate that apps have to trust besides the public ones.
    pub(super) fn certificate(&self) -> Option<&str> {
        self.stand_ins.as_ref().map(StandIns::certificate)
    }

    /// The mesh's own names, and the domains in which there are no others.
    pub(super) fn set_names(&self, names: Names, complete: BTreeSet<String>) {
        self.zone.send_if_modified(|zone| {
            let changed = *zone.names != names || *zone.complete != complete;
            if changed {
                zone.names = Arc::new(names);
                zone.complete = Arc::new(complete);
            }
            changed
        });
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

/// Whether there is an internet; the error says why it seems not.
async fn probe(forwarder: &Forwarder) -> Result<(), &'static str> {
    let routes = std::fs::read_to_string("/proc/thread-self/net/route").unwrap_or_default();
    if !has_default_route(&routes) {
        return Err("this machine has no default route");
    }
    if !forwarder.knows_a_resolver() {
        return Err("this machine names no DNS server");
    }
    let reached = tokio::time::timeout(PROBE, reach(forwarder)).await;
    reached.unwrap_or(Err("the internet does not answer within a second"))
}

/// A name is found and its address accepts a connection.
async fn reach(forwarder: &Forwarder) -> Result<(), &'static str> {
    let mut question = Message::query();
    question.metadata.recursion_desired = true;
    let name = Name::from_ascii(PROBED).expect("the probed name is one");
    question.add_query(Query::query(name, RecordType::A));
    let bytes = question
        .to_vec()
        .map_err(|_| "no question could be asked")?;
    let answer = forwarder.ask(&bytes, Transport::Udp).await;
    let answer = answer.ok_or("the DNS server does not answer")?;
    let answer = Message::from_vec(&answer).map_err(|_| "the DNS server answers nonsense")?;
    let address = answer.answers.iter().find_map(|record| match &record.data {
        RData::A(address) => Some(address.0),
        _ => None,
    });
    let address = address.ok_or("the DNS server knows no names of the internet")?;
    let connected = tokio::net::TcpStream::connect((address, 443)).await;
    connected
        .map(drop)
        .map_err(|_| "connections to the internet are refused")
}

/// Whether the kernel's table of routes has one for everything.
fn has_default_route(table: &str) -> bool {
    const UP: u32 = 1;
    table.lines().skip(1).any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let everything = fields.get(1) == Some(&"00000000") && fields.get(7) == Some(&"00000000");
        let flags = fields
            .get(3)
            .and_then(|flags| u32::from_str_radix(flags, 16).ok());
        everything && flags.is_some_and(|flags| flags & UP != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_route_is_recognised() {
        let head = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n";
        let lan = "eth0 000A0A0A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n";
        let default = "eth0 00000000 010A0A0A 0003 0 0 0 00000000 0 0 0\n";
        assert!(!has_default_route(&format!("{head}{lan}")));
        assert!(has_default_route(&format!("{head}{lan}{default}")));
        assert!(!has_default_route(""));
    }

    #[tokio::test]
    async fn a_resolver_that_does_not_answer_is_no_internet() {
        let silent = tokio::net::UdpSocket::bind("127.0.0.1:0")
            .await
            .expect("a socket");
        let address = silent.local_addr().expect("an address");
        let forwarder = Forwarder::new(vec![address]);
        let found = tokio::time::timeout(PROBE, reach(&forwarder)).await;
        assert!(found.is_err());
    }
}
