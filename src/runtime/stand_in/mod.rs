//! The outside world when there is none: every modelled host and one that no
//! mesh models, as servers in a namespace of their own.
//!
//! What they are asked is real (names, TLS, HTTP over real sockets); what
//! they answer says plainly that it is a stand-in. Every connection is written
//! to a file, so that what did and did not arrive has a witness outside Envoy.

mod authority;
mod directory;
mod serve;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;
use tokio::task::AbortHandle;

use super::dns::Names;
use super::netns::{Netns, NetnsError};
use super::{log, redirect};
use authority::Authority;
use directory::{Blocks, Directory};
pub(crate) use directory::{Kind, OutsideHost};

/// The blocks of addresses that stand-ins have in their namespace.
const FOUR: (Ipv4Addr, u8) = (Ipv4Addr::new(100, 64, 0, 0), 16);
const SIX: (Ipv6Addr, u8) = (Ipv6Addr::new(0xfd63, 0x6f6c, 0x6f72, 0, 0, 0, 0, 0), 64);

/// Why stand-ins could not be set up.
#[derive(Debug, Error)]
pub enum StandInError {
    /// No certificate authority could be made.
    #[error("cannot make a certificate authority for the stand-ins")]
    Authority(#[source] rcgen::Error),
    /// Its certificate could not be written.
    #[error("cannot write `{path}`")]
    Write {
        /// Where.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// Their namespace failed.
    #[error(transparent)]
    Netns(#[from] NetnsError),
    /// TLS refuses the settings.
    #[error("cannot set up TLS for the stand-ins")]
    Tls(#[source] rustls::Error),
}

/// All stand-ins; they end when this goes.
#[derive(Debug)]
pub(crate) struct StandIns {
    netns: Netns,
    shared: Arc<Shared>,
    /// All addresses, of both kinds where there are both.
    any: IpAddr,
    listeners: BTreeMap<u16, AbortHandle>,
}

struct Shared {
    directory: Mutex<Directory>,
    authority: Arc<Authority>,
    tls: tokio_rustls::TlsAcceptor,
    witness: log::Lines,
}

// === impl StandIns ===

impl StandIns {
    /// Gives `netns` the addresses of stand-ins; there are none yet.
    pub(crate) async fn start(netns: Netns, witness: PathBuf) -> Result<Self, StandInError> {
        netns.ip(redirect::loopback()).await?;
        netns
            .ip(redirect::local_block(FOUR.0.into(), FOUR.1))
            .await?;
        netns.open_low_ports().await?;
        // A kernel without IPv6 refuses.
        let route = netns.ip(redirect::local_block(SIX.0.into(), SIX.1)).await;
        let blocks = Blocks {
            four: FOUR,
            six: route.is_ok().then_some(SIX),
        };
        Self::of(netns, witness, blocks)
    }

    fn of(netns: Netns, witness: PathBuf, blocks: Blocks) -> Result<Self, StandInError> {
        let authority = Arc::new(Authority::new().map_err(StandInError::Authority)?);
        let tls = authority::acceptor(&authority).map_err(StandInError::Tls)?;
        let directory = Mutex::new(Directory::new(blocks));
        let witness = log::Lines::open(witness);
        let shared = Arc::new(Shared {
            directory,
            authority,
            tls,
            witness,
        });
        Ok(Self {
            netns,
            shared,
            any: match blocks.six {
                Some(_) => Ipv6Addr::UNSPECIFIED.into(),
                None => Ipv4Addr::UNSPECIFIED.into(),
            },
            listeners: BTreeMap::new(),
        })
    }

    /// The certificate that clients have to trust, as PEM.
    pub(crate) fn certificate(&self) -> &str {
        self.shared.authority.certificate()
    }

    /// Makes these hosts be there (and the unmodelled one), and gives all
    /// names with their addresses.
    pub(crate) async fn set(&mut self, hosts: &[OutsideHost]) -> Result<Names, NetnsError> {
        let (names, ports) = {
            let mut directory = self.shared.directory();
            directory.set(hosts);
            self.shared.authority.allow(directory.hosts());
            (directory.names(), directory.ports())
        };
        self.listeners.retain(|port, listener| {
            let stays = ports.contains(port);
            if !stays {
                listener.abort();
            }
            stays
        });
        for port in ports {
            if !self.listeners.contains_key(&port) {
                let listener = self.netns.listen((self.any, port).into()).await?;
                let serving = tokio::spawn(serve::listen(listener, Arc::clone(&self.shared)));
                self.listeners.insert(port, serving.abort_handle());
            }
        }
        Ok(names)
    }
}

impl Drop for StandIns {
    fn drop(&mut self) {
        self.listeners.values().for_each(AbortHandle::abort);
    }
}

// === impl Shared ===

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn directory(&self) -> std::sync::MutexGuard<'_, Directory> {
        self.directory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
