//! The line of the settings that would have let a connection through, for
//! those that look like a mistake in the settings and not like an attempt to
//! get out.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::groups::{Groups, Target};
use super::related::{Hosts, Related};
use crate::config::{
    Caller, Config, Egress, ExternalService, Host, IpPreference, Matching, Protocol, Redirect,
    ServiceName,
};
use crate::envoy::log::Attempt;
use crate::ports::starts_with_tls;

/// Ports of a task that never lead to a service.
const TAKEN: [u16; 6] = [53, 9901, 15000, 15001, 15002, 15053];
/// The longest name of a service that is proposed.
const LONGEST: usize = 40;

/// What would let it through, and why that is likely to be wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suggestion {
    /// An item of `external_services`.
    pub(crate) line: String,
    pub(crate) why: String,
}

/// Advises on one set of settings; what it has proposed counts as taken.
pub(crate) struct Advisor<'a> {
    config: &'a Config,
    hosts: Hosts<'a>,
    redirects: &'a HashMap<String, (String, String)>,
    names: HashSet<String>,
    ports: HashMap<u16, Kind>,
    given: BTreeMap<(String, u16), Suggestion>,
}

/// What tells services on a port apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Http,
    Tls,
    Other,
}

/// A service that is not there yet.
struct Wish {
    host: String,
    port: u16,
    protocol: Protocol,
    tls: bool,
    why: String,
    /// What its name begins with.
    called: String,
}

// === impl Advisor ===

impl<'a> Advisor<'a> {
    pub(crate) fn new(config: &'a Config, groups: &'a Groups) -> Self {
        let services = &config.external_services;
        Self {
            config,
            hosts: Hosts::of(config),
            redirects: &groups.redirects,
            names: services
                .iter()
                .map(|service| key(service.name.as_ref()))
                .collect(),
            ports: services
                .iter()
                .map(|service| (service.listen_port(), kind(service)))
                .collect(),
            given: BTreeMap::new(),
        }
    }

    /// What would let the target through; `None` when it does not look like a
    /// mistake, or no line can.
    pub(crate) fn advise(&mut self, target: &Target) -> Option<Suggestion> {
        if self.config.mesh.egress == Egress::AllowAll {
            return None;
        }
        let name = target.name.as_deref()?;
        let wish = self.wish(name, &self.as_asked(target)?)?;
        let place = (wish.host.clone(), wish.port);
        if let Some(given) = self.given.get(&place) {
            return Some(given.clone());
        }
        let suggestion = self.propose(wish)?;
        self.given.insert(place, suggestion.clone());
        Some(suggestion)
    }

    /// The target with the port that the service has outside, where the app
    /// connects to one on loopback; nothing for a port of nobody's.
    fn as_asked(&self, target: &Target) -> Option<Target> {
        let mut asked = target.clone();
        if self.config.mesh.redirect == Redirect::Ports
            && let Some(port) = target.port
        {
            let mut services = self.config.external_services.iter();
            let service = services.find(|service| service.local_port == Some(port))?;
            asked.port = Some(service.listen_port());
        }
        Some(asked)
    }

    fn wish(&self, name: &str, target: &Target) -> Option<Wish> {
        if let Some((url, from)) = self.redirects.get(name) {
            let (port, protocol) = place_of(url)?;
            return Some(Wish {
                host: name.to_owned(),
                port,
                protocol,
                tls: protocol == Protocol::Tcp,
                why: format!("`{from}` redirects to it"),
                called: called(name),
            });
        }
        let related = self.hosts.related(name)?;
        let (relative, why) = match related {
            Related::Same(services) => return another_port(name, target, services),
            Related::Under(service) => (service, format!("a name under `{}`", service.host)),
            Related::Above(service) => (service, format!("the domain of `{}`", service.host)),
            Related::Beside(service) => (service, format!("a name beside `{}`", service.host)),
        };
        let (port, (protocol, tls)) = match target.port {
            Some(port) => (port, spoken(target.attempt, port)),
            // It was only looked up: most likely it is to be used as that one.
            None => (relative.listen_port(), (relative.protocol, relative.tls)),
        };
        Some(Wish {
            host: name.to_owned(),
            port,
            protocol,
            tls,
            why: format!("{why}, which is modelled"),
            called: called(name),
        })
    }

