//! Making a task: its namespace, its configuration, its sidecar, its app.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::driver::{Chains, Parts, Task};
use super::life::ended;
use crate::diag::with_causes;
use crate::envoy::log::DNS_LOG;
use crate::envoy::{self, AppPlacement, Placement};
use crate::mesh::EgressFilter;
use crate::runtime::actor::Meshes;
use crate::runtime::app::{self, App};
use crate::runtime::desired::AppSpec;
use crate::runtime::dns::{Otherwise, Server, ServerOptions, Zone};
use crate::runtime::isolate;
use crate::runtime::keeper::{ENVOY_LOG, Keeper};
use crate::runtime::launch::Container;
use crate::runtime::netns::{Netns, NetnsError};
use crate::runtime::observed::{MeshState, SidecarState, TaskStatus};
use crate::runtime::redirect::{self, APP_ADDRESS, DNS_PORT, EGRESS_PORT, PLAIN_EGRESS_PORT};
use crate::runtime::setup::Setup;
use crate::runtime::sidecar::{ADMIN, Sidecar, SidecarOptions};

/// How long a sidecar may take until it serves.
const LIVE: Duration = Duration::from_secs(30);
/// How long an app may take until it accepts connections.
const ACCEPTS: Duration = Duration::from_mins(1);
/// Between two tries to reach an app's port.
const KNOCK: Duration = Duration::from_millis(10);
/// The file with the app's addresses by name, beside the logs.
pub const NAMES: &str = "names.json";
/// The port at which a task's proxy answers `/ready` and the like.
const READINESS_PORT: u16 = 9901;

// === impl Task ===

impl Task {
    pub(super) async fn make(&mut self, parts: &mut Parts) -> Result<(), String> {
        self.folders()
            .map_err(|error| format!("cannot make the task's folders: {error}"))?;
        if self.spec.app.is_some() {
            parts.app_network = Some(self.app_network().await?);
        }
        let address = redirect::add_address(self.spec.address);
        self.surroundings
            .network
            .ip(address)
            .await
            .map_err(|error| error.to_string())?;
        self.lead_in().await?;
        self.chains = self.chains_to_begin_with(parts.app_network.as_ref()).await;
        let configuration = self.first_configuration(parts.app_network.as_ref()).await;
        if let Some(network) = &parts.app_network {
            if self.redirects() {
                let plain = redirect::plain_destinations(configuration.plain());
                let set = network.nft(plain).await;
                set.map_err(|error| error.to_string())?;
            }
            let (sender, zone) = watch::channel(self.zone(&configuration));
            let refused = Some(self.surroundings.logs.join(DNS_LOG));
            let options = ServerOptions {
                netns: network,
                address: self.resolver(),
                zone,
                refused,
            };
            parts.dns = Some(
                Server::start(options)
                    .await
                    .map_err(|error| error.to_string())?,
            );
            parts.zone = Some(sender);
        }
        let (logs, home) = (&self.surroundings.logs, &self.surroundings.folder);
        parts.keeper = Some(Keeper::start(logs.clone(), home.clone()));
        self.note_names(&configuration);
        parts.connections = self
            .connections(parts.app_network.as_ref(), &configuration)
            .await?;
        parts.sidecar = Some(self.sidecar(&configuration).await?);
        parts.configuration = Some(configuration);
        self.state.sidecar = SidecarState::Live;
        self.took(MeshState::Applied);
        self.state.processes.sidecar = parts.sidecar.as_ref().and_then(Sidecar::process);
        self.report(TaskStatus::Provisioning);
        if let (Some(spec), Some(network)) = (self.spec.app.clone(), &parts.app_network) {
            parts.app = Some(self.app(&spec, network).await?);
            self.state.processes.app = parts.app.as_ref().and_then(App::process);
            let accepts = timeout(ACCEPTS, accepting(network, spec.port));
            tokio::select! {
                accepts = accepts => accepts
                    .map_err(|_| format!("the app does not listen on port {}", spec.port))?,
                reason = ended(parts.app.as_mut()) => return Err(reason),
            }
        }
        self.state.healthy = true;
        self.report(TaskStatus::Running);
        Ok(())
    }

