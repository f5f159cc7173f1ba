//! Ports on loopback at which an app finds services where nothing redirects
//! its connections.
//!
//! A port that is not written comes from a hash of the service's name, and
//! where two fall on the same, the later in the list moves on: a service that
//! is added at the end moves none. One that is written never moves another
//! either; where it is taken, that is a mistake.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::RangeInclusive;

use sha2::{Digest, Sha256};

use super::external_services::Draft;
use super::reader::Reader;
use super::redirect::written;
use super::values::SIDECAR_PORTS;
use super::{Caller, ExternalService, Invalid, Redirect};

/// The longest list of ports in a task definition. It leaves half of what ECS
/// takes for the rest.
const LONGEST_TOLD: usize = 32 * 1024;

/// Below the ports that a kernel gives to connections.
const RANGE: RangeInclusive<u16> = 20_000..=29_999;

/// Gives each service its port, where the app needs one.
pub(super) fn assign(services: &mut [ExternalService], redirect: Redirect, app_port: u16) {
    match redirect {
        Redirect::ProxyConfiguration | Redirect::InitContainer => {
            services.iter_mut().for_each(|it| it.local_port = None);
        }
        Redirect::Ports => {
            let mut ports = Ports::beside(app_port);
            for service in services.iter_mut().filter(|it| it.local_port.is_none()) {
                service.local_port = ports.next(service.name.as_str());
            }
        }
    }
}

/// Refuses a port that another has, and a service for which none is left.
pub(super) fn check(reader: &mut Reader<'_>, drafts: &[Draft], app_port: u16) {
    let mut ports = Ports::beside(app_port);
    let mut left_out = drafts
        .iter()
        .filter(|draft| draft.local_port.place.is_none());
    if let Some(draft) = left_out.find(|draft| ports.of(draft).is_none()) {
        let message = "there are more services than ports for them on 127.0.0.1";
        let help = "name fewer services, or give some a `local_port` below 20000";
        return reader.refuse(draft.host_place(), Invalid::new(message, help));
    }
    for draft in drafts {
        let Some((port, place)) = written(draft) else {
            continue;
        };
        let message = match ports.taken.entry(port) {
            Entry::Vacant(free) => {
                free.insert(draft.title());
                continue;
            }
            Entry::Occupied(taken) => {
                format!("port {port} on 127.0.0.1 is taken by {}", taken.get())
            }
        };
        let free = ports.next(&draft.title());
        let help = free.map_or_else(
            || "write another port".to_owned(),
            |free| format!("leave it out, or write another, such as `local_port: {free}`"),
        );
        reader.refuse(place, Invalid::new(message, help));
    }
}

/// Refuses the service with which the list of ports gets too long for the task
/// definition of an app that is not ours to build.
pub(super) fn check_room(reader: &mut Reader<'_>, drafts: &[Draft]) {
    let mut length = 0;
    let told = |draft: &&Draft| {
        let nodes = draft.nodes.value.as_ref();
        nodes.is_none_or(|nodes| nodes.contains(&Caller::App))
    };
    for draft in drafts.iter().filter(told) {
        let name = draft.name.as_ref().map(|name| name.value.as_str().len());
        length += name.unwrap_or_default() + "=20000 ".len();
        if length > LONGEST_TOLD {
            let message = format!(
                "with this service `LOCAL_PORTS` gets longer than {LONGEST_TOLD} bytes, and ECS takes 64 KB of a \
                 task definition with all that is in it"
            );
            let help = "name fewer services, or shorter names, or write `redirect: proxy-configuration`, where \
                        the app needs no list";
            return reader.refuse(draft.host_place(), Invalid::new(message, help));
        }
    }
}

/// The ports that are taken, and by whom.
struct Ports {
    taken: HashMap<u16, String>,
}

// === impl Ports ===

impl Ports {
    fn beside(app_port: u16) -> Self {
        let sidecars = SIDECAR_PORTS.map(|port| (port, "the sidecar".to_owned()));
        let app = (app_port, "the app".to_owned());
        Self {
            taken: sidecars.into_iter().chain([app]).collect(),
        }
    }

    fn of(&mut self, draft: &Draft) -> Option<u16> {
        let name = draft.name.as_ref().map(|name| name.value.to_string());
        self.take(&name.unwrap_or_default(), draft.title())
    }

    fn next(&mut self, name: &str) -> Option<u16> {
        self.take(name, name.to_owned())
    }

    fn take(&mut self, name: &str, owner: String) -> Option<u16> {
        let from = hash(name);
        let ports = (from..=*RANGE.end()).chain(*RANGE.start()..from);
        let mut free = ports.filter(|port| !self.taken.contains_key(port));
        let port = free.next()?;
        self.taken.insert(port, owner);
        Some(port)
    }
}

fn hash(name: &str) -> u16 {
    let digest = Sha256::digest(name.as_bytes());
    let number = u16::from_be_bytes([digest[0], digest[1]]);
    RANGE.start() + number % (RANGE.end() - RANGE.start() + 1)
}
