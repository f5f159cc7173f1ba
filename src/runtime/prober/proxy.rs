//! The app's own proxy, past its rules; what answers for credentials; and
//! sockets that somebody may have left within reach.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixStream};

use super::bytes::client_hello;
use super::scene::{Outcome, Scene, converse, page, refusal, word};
use crate::runtime::sys;

/// The proxy's own pages, by every address that might be its.
pub(super) fn admin(scene: &Scene) -> Outcome {
    let own = Ipv4Addr::new(169, 254, 100, 2);
    let path = format!("/config_dump?{}", scene.marker);
    let tries = [Ipv4Addr::LOCALHOST, own].map(|address| page((address, 9901).into(), &path));
    Outcome::together(tries)
}

/// The same by the socket that it really listens on.
pub(super) fn admin_socket(scene: &Scene) -> Outcome {
    let tries = scene
        .orders
        .sockets
        .iter()
        .map(|path| match UnixStream::connect(path) {
            Ok(_) => Outcome::reached(format!("connected to {}", path.display())),
            Err(error) => Outcome::sent(refusal(&error)),
        });
    Outcome::together(tries)
}

/// Its listeners without the redirection.
pub(super) fn listeners(scene: &Scene) -> Outcome {
    let hello = client_hello(Some(&scene.foreign_name()), &scene.marker);
    let tries = [15000, 15001, 15002, 15006, 15053].map(|port| {
        let to: SocketAddr = (Ipv4Addr::LOCALHOST, port).into();
        converse(to, &hello).0
    });
    Outcome::together(tries)
}

/// The addresses at which clouds give credentials away.
pub(super) fn metadata(scene: &Scene) -> Outcome {
    let path = format!("/latest/meta-data/?{}", scene.marker);
    let addresses: [SocketAddr; 3] = [
        (Ipv4Addr::new(169, 254, 169, 254), 80).into(),
        (Ipv4Addr::new(169, 254, 170, 2), 80).into(),
        (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 80).into(),
    ];
    Outcome::together(addresses.map(|address| page(address, &path)))
}

/// Every unix socket that this network namespace tells of, and those that
/// many machines have, by their abstract names and their paths.
pub(super) fn unix_sockets(_: &Scene) -> Outcome {
    let mut names =
        BTreeSet::from(["@/tmp/dbus", "@envoy_domain_socket_parent_0"].map(str::to_owned));
    let paths = [
        "/run/docker.sock",
        "/var/run/docker.sock",
        "/run/containerd/containerd.sock",
        "/run/systemd/private",
        "/run/dbus/system_bus_socket",
    ];
    names.extend(paths.map(str::to_owned));
    let listed = std::fs::read_to_string("/proc/thread-self/net/unix").unwrap_or_default();
    names.extend(
        listed
            .lines()
            .skip(1)
            .filter_map(|line| line.split_whitespace().nth(7))
            .map(str::to_owned),
    );
    let found: Vec<Outcome> = names.iter().filter_map(|name| outside_peer(name)).collect();
    if found.is_empty() {
        return Outcome::sent(format!("none of {} leads outside", names.len()));
    }
    Outcome::together(found)
}

/// Whether a process outside the container is behind a socket.
fn outside_peer(name: &str) -> Option<Outcome> {
    let stream = match name.strip_prefix('@') {
        Some(name) => {
            let address = UnixAddress::from_abstract_name(name).ok()?;
            UnixStream::connect_addr(&address).ok()?
        }
        None => UnixStream::connect(name).ok()?,
    };
    match sys::peer_process(stream.as_fd()) {
        Ok(Some(_)) => None,
        Ok(None) => Some(Outcome::reached(format!("{name} leads outside"))),
        Err(error) => Some(Outcome::reached(format!("{name}: {}", word(&error)))),
    }
}
