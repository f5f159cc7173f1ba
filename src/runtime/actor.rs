//! The one owner of what runs: takes what is desired, starts and stops drivers
//! and load balancers, and gathers what they report.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::desired::{Desired, LoadBalancerId, TaskId};
use super::isolate::{self, IsolateError};
use super::load_balancer::{self, HealthChanges, LoadBalancer};
use super::netns::{Netns, NetnsError};
use super::observed::{Observed, TaskState, TaskStatus};
use super::outside;
use super::redirect;
use super::task::{self, Driver, Surroundings};
use super::world::{Internet, World, WorldError, WorldOptions};
use crate::mesh::{Mesh, MeshName};

/// What a runtime needs to know of its machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// This program, which is also the launcher of containers.
    pub program: PathBuf,
    /// The Envoy.
    pub envoy: PathBuf,
    /// A folder for sockets and namespaces; its path is short, since a socket's
    /// path may have 107 bytes.
    pub run: PathBuf,
    /// The folder for logs.
    pub logs: PathBuf,
    /// Which outside world to use.
    pub internet: Internet,
    /// The text of the machine's `resolv.conf`.
    pub resolver_settings: String,
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

/// The meshes and what is wrong with them, as drivers see them.
#[derive(Clone, Debug, Default)]
pub(super) struct Meshes {
    pub(super) meshes: Arc<BTreeMap<MeshName, Mesh>>,
    pub(super) domains: Arc<BTreeSet<String>>,
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
        })
        .await?;
        let (desired, wanted) = watch::channel(Arc::default());
        let (seen, observed) = watch::channel(Arc::default());
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
async fn network(namespaces: &std::path::Path) -> Result<Netns, NetnsError> {
    let network = Netns::create(namespaces, "vpc").await?;
    network.ip(redirect::loopback()).await?;
    network.open_low_ports().await?;
    Ok(network)
}

struct Actor {
    options: Options,
    namespaces: PathBuf,
    network: Netns,
    world: World,
    desired: Arc<Desired>,
    meshes: watch::Sender<Meshes>,
    mesh_problem: Option<String>,
    drivers: BTreeMap<TaskId, Driver>,
    leaving: BTreeMap<TaskId, JoinHandle<()>>,
    states: BTreeMap<TaskId, TaskState>,
    load_balancers: BTreeMap<LoadBalancerId, LoadBalancer>,
    problems: BTreeMap<String, String>,
    reports: (
        mpsc::UnboundedSender<task::Report>,
        mpsc::UnboundedReceiver<task::Report>,
    ),
    health: (HealthChanges, mpsc::UnboundedReceiver<()>),
    observed: watch::Sender<Arc<Observed>>,
}

// === impl Actor ===

impl Actor {
    fn new(
        options: Options,
        namespaces: PathBuf,
        network: Netns,
        world: World,
        observed: watch::Sender<Arc<Observed>>,
    ) -> Self {
        Self {
            options,
            namespaces,
            network,
            world,
            desired: Arc::default(),
            meshes: watch::channel(Meshes::default()).0,
            mesh_problem: None,
            drivers: BTreeMap::new(),
            leaving: BTreeMap::new(),
            states: BTreeMap::new(),
            load_balancers: BTreeMap::new(),
            problems: BTreeMap::new(),
            reports: mpsc::unbounded_channel(),
            health: mpsc::unbounded_channel(),
            observed,
        }
    }

    async fn run(
        mut self,
        mut wanted: watch::Receiver<Arc<Desired>>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        self.publish();
        loop {
            tokio::select! {
                _ = &mut stopped => break,
                changed = wanted.changed() => {
                    if changed.is_err() { break }
                    let desired = Arc::clone(&wanted.borrow_and_update());
                    self.reconcile(desired).await;
                }
                Some(report) = self.reports.1.recv() => self.take(report),
                Some(()) = self.health.1.recv() => {}
            }
            while let Ok(report) = self.reports.1.try_recv() {
                self.take(report);
            }
            while self.health.1.try_recv().is_ok() {}
            self.set_names();
            self.publish();
        }
        self.stop().await;
    }

    async fn reconcile(&mut self, desired: Arc<Desired>) {
        let mesh_changed =
            self.desired.mesh != desired.mesh || self.desired.domains != desired.domains;
        self.desired = desired;
        if mesh_changed {
            self.read_meshes().await;
        }
        self.leaving.retain(|_, driver| !driver.is_finished());
        self.stop_tasks();
        self.start_tasks().await;
        self.set_load_balancers().await;
    }

    async fn read_meshes(&mut self) {
        let desired = Arc::clone(&self.desired);
        let read = tokio::task::spawn_blocking(move || Mesh::from_resources(&desired.mesh)).await;
        match read {
            Ok(Ok(meshes)) => {
                self.mesh_problem = None;
                let hosts = outside::hosts(&meshes, &self.desired.domains);
                let hosts_set = self.world.set_hosts(hosts).await;
                self.note("the outside world", hosts_set.err());
                let domains = Arc::new(self.desired.domains.clone());
                self.meshes.send_replace(Meshes {
                    meshes: Arc::new(meshes),
                    domains,
                });
            }
            // The meshes before stay in use.
            Ok(Err(problems)) => self.mesh_problem = Some(problems.to_string()),
            Err(panicked) => self.mesh_problem = Some(panicked.to_string()),
        }
    }

