//! The load balancer: a listener on loopback, its rules, and health-checked
//! targets in the tasks' namespace.

mod deregistered;
mod health;
mod path_pattern;
mod proxy;
mod upstream;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::desired::{Action, LoadBalancerId, LoadBalancerSpec, Rule, TargetGroupId, TaskId};
use super::netns::{Netns, NetnsError};
use super::observed::{LoadBalancerState, TargetHealth};
use super::reserved_ports::ReservedPorts;
pub(super) use deregistered::Deregistered;
use health::Checker;
use path_pattern::PathPattern;
use upstream::Upstream;

/// Tells the runtime that a target's health changed.
pub(super) type HealthChanges = mpsc::UnboundedSender<()>;

/// A running load balancer; it ends when this goes.
#[derive(Debug)]
pub(super) struct LoadBalancer {
    port: u16,
    netns: Netns,
    shared: Arc<Shared>,
    changes: HealthChanges,
    serving: AbortHandle,
}

#[derive(Debug, Default)]
struct Shared {
    table: RwLock<Arc<Table>>,
}

/// What requests are compared with.
#[derive(Debug, Default)]
struct Table {
    rules: Vec<(Vec<PathPattern>, Action)>,
    default: Option<Action>,
    groups: BTreeMap<TargetGroupId, Group>,
}

#[derive(Debug, Default)]
struct Group {
    targets: Vec<Arc<Target>>,
    next: AtomicUsize,
}

/// A target with its checker and its idle connections.
#[derive(Debug)]
struct Target {
    task: TaskId,
    checker: Checker,
    upstream: Upstream,
}

// === impl LoadBalancer ===

impl LoadBalancer {
    /// Listens; targets come with [`Self::set`].
    pub(super) async fn start(
        port: Option<u16>,
        reserved: &ReservedPorts,
        netns: Netns,
        changes: HealthChanges,
    ) -> Result<Self, NetnsError> {
        let listener = listen(port, reserved)
            .await
            .map_err(|source| NetnsError::Socket {
                address: loopback(port.unwrap_or(0)),
                name: "host".to_owned(),
                source,
            })?;
        let port = listener.local_addr().map_or(0, |address| address.port());
        let shared = Arc::<Shared>::default();
        let serving = tokio::spawn(proxy::serve(listener, Arc::clone(&shared))).abort_handle();
        Ok(Self {
            port,
            netns,
            shared,
            changes,
            serving,
        })
    }

    /// Takes over rules, groups and targets; targets that stay keep their
    /// health and their connections. The others get no more requests, and
    /// are given back with those that they are still at.
    pub(super) fn set(
        &self,
        spec: &LoadBalancerSpec,
        addresses: &BTreeMap<TaskId, Ipv4Addr>,
    ) -> Vec<(TaskId, Deregistered)> {
        let before = self.shared.table();
        let mut table = Table {
            default: Some(spec.default.clone()),
            ..Table::default()
        };
        table.rules = spec.rules.iter().map(compiled).collect();
        for (id, group) in &spec.target_groups {
            let known = before.groups.get(id);
            let targets = group.targets.iter().filter_map(|(task, port)| {
                let address = SocketAddrV4::new(*addresses.get(task)?, *port);
                let stays = known
                    .into_iter()
                    .flat_map(|group| &group.targets)
                    .find(|target| {
                        target.task == *task && target.is_same(address, &group.health_check)
                    });
                let made = || Arc::new(self.target(task, address, &group.health_check));
                Some(stays.cloned().unwrap_or_else(made))
            });
            let group = Group {
                targets: targets.collect(),
                next: AtomicUsize::default(),
            };
            table.groups.insert(id.clone(), group);
        }
        let deregistered = before.without(&table, spec);
        *self
            .shared
            .table
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
        deregistered
    }

    fn target(
        &self,
        task: &TaskId,
        address: SocketAddrV4,
        settings: &super::desired::HealthCheck,
    ) -> Target {
        let changes = self.changes.clone();
        let checker = Checker::start(address, settings.clone(), self.netns.clone(), changes);
        let upstream = Upstream::new(address, self.netns.clone());
        Target {
            task: task.clone(),
            checker,
            upstream,
        }
    }

    /// What can be seen of it.
    pub(super) fn state(&self) -> LoadBalancerState {
        let table = self.shared.table();
        let targets = table.groups.iter().flat_map(|(id, group)| {
            let health =
                |target: &Arc<Target>| ((id.clone(), target.task.clone()), target.checker.health());
            group.targets.iter().map(health)
        });
        LoadBalancerState {
            port: Some(self.port),
            targets: targets.collect(),
        }
    }
}

impl Drop for LoadBalancer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

// === impl Shared ===

impl Shared {
    fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }
}

// === impl Table ===

impl Table {
    fn action(&self, path: &str) -> Option<&Action> {
        let matches = |(patterns, _): &&(Vec<PathPattern>, Action)| {
            patterns.iter().any(|pattern| pattern.matches(path))
        };
        self.rules
            .iter()
            .find(matches)
            .map(|(_, action)| action)
            .or(self.default.as_ref())
    }

    /// The targets that are not in `next` any more.
    fn without(&self, next: &Self, spec: &LoadBalancerSpec) -> Vec<(TaskId, Deregistered)> {
        let mut gone = Vec::new();
        for (id, group) in &self.groups {
            let kept = |target: &Arc<Target>| {
                let next = next.groups.get(id).into_iter();
                let mut targets = next.flat_map(|group| &group.targets);
                targets.any(|other| Arc::ptr_eq(other, target))
            };
            let delay = spec.target_groups.get(id);
            let delay = delay.map_or(Duration::ZERO, |group| group.deregistration_delay);
            for target in group.targets.iter().filter(|target| !kept(target)) {
                gone.push((target.task.clone(), Deregistered::new(target, delay)));
            }
        }
        gone
    }
}

// === impl Group ===

impl Group {
    /// The next healthy target in turn.
    fn pick(&self) -> Option<&Arc<Target>> {
        let healthy = |target: &&Arc<Target>| target.checker.health() == TargetHealth::Healthy;
        let healthy: Vec<_> = self.targets.iter().filter(healthy).collect();
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        healthy.get(turn.checked_rem(healthy.len())?).copied()
    }
}

// === impl Target ===

impl Target {
    fn is_same(&self, address: SocketAddrV4, settings: &super::desired::HealthCheck) -> bool {
        self.upstream.address() == address && self.checker.settings() == settings
    }
}

fn compiled(rule: &Rule) -> (Vec<PathPattern>, Action) {
    let patterns = rule.paths.iter().map(|path| PathPattern::new(path));
    (patterns.collect(), rule.action.clone())
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// The named port, and no other, since others were told of it; any when none
/// is named.
async fn listen(port: Option<u16>, reserved: &ReservedPorts) -> std::io::Result<TcpListener> {
    match port.and_then(|port| reserved.take(port)) {
        Some(listener) => {
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        }
        None => TcpListener::bind(loopback(port.unwrap_or(0))).await,
    }
}

/// Names a load balancer in a problem.
pub(super) fn problem(id: &LoadBalancerId, error: &NetnsError) -> String {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref());
    let taken = source
        .is_some_and(|source: &std::io::Error| source.kind() == std::io::ErrorKind::AddrInUse);
    match error {
        NetnsError::Socket { address, .. } if taken => format!(
            "another program holds port {} of loopback, where load balancer `{id}` listens; end \
             that program, or give the load balancer another port with `colormesh down` and `up`",
            address.port()
        ),
        error => format!("load balancer `{id}`: {error}"),
    }
}
