//! TCP, in every way that a socket can be asked for it.

use std::net::{SocketAddr, SocketAddrV6, TcpStream};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, Protocol, SendFlags, SocketFlags, SocketType, sockopt};

use super::bytes::client_hello;
use super::scene::{Outcome, PATIENCE, Scene, converse, exchange, word};

/// A name that is not modelled.
pub(super) fn foreign_name(scene: &Scene) -> Outcome {
    let hello = client_hello(Some(&scene.foreign_name()), &scene.marker);
    converse(scene.at(443), &hello).0
}

/// TLS that does not say whom it wants.
pub(super) fn no_name(scene: &Scene) -> Outcome {
    converse(scene.at(443), &client_hello(None, &scene.marker)).0
}

/// What is not TLS, on the port of TLS; and SSH's.
pub(super) fn plain_text(scene: &Scene) -> Outcome {
    let line = format!("SSH-2.0-{}\r\n", scene.marker);
    let tries = [443, 22].map(|port| converse(scene.at(port), line.as_bytes()).0);
    Outcome::together(tries)
}

/// A request without TLS, to a host that is not modelled.
pub(super) fn http(scene: &Scene) -> Outcome {
    let (name, marker) = (scene.foreign_name(), &scene.marker);
    let request = format!("GET /{marker} HTTP/1.1\r\nhost: {name}\r\n\r\n");
    converse(scene.at(80), request.as_bytes()).0
}

/// A modelled name and port: gets through, to the host that is modelled.
pub(super) fn modelled(scene: &Scene) -> Outcome {
    let Some(service) = scene.service() else {
        return Outcome::sent("no TLS service is modelled");
    };
    let hello = client_hello(Some(&service.name), &scene.marker);
    converse(service.address, &hello).0
}

/// What is said of connections that nothing leads to the proxy.
pub(in crate::runtime) const NOT_LED: &str = "nothing leads it to the proxy";

/// A modelled name at another address: gets to the modelled host or nowhere.
pub(super) fn modelled_elsewhere(scene: &Scene) -> Outcome {
    let Some(service) = scene.service() else {
        return Outcome::sent("no TLS service is modelled");
    };
    if service.address.ip().is_loopback() {
        return Outcome::sent(NOT_LED);
    }
    let hello = client_hello(Some(&service.name), &scene.marker);
    converse(scene.at(service.address.port()), &hello).0
}

/// A foreign name at a modelled address.
pub(super) fn foreign_at_modelled(scene: &Scene) -> Outcome {
    let Some(service) = scene.service() else {
        return Outcome::sent("no TLS service is modelled");
    };
    let hello = client_hello(Some(&scene.foreign_name()), &scene.marker);
    converse(service.address, &hello).0
}

/// A modelled name on a port that is not modelled.
pub(super) fn other_port(scene: &Scene) -> Outcome {
    let name = scene.service().map(|service| service.name.as_str());
    let hello = client_hello(name, &scene.marker);
    let tries = [8443, 853, 25].map(|port| converse(scene.at(port), &hello).0);
    Outcome::together(tries)
}

/// IPv4 through a socket of IPv6.
pub(super) fn mapped(scene: &Scene) -> Outcome {
    let to = SocketAddrV6::new(scene.foreign.to_ipv6_mapped(), 443, 0, 0);
    let hello = client_hello(Some(&scene.foreign_name()), &scene.marker);
    converse(to.into(), &hello).0
}

/// IPv6, to a foreign name and to a modelled one.
pub(super) fn v6(scene: &Scene) -> Outcome {
    let hello = client_hello(Some(&scene.foreign_name()), &scene.marker);
    converse(scene.at_v6(443), &hello).0
}

/// TCP over several paths.
pub(super) fn multipath(scene: &Scene) -> Outcome {
    let socket = match socket(Some(rustix::net::ipproto::MPTCP)) {
        Ok(socket) => socket,
        Err(error) => return Outcome::sent(word(&error.into())),
    };
    if let Err(error) = rustix::net::connect(&socket, &scene.at(443)) {
        return Outcome::sent(word(&error.into()));
    }
    let hello = client_hello(Some(&scene.foreign_name()), &scene.marker);
    exchange(TcpStream::from(socket), &hello).0
}

/// Data in the very first packet.
pub(super) fn fast_open(scene: &Scene) -> Outcome {
    const FAST_OPEN: SendFlags = SendFlags::from_bits_retain(libc::MSG_FASTOPEN as u32);
    let hello = client_hello(Some(&scene.foreign_name()), &scene.marker);
    let to: SocketAddr = scene.at(443);
    let sent = socket(None)
        .and_then(|socket| rustix::net::sendto(&socket, &hello, FAST_OPEN, &to).map(|_| socket));
    match sent {
        Ok(socket) => exchange(TcpStream::from(socket), &[]).0,
        Err(error) => Outcome::sent(word(&error.into())),
    }
}

/// As the user that rules for proxies leave alone.
pub(super) fn as_proxy(scene: &Scene) -> Outcome {
    // Only this thread changes.
    let users = [1337, 101].map(|user| {
        let user = rustix::process::Uid::from_raw(user);
        match rustix::thread::set_thread_uid(user) {
            Ok(()) => foreign_name(scene),
            Err(error) => Outcome::sent(format!("setuid {}", word(&error.into()))),
        }
    });
    Outcome::together(users)
}

/// A socket of TCP that does not wait for ever.
fn socket(protocol: Option<Protocol>) -> rustix::io::Result<OwnedFd> {
    let (family, kind) = (AddressFamily::INET, SocketType::STREAM);
    let socket = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, protocol)?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(PATIENCE))?;
    Ok(socket)
}