    fn stop_tasks(&mut self) {
        let wanted: BTreeMap<&TaskId, _> = self
            .desired
            .tasks
            .iter()
            .map(|task| (&task.id, task))
            .collect();
        let gone: Vec<TaskId> = self
            .drivers
            .iter()
            .filter(|(id, driver)| wanted.get(id).is_none_or(|spec| **spec != driver.spec))
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            if let Some(driver) = self.drivers.remove(&id) {
                self.leaving.insert(id, driver.stop());
            }
        }
        let drivers = &self.drivers;
        let leaving = &self.leaving;
        self.states
            .retain(|id, _| drivers.contains_key(id) || leaving.contains_key(id));
    }

    async fn start_tasks(&mut self) {
        let desired = Arc::clone(&self.desired);
        for spec in &desired.tasks {
            if self.drivers.contains_key(&spec.id) {
                continue;
            }
            if let Some(leaving) = self.leaving.remove(&spec.id) {
                // The same task with another definition: one after the other.
                let _ = leaving.await;
            }
            let surroundings = Surroundings {
                program: self.options.program.clone(),
                envoy: self.options.envoy.clone(),
                folder: self.options.run.join("t").join(short(&spec.id)),
                logs: self.options.logs.join(file_name(&spec.id)),
                namespaces: self.namespaces.clone(),
                network: self.network.clone(),
                world: self.world.netns.clone(),
                world_zone: self.world.zone(),
                resolver: self.world.resolver(),
                certificate: self.world.certificate().map(str::to_owned),
            };
            let reports = self.reports.0.clone();
            let driver =
                Driver::start(spec.clone(), surroundings, self.meshes.subscribe(), reports);
            self.drivers.insert(spec.id.clone(), driver);
        }
    }

    async fn set_load_balancers(&mut self) {
        let desired = Arc::clone(&self.desired);
        let wanted: BTreeSet<&LoadBalancerId> =
            desired.load_balancers.iter().map(|spec| &spec.id).collect();
        self.load_balancers.retain(|id, _| wanted.contains(id));
        let addresses: BTreeMap<TaskId, Ipv4Addr> = desired
            .tasks
            .iter()
            .map(|task| (task.id.clone(), task.address))
            .collect();
        for spec in &desired.load_balancers {
            if !self.load_balancers.contains_key(&spec.id) {
                let started =
                    LoadBalancer::start(spec.port, self.network.clone(), self.health.0.clone());
                match started.await {
                    Ok(balancer) => {
                        self.note(spec.id.as_str(), None::<NetnsError>);
                        self.load_balancers.insert(spec.id.clone(), balancer);
                    }
                    Err(error) => {
                        let problem = load_balancer::problem(&spec.id, &error);
                        self.problems.insert(spec.id.to_string(), problem);
                    }
                }
            }
            if let Some(balancer) = self.load_balancers.get(&spec.id) {
                balancer.set(spec, &addresses);
            }
        }
    }

    fn note(&mut self, about: &str, problem: Option<impl std::error::Error>) {
        match problem {
            Some(error) => self
                .problems
                .insert(about.to_owned(), format!("{about}: {error}")),
            None => self.problems.remove(about),
        };
    }

    fn take(&mut self, report: task::Report) {
        if self.drivers.contains_key(&report.task) || self.leaving.contains_key(&report.task) {
            self.states.insert(report.task, report.state);
        }
    }

    /// A name answers with those of its tasks that run.
    fn set_names(&self) {
        let running = |id: &TaskId| {
            let state = self.states.get(id)?;
            (state.status == TaskStatus::Running && self.drivers.contains_key(id)).then_some(())?;
            self.drivers.get(id).map(|driver| driver.spec.address)
        };
        let names = self.desired.names.iter();
        let names = names.map(|(name, tasks)| {
            (
                super::dns::plain(name),
                tasks.iter().filter_map(running).collect(),
            )
        });
        self.world
            .set_names(names.collect(), self.desired.domains.clone());
    }

    fn publish(&mut self) {
        let mut problems: Vec<String> = self.problems.values().cloned().collect();
        problems.extend(self.mesh_problem.clone());
        let observed = Observed {
            tasks: self.states.clone(),
            load_balancers: self
                .load_balancers
                .iter()
                .map(|(id, balancer)| (id.clone(), balancer.state()))
                .collect(),
            world: self.world.state.clone(),
            problems,
        };
        self.observed.send_if_modified(|before| {
            let changed = **before != observed;
            if changed {
                *before = Arc::new(observed);
            }
            changed
        });
    }

    async fn stop(mut self) {
        self.load_balancers.clear();
        let drivers = std::mem::take(&mut self.drivers)
            .into_values()
            .map(Driver::stop);
        let all: Vec<JoinHandle<()>> = drivers
            .chain(std::mem::take(&mut self.leaving).into_values())
            .collect();
        for driver in all {
            let _ = driver.await;
        }
        isolate::remove_private_folder(&self.options.run);
    }
}

/// A task's name in a path that must be short.
fn short(id: &TaskId) -> String {
    let text = id.as_str();
    let id = text.rsplit('/').next().unwrap_or(text);
    id.chars()
        .filter(char::is_ascii_alphanumeric)
        .take(12)
        .collect()
}

/// A task's name as a file's.
fn file_name(id: &TaskId) -> String {
    let text = id.as_str().rsplit('/').next().unwrap_or_default();
    text.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '-'
            }
        })
        .collect()
}
