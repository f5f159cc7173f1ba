//! What a refused name has to do with the modelled ones.

use std::collections::HashMap;

use crate::config::{Config, ExternalService};

/// Second labels under which everybody can have a name.
const SHARED: [&str; 16] = [
    "ac",
    "co",
    "com",
    "edu",
    "gov",
    "ne",
    "net",
    "or",
    "org",
    "amazonaws",
    "azurewebsites",
    "cloudfront",
    "github",
    "appspot",
    "herokuapp",
    "windows",
];

/// The modelled hosts, ready to be asked for relatives.
pub(super) struct Hosts<'a> {
    by_host: HashMap<&'a str, Vec<&'a ExternalService>>,
    /// For each domain above a modelled host, that one.
    under: HashMap<&'a str, &'a ExternalService>,
}

/// How a name is related to a modelled host.
#[derive(Clone, Copy, Debug)]
pub(super) enum Related<'a> {
    /// It is one.
    Same(&'a [&'a ExternalService]),
    /// It lies under one.
    Under(&'a ExternalService),
    /// One lies under it.
    Above(&'a ExternalService),
    /// One has the same domain.
    Beside(&'a ExternalService),
}

// === impl Hosts ===

impl<'a> Hosts<'a> {
    pub(super) fn of(config: &'a Config) -> Self {
        let mut hosts = Self {
            by_host: HashMap::new(),
            under: HashMap::new(),
        };
        for service in &config.external_services {
            let host = service.host.as_str();
            hosts.by_host.entry(host).or_default().push(service);
            for domain in domains(host) {
                hosts.under.entry(domain).or_insert(service);
            }
        }
        hosts
    }

    /// Whether a host is modelled at a port.
    pub(super) fn has(&self, host: &str, port: u16) -> bool {
        let services = self.by_host.get(host);
        services
            .is_some_and(|services| services.iter().any(|service| service.listen_port() == port))
    }

    /// Looks only at the name's own labels, however many hosts there are.
    pub(super) fn related<'b>(&'b self, name: &str) -> Option<Related<'b>> {
        if let Some(services) = self.by_host.get(name) {
            return Some(Related::Same(services));
        }
        let over = domains(name).find_map(|domain| self.by_host.get(domain)?.first());
        if let Some(service) = over {
            return Some(Related::Under(service));
        }
        if is_shared(name) {
            return None;
        }
        if let Some(service) = self.under.get(name) {
            return Some(Related::Above(service));
        }
        let parent = domains(name).next().filter(|parent| !is_shared(parent))?;
        self.under
            .get(parent)
            .map(|service| Related::Beside(service))
    }
}

/// The domains above a name, nearest first, without the last label alone.
fn domains(name: &str) -> impl Iterator<Item = &str> {
    let dots = name.match_indices('.').map(|(dot, _)| &name[dot + 1..]);
    dots.filter(|domain| domain.contains('.'))
}

/// Whether names under this have nothing to do with each other: `co.uk`.
fn is_shared(domain: &str) -> bool {
    let mut labels = domain.rsplit('.');
    let (Some(_), Some(second)) = (labels.next(), labels.next()) else {
        return true;
    };
    labels.next().is_none() && SHARED.contains(&second)
}
