//! The runtime as others see it: started, told what is desired, asked what is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::actor::Actor;
use super::desired::Desired;
use super::isolate::{self, IsolateError};
use super::netns::{Netns, NetnsError};
use super::observed::Observed;
use super::redirect;
use super::reserved_ports::ReservedPorts;
use super::world::{Internet, World, WorldError, WorldOptions};

/// What a runtime needs to know of its machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// This program, which is also the launcher of containers.
    pub program: PathBuf,
    /// The Envoy.
    pub envoy: PathBuf,
    /// A folder for sockets and namespaces.
    pub run: PathBuf,
    /// The folder for logs.
    pub logs: PathBuf,
    /// Ports that are held for load balancers to come.
    pub ports: ReservedPorts,
    /// Which outside world to use.
    pub internet: Internet,
    /// Hosts outside, with their ports: one of them that answers shows that
    /// there is an internet.
    pub expected: Vec<(String, u16)>,
    /// The machine's `resolv.conf`, which is read again whenever it changes.
    pub resolver_settings: PathBuf,
    /// The authorities that this machine trusts, as PEM, for apps that reach
    /// the real internet.
    pub authorities: Option<String>,
}

/// Why a runtime does not start.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// Its private folder could not be made.
    #[error(transparent)]
    Isolate(#[from] IsolateError),
    /// A folder could not be made.
    #[error("cannot make the folder `{path}`")]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: std::io::Error,
    },
    /// The network of the tasks could not be made.
    #[error("cannot make the tasks' network: {0}")]
    Network(String),
    /// There is no outside world.
    #[error(transparent)]
    World(#[from] WorldError),
}

/// The runtime's handle.
#[derive(Debug)]
pub struct Runtime {
    desired: watch::Sender<Arc<Desired>>,
    observed: watch::Receiver<Arc<Observed>>,
    stop: oneshot::Sender<()>,
    actor: JoinHandle<()>,
}

// === impl Runtime ===

impl Runtime {
    /// Makes the network and the outside world, and starts nothing yet.
    pub async fn start(options: Options) -> Result<Self, RuntimeError> {
        isolate::private_folder(&options.run)?;
        let namespaces = options.run.join("netns");
        for path in [&namespaces, &options.logs] {
            let failed = |source| RuntimeError::Folder {
                path: path.clone(),
                source,
            };
            std::fs::create_dir_all(path).map_err(failed)?;
        }
        let network = network(&namespaces).await;
        let network = network.map_err(|error| RuntimeError::Network(error.to_string()))?;
        let world = World::start(WorldOptions {
            internet: options.internet,
            namespaces: namespaces.clone(),
            run: options.run.clone(),
            logs: options.logs.clone(),
            resolver_settings: options.resolver_settings.clone(),
            authorities: options.authorities.clone(),
            expected: options.expected.clone(),
        })
        .await?;
        let (desired, wanted) = watch::channel(Arc::default());
        let (seen, observed) = watch::channel(Arc::new(Observed {
            world: world.state.clone(),
            ..Observed::default()
        }));
        let (stop, stopped) = oneshot::channel();
        let actor = Actor::new(options, namespaces, network, world, seen);
        let actor = tokio::spawn(actor.run(wanted, stopped));
        Ok(Self {
            desired,
            observed,
            stop,
            actor,
        })
    }

    /// Makes this what runs; what was desired before is forgotten.
    pub fn apply(&self, desired: Desired) {
        self.desired.send_replace(Arc::new(desired));
    }

    /// What does run.
    pub fn observed(&self) -> watch::Receiver<Arc<Observed>> {
        self.observed.clone()
    }

    /// Stops everything.
    pub async fn shutdown(self) {
        let _ended_already = self.stop.send(());
        // It panics only by a mistake of ours, which it has told already.
        let _ = self.actor.await;
    }
}

/// The namespace in which all tasks have their addresses.
async fn network(namespaces: &Path) -> Result<Netns, NetnsError> {
    let network = Netns::create(namespaces, "vpc").await?;
    network.ip(redirect::loopback()).await?;
    network.open_low_ports().await?;
    Ok(network)
}
