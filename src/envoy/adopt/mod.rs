//! A configuration that was made for a task on ECS, run here as it is.
//!
//! What a container carries is taken word for word but for what a task on
//! this machine has elsewhere: the namespaces in which listeners open and from
//! which nodes are dialled, the resolver, the admin socket, the logs.

mod outside;
mod place;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;
use thiserror::Error;

use super::{Placement, addresses};
use crate::mesh::{MeshName, ProxyId};

pub use outside::{Reachable, Spoken};

/// Why a configuration cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidCarried {
    /// It is no JSON.
    #[error("the configuration of its Envoy is no JSON: {0}")]
    NoJson(String),
    /// It is not complete by itself.
    #[error(
        "the configuration of its Envoy has `{0}`: the local target runs what is complete by itself"
    )]
    NotStatic(&'static str),
    /// Nothing in it opens a port.
    #[error("the configuration of its Envoy has no listener")]
    NoListener,
}

/// A whole configuration of Envoy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    whole: Value,
    egress_port: Option<u16>,
    ingress_port: Option<u16>,
}

// === impl Carried ===

impl Carried {
    /// Reads a bootstrap configuration as JSON. The ports are those that the
    /// task's redirection leads to: what the application sends, and what comes
    /// in.
    pub fn parse(
        text: &str,
        egress_port: Option<u16>,
        ingress_port: Option<u16>,
    ) -> Result<Self, InvalidCarried> {
        let whole: Value = serde_json::from_str(text)
            .map_err(|error| InvalidCarried::NoJson(error.to_string()))?;
        if whole.get("dynamic_resources").is_some() {
            return Err(InvalidCarried::NotStatic("dynamic_resources"));
        }
        let carried = Self {
            whole,
            egress_port,
            ingress_port,
        };
        if carried.listeners().next().is_none() {
            return Err(InvalidCarried::NoListener);
        }
        Ok(carried)
    }

    /// The node or gateway that it says it is.
    pub fn identity(&self) -> Option<(MeshName, ProxyId)> {
        let id = self.whole.pointer("/node/id")?.as_str()?;
        ProxyId::parse(id).ok()
    }

    /// The configuration for a place on this machine.
    pub fn at(&self, placement: &Placement) -> String {
        let placed = place::placed(self, placement);
        serde_json::to_string(&placed).expect("JSON is written without failing")
    }

    /// What it lets an application reach.
    pub fn reachable(&self) -> Vec<Reachable> {
        outside::reachable(self)
    }

    /// The names that an application may look up, each with an address that
    /// leads to the proxy, which does not look at it.
    pub fn names(&self) -> BTreeMap<String, Ipv4Addr> {
        if self.is_open() {
            return BTreeMap::new();
        }
        let reachable = self.reachable();
        addresses::assign(reachable.iter().map(|it| it.name.as_str()))
    }

    /// Whether it passes on what it does not know.
    pub fn is_open(&self) -> bool {
        let mut clusters = self.clusters();
        clusters.any(|cluster| text(cluster, "type") == Some("ORIGINAL_DST"))
    }

    /// Where what the application sends is redirected to.
    pub fn egress_port(&self) -> Option<u16> {
        self.egress_port
    }

    /// Where what comes in for the application is redirected to.
    pub fn ingress_port(&self) -> Option<u16> {
        self.ingress_port
    }

    /// Whether nothing leads the application's connections to the proxy.
    pub fn redirects_nothing(&self) -> bool {
        self.egress_port.is_none()
    }

    /// The port at which connections for the application arrive, where nothing
    /// is led there.
    pub fn way_in(&self) -> Option<u16> {
        let to_application = |cluster: &&Value| {
            let mut endpoints = endpoints(cluster);
            endpoints.any(|it| text(it, "address").is_some_and(is_loopback))
        };
        let clusters = self.clusters().filter(to_application);
        let names: Vec<&Value> = clusters.filter_map(|it| it.get("name")).collect();
        let mut listeners = self.listeners().filter(|it| !self.is_for_application(it));
        let listener = listeners.find(|listener| {
            let listener = listener.to_string();
            names
                .iter()
                .any(|name| listener.contains(&name.to_string()))
        });
        listening_port(listener?)
    }

    /// Whether what the application sends arrives there: by redirection, or
    /// because the application alone can get there.
    fn is_for_application(&self, listener: &Value) -> bool {
        let led = self.egress_port.is_some() && listening_port(listener) == self.egress_port;
        led || listening_address(listener).is_some_and(is_loopback)
    }

    fn listeners(&self) -> impl Iterator<Item = &Value> {
        list(&self.whole, "/static_resources/listeners")
    }

    fn clusters(&self) -> impl Iterator<Item = &Value> {
        list(&self.whole, "/static_resources/clusters")
    }
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.into_iter().flatten()
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

fn port(value: &Value) -> Option<u16> {
    u16::try_from(value.as_u64()?).ok()
}

/// The port of `{"address": {"socket_address": …}}`.
fn listening_port(listener: &Value) -> Option<u16> {
    port(listener.pointer("/address/socket_address/port_value")?)
}

fn listening_address(listener: &Value) -> Option<&str> {
    text(listener.pointer("/address/socket_address")?, "address")
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

/// The endpoints of a cluster, as socket addresses.
fn endpoints(cluster: &Value) -> impl Iterator<Item = &Value> {
    let localities = list(cluster, "/load_assignment/endpoints");
    let endpoints = localities.flat_map(|locality| list(locality, "/lb_endpoints"));
    endpoints.filter_map(|endpoint| endpoint.pointer("/endpoint/address/socket_address"))
}
