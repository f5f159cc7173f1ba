//! What verification needs to know about the environment.

use super::probes::UNMODELLED;
use crate::config::{Caller, Config, Egress, Matching, Protocol, Redirect};

/// What should be, from the settings.
#[derive(Clone, Debug)]
pub struct Expectations {
    /// The environment's name.
    pub environment: String,
    /// `local` or `aws`.
    pub target: String,
    /// What the mesh does with traffic to services that it does not model.
    pub egress: Egress,
    /// The outside services, when the app is the colour app and can be asked
    /// to call them.
    pub externals: Vec<External>,
    /// Why the host that is tried to show a refusal is not refused, when the
    /// settings let connections to it through.
    pub unmodelled_passes: Option<String>,
    /// Whether nothing sees an app's connections to what is not modelled, and
    /// so nothing can log them.
    pub unseen: bool,
    /// The path that answers 200 when the app is the user's own image: it has
    /// none of the colour app's paths, and what only they can show is skipped.
    pub own_image: Option<String>,
}

/// One modelled outside service, as the colour app reaches it.
#[derive(Clone, Debug)]
pub struct External {
    /// Its name in the settings; the app's path is `/external_<name>`.
    pub name: String,
    /// What the app connects to, `host:port`.
    pub destination: String,
}

impl Expectations {
    /// The expectations that `config` sets, on `target`.
    pub fn new(config: &Config, target: &str) -> Self {
        let called = config
            .external_services
            .iter()
            .filter(|service| service.nodes.contains(&Caller::App));
        let externals = called.map(|service| External {
            name: service.name.to_string(),
            destination: match service.local_port {
                None => format!("{}:{}", service.host.sample(), service.listen_port()),
                Some(port) => format!("{} at 127.0.0.1:{port}", service.host.sample()),
            },
        });
        Self {
            environment: config.environment.to_string(),
            target: target.to_owned(),
            egress: config.mesh.egress,
            externals: externals.collect(),
            unmodelled_passes: unmodelled_passes(config),
            unseen: config.mesh.redirect == Redirect::Ports,
            own_image: config
                .app
                .image
                .as_ref()
                .map(|_| config.app.health_path.to_string()),
        }
    }
}

/// The colour app tries HTTPS to the unmodelled host, by its name and not at a
/// port on loopback.
fn unmodelled_passes(config: &Config) -> Option<String> {
    if config.mesh.redirect == Redirect::Ports {
        return None;
    }
    let mut services = config
        .external_services
        .iter()
        .filter(|service| service.nodes.contains(&Caller::App))
        .filter(|service| service.protocol == Protocol::Tcp && service.listen_port() == 443);
    match config.mesh.matching {
        Matching::Port => services.next().map(|service| {
            format!(
                "`mesh.matching: port` takes every connection to port 443 for `{}`",
                service.host
            )
        }),
        Matching::Sni => services
            .find(|service| service.host.includes(UNMODELLED))
            .map(|service| format!("the external service `{}` models it", service.name)),
    }
}

/// What is, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The environment's stacks.
    pub stacks: Vec<StackFact>,
    /// The cluster's services.
    pub services: Vec<ServiceFact>,
    /// The Envoy of each task.
    pub envoys: Vec<EnvoyFact>,
    /// The app's public endpoint, a URL without a path.
    pub endpoint: Option<String>,
    /// What the outside world is, on the local target.
    pub world: Option<String>,
    /// Whether refusals can be read here.
    pub denials: Readable<Denial>,
}

/// A list that can be read, or the reason why not.
#[derive(Clone, Debug)]
pub enum Readable<T> {
    /// What was read.
    Known(Vec<T>),
    /// It cannot be read on this target; why.
    Unknown(String),
}

impl<T> Default for Readable<T> {
    fn default() -> Self {
        Self::Known(Vec::new())
    }
}

/// One stack.
#[derive(Clone, Debug)]
pub struct StackFact {
    /// Its name.
    pub name: String,
    /// Its status, `absent` when it does not exist.
    pub status: String,
    /// Whether that status is a finished create or update.
    pub complete: bool,
}

/// One ECS service.
#[derive(Clone, Debug)]
pub struct ServiceFact {
    /// Its name.
    pub name: String,
    /// Tasks that run.
    pub running: u32,
    /// Tasks that should.
    pub desired: u32,
}

/// The Envoy container of one task.
#[derive(Clone, Debug)]
pub struct EnvoyFact {
    /// The task, by family and id.
    pub task: String,
    /// Its container's health, as ECS gives it: `HEALTHY`, `UNHEALTHY`,
    /// `UNKNOWN`.
    pub health: String,
}

/// One refused connection or request, from a proxy's log.
#[derive(Clone, Debug)]
pub struct Denial {
    /// RFC 3339.
    pub time: String,
    /// Where the app wanted to go, `address:port`.
    pub destination: String,
    /// The TLS server name or HTTP host that it asked for.
    pub server_name: Option<String>,
}
