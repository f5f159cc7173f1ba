//! UDP and what is like it.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use rustix::net::{AddressFamily, Protocol, SendFlags, SocketFlags, SocketType};

use super::bytes::quic_initial;
use super::scene::{GLANCE, Outcome, Scene, word};

pub(super) fn v4(scene: &Scene) -> Outcome {
    let tries = [9, 123, 8443].map(|port| send(scene.at(port), scene.marker.as_bytes()));
    Outcome::together(tries)
}

pub(super) fn v6(scene: &Scene) -> Outcome {
    send(scene.at_v6(9), scene.marker.as_bytes())
}

/// What browsers try before TCP.
pub(super) fn quic(scene: &Scene) -> Outcome {
    let initial = quic_initial(&scene.marker);
    Outcome::together([
        send(scene.at(443), &initial),
        send(scene.at_v6(443), &initial),
    ])
}

/// To everybody in reach.
pub(super) fn broadcast(scene: &Scene) -> Outcome {
    let bytes = scene.marker.as_bytes();
    Outcome::together([
        send((Ipv4Addr::new(239, 255, 255, 250), 1900).into(), bytes),
        send((Ipv4Addr::BROADCAST, 67).into(), bytes),
        send(
            (Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb), 5353).into(),
            bytes,
        ),
    ])
}

/// UDP with a partial check sum.
pub(super) fn lite(scene: &Scene) -> Outcome {
    let protocol = rustix::net::ipproto::UDPLITE;
    raw_send(SocketType::DGRAM, protocol, scene)
}

/// A socket of some protocol of IP, and one message through it.
pub(super) fn raw_send(kind: SocketType, protocol: Protocol, scene: &Scene) -> Outcome {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let sent = rustix::net::socket_with(AddressFamily::INET, kind, flags, Some(protocol)).and_then(
        |socket| {
            let bytes = scene.marker.as_bytes();
            rustix::net::sendto(&socket, bytes, SendFlags::NOSIGNAL, &scene.at(9))
        },
    );
    match sent {
        Ok(_) => Outcome::sent("sent"),
        Err(error) => Outcome::sent(word(&error.into())),
    }
}

/// Sends, and waits a moment for an answer.
pub(super) fn send(to: SocketAddr, bytes: &[u8]) -> Outcome {
    let mut answer = [0; 512];
    match ask(to, bytes, &mut answer) {
        Ok(Some(count)) => Outcome::sent(format!("{count} bytes answered")),
        Ok(None) => Outcome::sent("sent, no answer"),
        Err(error) => Outcome::sent(word(&error)),
    }
}

/// Sends; the length of the answer when there is one.
pub(super) fn ask(
    to: SocketAddr,
    bytes: &[u8],
    answer: &mut [u8],
) -> std::io::Result<Option<usize>> {
    let any: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.set_broadcast(true)?;
    socket.set_read_timeout(Some(GLANCE))?;
    socket.send_to(bytes, to)?;
    match socket.recv(answer) {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
