//! A compiled configuration, and how it gets into the files that Envoy reads.
//!
//! ```text
//! bootstrap.json   read once
//! cds/cds.json     clusters              \
//! rds/<name>.json  routes of one port     | watched; replaced by rename
//! lds/lds.json     listeners             /
//! ```
//!
//! Each kind has a folder of its own because Envoy reads every file of a
//! folder again when one is replaced.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::api::{
    Bootstrap, Cluster, DiscoveryResponse, Listener, RouteConfiguration, StaticResources, Typed,
};
use super::shared::Shared;

pub(super) const LDS: &str = "lds/lds.json";
pub(super) const CDS: &str = "cds/cds.json";
const BOOTSTRAP: &str = "bootstrap.json";

/// The configuration of one proxy.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration(Parts);

/// What it consists of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parts {
    pub(super) bootstrap: Bootstrap,
    pub(super) listeners: Vec<Listener>,
    pub(super) clusters: Vec<Cluster>,
    pub(super) routes: Vec<RouteConfiguration>,
    pub(super) names: BTreeMap<String, Ipv4Addr>,
    pub(super) plain: BTreeSet<(Ipv4Addr, u16)>,
    pub(super) shared: Shared,
}

/// The file of a route configuration.
pub(super) fn rds_path(xds: &Path, name: &str) -> PathBuf {
    xds.join("rds").join(format!("{name}.json"))
}

// === impl Configuration ===

impl Configuration {
    pub(super) fn new(parts: Parts) -> Self {
        Self(parts)
    }

    /// The names that the application may resolve, in lower case, and the
    /// virtual address of each.
    ///
    /// `*.example.com` stands for every name below `example.com` that has no
    /// address of its own here. Under ALLOW_ALL names that are not here are
    /// to be resolved as usual.
    pub fn names(&self) -> &BTreeMap<String, Ipv4Addr> {
        &self.0.names
    }

    /// The virtual addresses and ports that are to be redirected to
    /// [`AppPlacement::plain_egress_port`](super::AppPlacement::plain_egress_port):
    /// on these the server may speak first, or the client without TLS.
    pub fn plain(&self) -> &BTreeSet<(Ipv4Addr, u16)> {
        &self.0.plain
    }

    /// The services without a chain of their own: their connections are not
    /// cut by Envoy when they go.
    pub fn shared(&self) -> &Shared {
        &self.0.shared
    }

    /// What Envoy starts from, as JSON.
    pub fn bootstrap(&self) -> String {
        json(&self.0.bootstrap)
    }

    /// Writes all files into a folder, which must be
    /// [`Placement::xds`](super::Placement::xds) for Envoy to find them, and
    /// returns the path of the file to start Envoy with.
    pub fn write(&self, folder: &Path) -> io::Result<PathBuf> {
        for kind in ["cds", "rds", "lds"] {
            fs::create_dir_all(folder.join(kind))?;
        }
        replace(&folder.join(CDS), &self.cds(&BTreeMap::new()))?;
        for routes in &self.0.routes {
            replace(&rds_path(folder, &routes.name), &rds(routes))?;
        }
        replace(&folder.join(LDS), &self.lds())?;
        let bootstrap = folder.join(BOOTSTRAP);
        replace(&bootstrap, &self.bootstrap())?;
        Ok(bootstrap)
    }

    /// Takes a running Envoy from the previous configuration to this one.
    ///
    /// What is new is written from the clusters to the listeners, what is
    /// gone is taken away from the listeners to the clusters, so that nothing
    /// ever leads to what is not there. What did not change is not written.
    pub fn update(&self, previous: &Self, folder: &Path) -> io::Result<()> {
        let cds = self.cds(&BTreeMap::new());
        let before = previous.cds(&BTreeMap::new());
        let both = self.cds(&previous.clusters());
        if both != before {
            replace(&folder.join(CDS), &both)?;
        }
        let old: BTreeMap<&str, &RouteConfiguration> = previous.routes();
        for routes in &self.0.routes {
            if old.get(routes.name.as_str()) != Some(&routes) {
                replace(&rds_path(folder, &routes.name), &rds(routes))?;
            }
        }
        if self.0.listeners != previous.0.listeners {
            replace(&folder.join(LDS), &self.lds())?;
        }
        if cds != both {
            replace(&folder.join(CDS), &cds)?;
        }
        let kept = self.routes();
        for name in old.keys().filter(|name| !kept.contains_key(*name)) {
            remove(&rds_path(folder, name))?;
        }
        Ok(())
    }

