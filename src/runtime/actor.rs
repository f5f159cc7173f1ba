//! The one owner of what runs: takes what is desired, starts and stops drivers
//! and load balancers, and gathers what they report.

mod ground;
mod leave;
mod networks;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;

use super::desired::{CarriedProxy, Desired, LoadBalancerId, TaskId};
use super::examine::Ground;
use super::handle::Options;
use super::isolate;
use super::load_balancer::{self, Deregistered, HealthChanges, LoadBalancer};
use super::names::Networks;
use super::netns::Netns;
use super::observed::{Observed, TaskState};
use super::outside;
use super::task::{self, Driver, Surroundings};
use super::world::World;
use crate::mesh::{Mesh, MeshName};
use leave::Leaving;

/// Before what could not be started is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The meshes and what is wrong with them, as drivers see them.
#[derive(Clone, Debug, Default)]
pub(super) struct Meshes {
    pub(super) meshes: Arc<BTreeMap<MeshName, Mesh>>,
    pub(super) domains: Arc<BTreeSet<String>>,
    /// Of what is desired.
    pub(super) version: u64,
}

pub(super) struct Actor {
    options: Options,
    namespaces: PathBuf,
    network: Netns,
    world: World,
    networks: Networks,
    desired: Arc<Desired>,
    meshes: watch::Sender<Meshes>,
    mesh_problem: Option<String>,
    drivers: BTreeMap<TaskId, Driver>,
    /// Tasks that are being stopped.
    leaving: BTreeMap<TaskId, Leaving>,
    /// Targets that tasks no longer are.
    deregistered: Vec<(TaskId, Deregistered)>,
    /// Said when nothing is to be waited for any more.
    hurry: watch::Sender<bool>,
    gone: JoinSet<TaskId>,
    states: BTreeMap<TaskId, TaskState>,
    load_balancers: BTreeMap<LoadBalancerId, LoadBalancer>,
    /// Those that could not be started, and why.
    unbound: BTreeMap<LoadBalancerId, String>,
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
    pub(super) fn new(
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
            networks: Networks::default(),
            desired: Arc::default(),
            meshes: watch::channel(Meshes::default()).0,
            mesh_problem: None,
            drivers: BTreeMap::new(),
            leaving: BTreeMap::new(),
            deregistered: Vec::new(),
            hurry: watch::channel(false).0,
            gone: JoinSet::new(),
            states: BTreeMap::new(),
            load_balancers: BTreeMap::new(),
            unbound: BTreeMap::new(),
            problems: BTreeMap::new(),
            reports: mpsc::unbounded_channel(),
            health: mpsc::unbounded_channel(),
            observed,
        }
    }

    pub(super) async fn run(
        mut self,
        mut wanted: watch::Receiver<Arc<Desired>>,
        mut stopped: oneshot::Receiver<()>,
        mut questions: mpsc::UnboundedReceiver<oneshot::Sender<Ground>>,
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
                () = sleep(RETRY), if self.is_to_retry() => self.retry().await,
                Some(question) = questions.recv() => {
                    // Whoever asked may have gone.
                    let _gone = question.send(self.ground());
                }
                Some(gone) = self.gone.join_next(), if !self.gone.is_empty() => {
                    self.forget(gone);
                }
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
        let carried_changed = carried(&self.desired) != carried(&desired);
        let before = std::mem::replace(&mut self.desired, desired);
        if mesh_changed {
            self.read_meshes().await;
        } else if carried_changed {
            let meshes = Arc::clone(&self.meshes.borrow().meshes);
            self.set_hosts(&meshes).await;
        }
        self.number_meshes();
        self.set_load_balancers().await;
        self.stop_tasks(&before);
        self.set_networks().await;
        self.start_tasks();
    }

    async fn read_meshes(&mut self) {
        let desired = Arc::clone(&self.desired);
        let read = tokio::task::spawn_blocking(move || Mesh::from_resources(&desired.mesh)).await;
        match read {
            Ok(Ok(meshes)) => {
                self.mesh_problem = None;
                self.set_hosts(&meshes).await;
                let domains = Arc::new(self.desired.domains.clone());
                self.meshes.send_replace(Meshes {
                    meshes: Arc::new(meshes),
                    domains,
                    version: self.desired.mesh_version,
                });
            }
            // The meshes before stay in use.
            Ok(Err(problems)) => self.mesh_problem = Some(problems.to_string()),
            Err(panicked) => self.mesh_problem = Some(panicked.to_string()),
        }
    }

    /// Tells the tasks which meshes they have, where those are the same as
    /// before, or cannot be read and are.
    fn number_meshes(&self) {
        let version = self.desired.mesh_version;
        self.meshes.send_if_modified(|meshes| {
            let is_new = meshes.version != version;
            meshes.version = version;
            is_new
        });
    }

    /// The folder of a task's sockets and configuration.
    fn folder(&self, id: &TaskId) -> PathBuf {
        self.options.run.join("t").join(short(id))
    }

    /// A task has stopped; another may have waited for its name or address.
    fn forget(&mut self, gone: Result<TaskId, JoinError>) {
        if let Ok(id) = gone {
            self.leaving.remove(&id);
            self.states.remove(&id);
            self.start_tasks();
        }
    }

    fn start_tasks(&mut self) {
        let desired = Arc::clone(&self.desired);
        for spec in &desired.tasks {
            let is_taken = self.leaving.contains_key(&spec.id)
                || self
                    .leaving
                    .values()
                    .any(|leaving| leaving.address == spec.address);
            if self.drivers.contains_key(&spec.id) || is_taken {
                continue;
            }
            let Some(names) = self.networks.of(&spec.network) else {
                continue;
            };
            let surroundings = Surroundings {
                program: self.options.program.clone(),
                envoy: self.options.envoy.clone(),
                folder: self.folder(&spec.id),
                logs: self.options.logs.join(file_name(&spec.id)),
                namespaces: self.namespaces.clone(),
                network: self.network.clone(),
                world: self.world.netns.clone(),
                zone: names.zone(),
                resolver: names.resolver(),
                authorities: self.world.authorities().map(Into::into),
            };
            let reports = self.reports.0.clone();
            let driver =
                Driver::start(spec.clone(), surroundings, self.meshes.subscribe(), reports);
            self.drivers.insert(spec.id.clone(), driver);
        }
    }

    /// Tells the outside world which hosts it has to have.
    async fn set_hosts(&mut self, meshes: &BTreeMap<MeshName, Mesh>) {
        let domains = &self.desired.domains;
        let mut hosts = outside::hosts(meshes, domains);
        for proxy in carried(&self.desired) {
            hosts.extend(outside::carried_hosts(&proxy.configuration, domains));
        }
        let hosts_set = self.world.set_hosts(hosts).await;
        self.note("the outside world", hosts_set.err());
    }

    async fn set_load_balancers(&mut self) {
        let desired = Arc::clone(&self.desired);
        let wanted: BTreeSet<&LoadBalancerId> =
            desired.load_balancers.iter().map(|spec| &spec.id).collect();
        self.load_balancers.retain(|id, _| wanted.contains(id));
        self.unbound.retain(|id, _| wanted.contains(id));
        let addresses: BTreeMap<TaskId, Ipv4Addr> = desired
            .tasks
            .iter()
            .map(|task| (task.id.clone(), task.address))
            .collect();
        for spec in &desired.load_balancers {
            if !self.load_balancers.contains_key(&spec.id) {
                let started = LoadBalancer::start(
                    spec.port,
                    &self.options.ports,
                    self.network.clone(),
                    self.health.0.clone(),
                );
                match started.await {
                    Ok(balancer) => {
                        self.unbound.remove(&spec.id);
                        self.load_balancers.insert(spec.id.clone(), balancer);
                    }
                    Err(error) => {
                        let problem = load_balancer::problem(&spec.id, &error);
                        self.unbound.insert(spec.id.clone(), problem);
                    }
                }
            }
            if let Some(balancer) = self.load_balancers.get(&spec.id) {
                self.deregistered.extend(balancer.set(spec, &addresses));
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
        let is_known =
            self.drivers.contains_key(&report.task) || self.leaving.contains_key(&report.task);
        if is_known {
            self.states.insert(report.task, report.state);
        }
    }

    fn publish(&mut self) {
        let mut problems: Vec<String> = self.problems.values().cloned().collect();
        problems.extend(self.unbound.values().cloned());
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
        self.hurry.send_replace(true);
        self.load_balancers.clear();
        self.desired = Arc::default();
        self.stop_tasks(&Desired::default());
        while self.gone.join_next().await.is_some() {}
        isolate::remove_private_folder(&self.options.run);
    }
}

/// The proxies that bring their configuration along.
fn carried(desired: &Desired) -> Vec<&Arc<CarriedProxy>> {
    let tasks = desired.tasks.iter();
    tasks.filter_map(|task| task.carried.as_ref()).collect()
}

/// A task's name in a path that must be short.
fn short(id: &TaskId) -> String {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    format!("{:012x}", hasher.finish() >> 16)
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
