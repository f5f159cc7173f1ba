//! Names: questions to others, and data hidden in questions to our own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::bytes::question;
use super::datagram::ask;
use super::orders::Modelled;
use super::scene::{Outcome, Scene, Service, converse, word};

const A: u16 = 1;
const TXT: u16 = 16;

/// A resolver that is not ours, by UDP. The question is taken up by ours all
/// the same; where the witness sees it too, it got out.
pub(super) fn foreign_udp(scene: &Scene) -> Outcome {
    Outcome::together([
        lookup(scene.at(53), &scene.foreign_name(), A),
        lookup(scene.at_v6(53), &scene.foreign_name(), A),
    ])
}

/// The same by TCP.
pub(super) fn foreign_tcp(scene: &Scene) -> Outcome {
    let message = question(&scene.foreign_name(), A);
    let count = u16::try_from(message.len()).expect("a question is short");
    let mut bytes = count.to_be_bytes().to_vec();
    bytes.extend(message);
    let (outcome, answer) = converse(scene.at(53), &bytes);
    match answer.get(2..) {
        Some(message) => said(message),
        None => outcome,
    }
}

/// Data in the labels of a name that is not modelled, through our resolver.
pub(super) fn tunnel(scene: &Scene) -> Outcome {
    let name = format!("{}.{}", "x".repeat(60), scene.foreign_name());
    let own = own_resolver();
    Outcome::together([A, TXT].map(|kind| lookup(own, &name, kind)))
}

/// The same below a modelled name, whose own zone could be anybody's.
pub(super) fn tunnel_modelled(scene: &Scene) -> Outcome {
    let Some(service) = scene.service() else {
        return Outcome::sent("no TLS service is modelled");
    };
    let name = format!("{}.{}", scene.marker, service.name);
    let own = own_resolver();
    Outcome::together([A, TXT].map(|kind| lookup(own, &name, kind)))
}

/// Another resolver in the file that programs read, then a question to it.
pub(super) fn rewritten(scene: &Scene) -> Outcome {
    const FILE: &str = "/etc/resolv.conf";
    let before = std::fs::read(FILE).unwrap_or_default();
    let written = std::fs::write(FILE, format!("nameserver {}\n", scene.foreign));
    let file = match &written {
        Ok(()) => "the file was rewritten".to_owned(),
        Err(error) => format!("the file: {}", word(error)),
    };
    let asked = lookup(scene.at(53), &scene.foreign_name(), A);
    if written.is_ok() {
        // Else the app would go on with it.
        let _as_it_was = std::fs::write(FILE, before);
    }
    Outcome {
        seen: format!("{file}; {}", asked.seen),
        reached: asked.reached,
    }
}

/// The first service that the app's resolver knows, as the app finds it.
pub(super) fn resolve(services: &[Modelled]) -> Option<Service> {
    services.iter().find_map(|service| {
        let address = service.address.or_else(|| address(&service.name))?;
        Some(Service {
            name: service.name.clone(),
            address: (address, service.port).into(),
        })
    })
}

fn address(name: &str) -> Option<Ipv4Addr> {
    let mut answer = [0; 512];
    let count = ask(own_resolver(), &question(name, A), &mut answer).ok()??;
    // One record comes last, and its last bytes are the address.
    let (message, records) = (answer.get(..count)?, *answer.get(7)?);
    let octets: [u8; 4] = message.last_chunk().copied()?;
    (records == 1).then(|| octets.into())
}

/// The resolver that programs of the app use.
fn own_resolver() -> SocketAddr {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let named = text.lines().find_map(|line| {
        let address = line.strip_prefix("nameserver")?.trim();
        address.parse::<IpAddr>().ok()
    });
    (named.unwrap_or(Ipv4Addr::LOCALHOST.into()), 53).into()
}

fn lookup(resolver: SocketAddr, name: &str, kind: u16) -> Outcome {
    let mut answer = [0; 512];
    match ask(resolver, &question(name, kind), &mut answer) {
        Ok(Some(count)) => said(&answer[..count]),
        Ok(None) => Outcome::sent("no answer"),
        Err(error) => Outcome::sent(word(&error)),
    }
}

/// A resolver's answer in words; with records in it, somebody knew the name.
fn said(message: &[u8]) -> Outcome {
    let (Some(flags), Some(count)) = (message.get(3), message.get(7)) else {
        return Outcome::sent("nonsense answered");
    };
    match (flags & 15, count) {
        (3, _) => Outcome::sent("NXDOMAIN"),
        (5, _) => Outcome::sent("REFUSED"),
        (0, 0) => Outcome::sent("no such record"),
        (0, count) => Outcome::reached(format!("{count} records answered")),
        (code, _) => Outcome::sent(format!("DNS error {code}")),
    }
}