    /// The line, when the settings would take it.
    fn propose(&mut self, wish: Wish) -> Option<Suggestion> {
        let host: Host = wish.host.parse().ok()?;
        let inside = host.is_within(&self.config.services_domain);
        if inside || TAKEN.contains(&wish.port) || self.hosts.has(&wish.host, wish.port) {
            return None;
        }
        let service = ExternalService {
            name: self.free_name(&wish.called)?,
            host,
            port: wish.port,
            protocol: wish.protocol,
            tls: wish.tls,
            ip_preference: IpPreference::Ipv4Only,
            via_port: None,
            local_port: None,
            nodes: BTreeSet::from([Caller::App]),
        };
        let new = kind(&service);
        let together = match self.ports.get(&wish.port) {
            None => true,
            Some(other) => {
                *other == new
                    && (new == Kind::Http
                        || new == Kind::Tls && self.config.mesh.matching == Matching::Sni)
            }
        };
        if !together || new == Kind::Http && wish.port == 443 {
            return None;
        }
        self.ports.insert(wish.port, new);
        self.names.insert(key(service.name.as_ref()));
        Some(Suggestion {
            line: item(&service),
            why: wish.why,
        })
    }

    fn free_name(&self, called: &str) -> Option<ServiceName> {
        let numbered = (2..1000).map(|number| format!("{called}-{number}"));
        let mut names = std::iter::once(called.to_owned()).chain(numbered);
        names
            .find(|name| !self.names.contains(&key(name)))?
            .parse()
            .ok()
    }
}

/// A modelled host at a port that is not.
fn another_port(name: &str, target: &Target, services: &[&ExternalService]) -> Option<Wish> {
    let port = target.port?;
    if services.iter().any(|service| service.listen_port() == port) {
        return None;
    }
    let modelled: Vec<String> = services
        .iter()
        .map(|service| service.listen_port().to_string())
        .collect();
    let modelled = modelled.join(" and ");
    let first = services.first()?;
    let (protocol, tls) = spoken(target.attempt, port);
    let why = match (protocol, first.tls) {
        (Protocol::Http, true) => {
            format!("`{name}` is modelled on port {modelled} for HTTPS, this was plain HTTP")
        }
        (Protocol::Tcp, false) if port == 443 => {
            format!("`{name}` is modelled on port {modelled}, this was HTTPS")
        }
        (Protocol::Http | Protocol::Tcp, _) => {
            format!("`{name}` is modelled on port {modelled} only")
        }
    };
    Some(Wish {
        host: name.to_owned(),
        port,
        protocol,
        tls,
        why,
        called: format!("{}-{port}", first.name),
    })
}

/// What was probably spoken, and whether it is TLS: a client is refused before
/// it has said much.
fn spoken(attempt: Attempt, port: u16) -> (Protocol, bool) {
    match attempt {
        Attempt::Http => (Protocol::Http, false),
        Attempt::Tls => (Protocol::Tcp, true),
        Attempt::PlainText | Attempt::Silent | Attempt::Tcp | Attempt::Dns if port == 80 => {
            (Protocol::Http, false)
        }
        Attempt::PlainText
        | Attempt::Silent
        | Attempt::Tcp
        | Attempt::Dns
        | Attempt::TlsWithoutName => (Protocol::Tcp, starts_with_tls(port)),
    }
}

fn kind(service: &ExternalService) -> Kind {
    match (service.protocol, service.tls) {
        (Protocol::Http, _) => Kind::Http,
        (Protocol::Tcp, true) => Kind::Tls,
        (Protocol::Tcp, false) => Kind::Other,
    }
}

/// What two names may not have in common.
fn key(name: &str) -> String {
    let kept = name.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|character| character.to_ascii_lowercase())
        .collect()
}

/// `www-github` of `www.github.com`.
fn called(host: &str) -> String {
    let labels = host.rsplit_once('.').map_or(host, |(labels, _)| labels);
    let name: String = labels
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character
            } else {
                '-'
            }
        })
        .take(LONGEST)
        .collect();
    let name = name.trim_matches('-');
    if name.starts_with(|character: char| character.is_ascii_alphabetic()) {
        name.to_owned()
    } else {
        format!("host-{name}").trim_end_matches('-').to_owned()
    }
}

/// Port and protocol of a URL.
fn place_of(url: &str) -> Option<(u16, Protocol)> {
    let (scheme, rest) = url.split_once("://")?;
    let (usual, protocol) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (80, Protocol::Http),
        "https" => (443, Protocol::Tcp),
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let port = authority
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse().ok());
    Some((port.unwrap_or(usual), protocol))
}

/// A service as an item of the list, without what is the default.
pub(crate) fn item(service: &ExternalService) -> String {
    let mut fields = format!("name: {}, host: {}", service.name, service.host);
    if service.port != 443 {
        fields.push_str(&format!(", port: {}", service.port));
    }
    if service.protocol != Protocol::Tcp {
        fields.push_str(&format!(", protocol: {}", service.protocol));
    }
    if let Some(tls) = service.tls_unlike_its_port() {
        fields.push_str(&format!(", tls: {tls}"));
    }
    if service.ip_preference != IpPreference::Ipv4Only {
        fields.push_str(&format!(", ip_preference: {}", service.ip_preference));
    }
    if let Some(port) = service.via_port {
        fields.push_str(&format!(", via_port: {port}"));
    }
    format!("- {{ {fields} }}")
}