    /// Leads what comes for the app to a proxy that expects it elsewhere.
    async fn lead_in(&self) -> Result<(), String> {
        let Some(carried) = &self.spec.carried else {
            return Ok(());
        };
        let configuration = &carried.configuration;
        let app = self.spec.app.as_ref();
        let (port, ports) = match (configuration.ingress_port(), app) {
            (Some(port), _) => (Some(port), carried.app_ports.clone()),
            // On ECS the app's own port leads to the app without its proxy:
            // whoever knows the task by it gets an answer.
            (None, Some(app)) => (configuration.way_in(), vec![app.port]),
            (None, None) => (None, Vec::new()),
        };
        let Some(port) = port else {
            return Ok(());
        };
        let rules = redirect::lead_in(self.spec.address, &ports, port);
        let led = self.surroundings.network.nft(rules).await;
        led.map_err(|error| error.to_string())
    }

    pub(super) fn folders(&self) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.surroundings.folder)?;
        std::fs::create_dir_all(self.surroundings.folder.join("root"))?;
        std::fs::create_dir_all(&self.surroundings.logs)
    }

    pub(super) async fn app_network(&self) -> Result<Netns, String> {
        let name = format!(
            "app-{}",
            self.surroundings
                .folder
                .file_name()
                .unwrap_or_default()
                .display()
        );
        let carried = self.spec.carried.as_ref();
        let egress_port = carried.and_then(|carried| carried.configuration.egress_port());
        let egress_port = egress_port.unwrap_or(EGRESS_PORT);
        let make = async {
            let network = Netns::create(&self.surroundings.namespaces, &name).await?;
            if self.redirects() {
                network.ip(redirect::app_addresses()).await?;
                network.nft(redirect::app_redirection(egress_port)).await?;
            } else {
                network.ip(redirect::app_addresses_alone()).await?;
            }
            network.open_low_ports().await?;
            Ok::<_, NetnsError>(network)
        };
        make.await.map_err(|error| error.to_string())
    }

    /// Whether what the app sends is led to its proxy; else it has to find the
    /// way itself.
    pub(super) fn redirects(&self) -> bool {
        let carried = self.spec.carried.as_ref();
        !carried.is_some_and(|carried| carried.configuration.redirects_nothing())
    }

    /// Where the app's resolver listens. Answers have to come from where the
    /// question was sent, else the app takes them for somebody else's.
    fn resolver(&self) -> SocketAddr {
        if self.redirects() {
            (Ipv4Addr::LOCALHOST, DNS_PORT).into()
        } else {
            (APP_ADDRESS, 53).into()
        }
    }

    /// Waits until the meshes say how this proxy is to be configured.
    pub(super) async fn first_configuration(&mut self, app: Option<&Netns>) -> Setup {
        loop {
            match self.compile(app) {
                Ok(configuration) => return configuration,
                Err(reason) => {
                    self.took(MeshState::Refused { reason });
                    self.report(TaskStatus::Provisioning);
                }
            }
            if self.meshes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    pub(super) fn compile(&mut self, app: Option<&Netns>) -> Result<Setup, String> {
        let meshes = self.meshes.borrow_and_update().clone();
        self.compiled = meshes.version;
        if let Some(carried) = &self.spec.carried {
            let placement = self.placement(app, &meshes);
            return Ok(Setup::carried(carried, &placement));
        }
        let mesh = meshes.meshes.get(&self.spec.mesh);
        let mesh = mesh.ok_or_else(|| format!("there is no mesh `{}`", self.spec.mesh))?;
        self.decide(mesh.reach_of(&self.spec.proxy));
        let placement = self.placement(app, &meshes);
        let compiled = envoy::compile(mesh, &self.spec.proxy, &placement);
        compiled
            .map(|configuration| Setup::Compiled(Box::new(configuration)))
            .map_err(|error| error.to_string())
    }

    fn placement(&self, app: Option<&Netns>, meshes: &Meshes) -> Placement {
        let path = |netns: &Netns| netns.path().map(PathBuf::from).unwrap_or_default();
        Placement {
            address: self.spec.address,
            network: self.surroundings.network.path().map(PathBuf::from),
            app: app.map(|network| AppPlacement {
                network: path(network),
                address: Ipv4Addr::LOCALHOST,
                egress_port: EGRESS_PORT,
                plain_egress_port: PLAIN_EGRESS_PORT,
                shared: (self.chains == Chains::Shared).then(|| self.pipe()),
            }),
            private_domains: meshes.domains.iter().cloned().collect(),
            resolver: self.surroundings.resolver,
            admin: ADMIN.into(),
            logs: self.surroundings.logs.clone(),
            xds: self.surroundings.folder.join("xds"),
            readiness_port: READINESS_PORT,
        }
    }

    /// What the app's DNS knows: the modelled names, and all others only
    /// where the mesh lets everything through.
    pub(super) fn zone(&self, configuration: &Setup) -> Zone {
        let names = configuration.names();
        let names: BTreeMap<_, _> = names
            .iter()
            .map(|(name, address)| (name.clone(), vec![(*address).into()]))
            .collect();
        let otherwise = if self.is_open() {
            Otherwise::Ask(self.surroundings.zone.clone())
        } else {
            Otherwise::Refuse
        };
        Zone {
            fixed: Arc::new(names),
            otherwise,
            ..Zone::empty()
        }
    }

    /// Whether everything is let through.
    fn is_open(&self) -> bool {
        if let Some(carried) = &self.spec.carried {
            return carried.configuration.is_open();
        }
        let meshes = self.meshes.borrow();
        let mesh = meshes.meshes.get(&self.spec.mesh);
        mesh.is_some_and(|mesh| mesh.egress == EgressFilter::AllowAll)
    }

    /// Writes down which addresses the app gets for which names, for those who
    /// read the logs.
    pub(super) fn note_names(&self, configuration: &Setup) {
        let path = self.surroundings.logs.join(NAMES);
        let text = serde_json::to_vec(configuration.names());
        let text = text.unwrap_or_default();
        // Logs can be read without it.
        let _full_disk = std::fs::write(path, text);
    }

    pub(super) async fn sidecar(&self, configuration: &Setup) -> Result<Sidecar, String> {
        let options = SidecarOptions {
            envoy: self.surroundings.envoy.clone(),
            world: self.surroundings.world.clone(),
            folder: self.surroundings.folder.clone(),
            log: self.surroundings.logs.join(ENVOY_LOG),
        };
        let started = Sidecar::start(&options, configuration).await;
        let mut sidecar = started.map_err(|error| with_causes(&error))?;
        match timeout(LIVE, sidecar.live()).await {
            Ok(Ok(())) => Ok(sidecar),
            Ok(Err(reason)) => Err(reason),
            Err(_) => Err(format!("Envoy is not live after {} s", LIVE.as_secs())),
        }
    }

    pub(super) async fn app(&self, spec: &AppSpec, network: &Netns) -> Result<App, String> {
        let authorities = self.surroundings.authorities.as_deref();
        let authorities = authorities.map(|ours| app::trusted(&spec.rootfs, ours));
        let mut environment = spec.environment.clone();
        if authorities.is_some() && !environment.iter().any(|(name, _)| name == "SSL_CERT_FILE") {
            environment.push(("SSL_CERT_FILE".to_owned(), app::CERTIFICATES.to_owned()));
        }
        let container = Container {
            network: network.path().map(PathBuf::from).unwrap_or_default(),
            rootfs: spec.rootfs.clone(),
            staging: self.surroundings.folder.join("root"),
            command: spec.command.clone(),
            environment,
            working_directory: spec.working_directory.clone(),
            user: spec.user,
            group: spec.group,
            read_only: spec.read_only,
            hostname: "app".to_owned(),
            files: app::files_over_image(APP_ADDRESS, authorities),
            own_users: !isolate::has_all_users(),
        };
        let log = self.surroundings.logs.join("app.log");
        let started = App::start(
            &self.surroundings.program,
            &container,
            &log,
            spec.stop_timeout,
        )
        .await;
        started.map_err(|error| with_causes(&error))
    }
}

/// Waits until something listens on a port of the app's namespace.
async fn accepting(network: &Netns, port: u16) {
    let address = std::net::SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    while network.connect(address).await.is_err() {
        sleep(KNOCK).await;
    }
}