    /// Whether [`update`](Self::update) suffices to get here; else Envoy must
    /// be started again.
    pub fn can_follow(&self, previous: &Self) -> bool {
        self.0.bootstrap == previous.0.bootstrap
    }

    /// The whole as one file, for `envoy --mode validate`, which does not look
    /// into the watched files.
    pub fn static_rendering(&self) -> String {
        json(&self.in_one())
    }

    /// The whole as one line, for an Envoy whose configuration stays as it is.
    pub fn whole(&self) -> String {
        serde_json::to_string(&self.in_one()).expect(SERIALIZES)
    }

    fn in_one(&self) -> Bootstrap {
        let mut whole = self.0.bootstrap.clone();
        whole.dynamic_resources = None;
        let StaticResources {
            listeners,
            clusters,
        } = &mut whole.static_resources;
        listeners.extend(
            self.0
                .listeners
                .iter()
                .cloned()
                .map(|listener| self.inline(listener)),
        );
        clusters.extend(self.0.clusters.iter().cloned());
        whole
    }

    /// Puts the routes where only a name and a file stood.
    fn inline(&self, mut listener: Listener) -> Listener {
        let routes = self.routes();
        let chains = listener
            .filter_chains
            .iter_mut()
            .chain(&mut listener.default_filter_chain);
        for filter in chains.flat_map(|chain| &mut chain.filters) {
            if let Typed::HttpConnectionManager(manager) = &mut filter.typed_config
                && let Some(rds) = manager.rds.take()
            {
                let found = routes.get(rds.route_config_name.as_str());
                manager.route_config = found.map(|routes| (*routes).clone());
            }
        }
        listener
    }

    fn routes(&self) -> BTreeMap<&str, &RouteConfiguration> {
        let routes = self.0.routes.iter();
        routes
            .map(|routes| (routes.name.as_str(), routes))
            .collect()
    }

    fn clusters(&self) -> BTreeMap<&str, &Cluster> {
        let clusters = self.0.clusters.iter();
        clusters
            .map(|cluster| (cluster.name.as_str(), cluster))
            .collect()
    }

    /// The clusters, and those of another configuration that it does not have.
    fn cds(&self, others: &BTreeMap<&str, &Cluster>) -> String {
        let mut all = others.clone();
        all.extend(self.clusters());
        discovery(
            all.into_values()
                .cloned()
                .map(|cluster| Typed::Cluster(Box::new(cluster))),
        )
    }

    fn lds(&self) -> String {
        let listeners = self.0.listeners.iter().cloned().map(Box::new);
        discovery(listeners.map(Typed::Listener))
    }
}

fn rds(routes: &RouteConfiguration) -> String {
    discovery([Typed::RouteConfiguration(routes.clone())])
}

fn discovery(resources: impl IntoIterator<Item = Typed>) -> String {
    // Nobody but Envoy reads these, and with thousands of services their
    // size counts.
    let resources = resources.into_iter().collect();
    serde_json::to_string(&DiscoveryResponse { resources }).expect(SERIALIZES)
}

fn json(message: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(message).expect(SERIALIZES);
    text.push('\n');
    text
}

const SERIALIZES: &str = "messages have text keys and no failing serializers";

/// Puts a file in place by rename: Envoy does not notice a file that is
/// written where it stands.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    fs::write(&temporary, text)?;
    fs::rename(&temporary, path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
