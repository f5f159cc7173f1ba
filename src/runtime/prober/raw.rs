//! Packets made by hand.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;

use rustix::net::{AddressFamily, Protocol, SendFlags, SocketFlags, SocketType, ipproto};

use super::bytes::{echo, frame, ipv4, syn, udp};
use super::datagram::raw_send;
use super::scene::{Outcome, PATIENCE, Scene, word};
use crate::runtime::sys;

/// A protocol number that is for experiments.
const EXPERIMENT: Protocol = Protocol::from_raw(std::num::NonZeroU32::new(253).expect("not 0"));
/// The kind of Ethernet frame that carries IPv4.
const IPV4: u16 = 0x0800;

/// An echo request, by a raw socket and by the socket that `ping` uses.
pub(super) fn icmp(scene: &Scene) -> Outcome {
    let message = echo(8, &scene.marker);
    let tries = [SocketType::RAW, SocketType::DGRAM].map(|kind| {
        let sent = socket(AddressFamily::INET, kind, ipproto::ICMP).and_then(|socket| {
            rustix::net::sendto(&socket, &message, SendFlags::NOSIGNAL, &scene.at(0))
        });
        sending(sent)
    });
    Outcome::together(tries)
}

pub(super) fn icmp_v6(scene: &Scene) -> Outcome {
    let message = echo(128, &scene.marker);
    let tries = [SocketType::RAW, SocketType::DGRAM].map(|kind| {
        let sent = socket(AddressFamily::INET6, kind, ipproto::ICMPV6).and_then(|socket| {
            rustix::net::sendto(&socket, &message, SendFlags::NOSIGNAL, &scene.at_v6(0))
        });
        sending(sent)
    });
    Outcome::together(tries)
}

/// A protocol that nobody looks at, and a packet with a header of our own.
pub(super) fn other_protocol(scene: &Scene) -> Outcome {
    let packet = ipv4(
        17,
        Ipv4Addr::LOCALHOST,
        scene.foreign,
        &udp(scene.marker.as_bytes()),
    );
    let own_header =
        socket(AddressFamily::INET, SocketType::RAW, ipproto::RAW).and_then(|socket| {
            rustix::net::sendto(&socket, &packet, SendFlags::NOSIGNAL, &scene.at(0))
        });
    Outcome::together([
        raw_send(SocketType::RAW, EXPERIMENT, scene),
        sending(own_header),
    ])
}

/// SCTP and DCCP, where this kernel knows them.
pub(super) fn other_streams(scene: &Scene) -> Outcome {
    const DATAGRAMS_IN_A_STREAM: u32 = 6;
    let kinds = [
        (SocketType::STREAM, ipproto::SCTP),
        (SocketType::from_raw(DATAGRAMS_IN_A_STREAM), ipproto::DCCP),
    ];
    let tries = kinds.map(|(kind, protocol)| {
        let connected = socket(AddressFamily::INET, kind, protocol).and_then(|socket| {
            let send = rustix::net::sockopt::Timeout::Send;
            rustix::net::sockopt::set_socket_timeout(&socket, send, Some(PATIENCE / 3))?;
            rustix::net::connect(&socket, &scene.at(9))
        });
        match connected {
            Ok(()) => Outcome::sent("connected"),
            Err(error) => Outcome::sent(word(&error.into())),
        }
    });
    Outcome::together(tries)
}

/// A datagram put on the wire by hand.
pub(super) fn frame_udp(scene: &Scene) -> Outcome {
    frames(scene, 17, &udp(scene.marker.as_bytes()))
}

/// A connection's first packet put on the wire by hand.
pub(super) fn frame_tcp(scene: &Scene) -> Outcome {
    let segment = syn(Ipv4Addr::LOCALHOST, scene.foreign, scene.marker.as_bytes());
    frames(scene, 6, &segment)
}

/// One frame through every interface there is.
fn frames(scene: &Scene, protocol: u8, payload: &[u8]) -> Outcome {
    let (packet, old_packet) = (AddressFamily::from_raw(17), SocketType::from_raw(10));
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(packet, SocketType::RAW, flags, None)
        .or_else(|_| rustix::net::socket_with(AddressFamily::INET, old_packet, flags, None));
    let socket = match socket {
        Ok(socket) => socket,
        Err(error) => return Outcome::sent(word(&error.into())),
    };
    let frame = frame(&ipv4(protocol, Ipv4Addr::LOCALHOST, scene.foreign, payload));
    let tries = interfaces().into_iter().map(|(name, index)| {
        match sys::send_frame(socket.as_fd(), index, IPV4, &frame) {
            Ok(()) => Outcome::sent(format!("sent through {name}")),
            Err(error) => Outcome::sent(word(&error)),
        }
    });
    Outcome::together(tries)
}

/// The interfaces here, with their numbers.
pub(super) fn interfaces() -> Vec<(String, i32)> {
    let list = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
    let names = list.lines().filter_map(|line| line.split_once(':'));
    let names = names.map(|(name, _)| name.trim().to_owned());
    let any = socket(AddressFamily::INET, SocketType::DGRAM, ipproto::UDP);
    let Ok(any) = any else { return Vec::new() };
    names
        .filter_map(|name| {
            let index = rustix::net::netdevice::name_to_index(&any, &name).ok()?;
            Some((name, i32::try_from(index).ok()?))
        })
        .collect()
}

/// The line from a virtual machine to its host, which no namespace holds, and
/// other families that know none.
pub(super) fn other_families(_: &Scene) -> Outcome {
    let host = match sys::connect_to_host(1024) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Outcome::reached("a socket to the host of this machine")
        }
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {
            Outcome::reached("a socket to the host of this machine")
        }
        connected => Outcome::of_call("vsock", connected),
    };
    // Bluetooth, NFC, the crypto interface, TIPC, XDP.
    let others = [31, 39, 38, 30, 44].map(|family| {
        let family = AddressFamily::from_raw(family);
        let kinds = [SocketType::RAW, SocketType::SEQPACKET];
        let made = kinds.iter().find_map(|kind| {
            rustix::net::socket_with(family, *kind, SocketFlags::CLOEXEC, None).ok()
        });
        match made {
            Some(_) => Outcome::reached(format!("a socket of family {}", family.as_raw())),
            None => Outcome::sent("no such family"),
        }
    });
    Outcome::together(others.into_iter().chain([host]))
}

fn socket(
    family: AddressFamily,
    kind: SocketType,
    protocol: Protocol,
) -> rustix::io::Result<std::os::fd::OwnedFd> {
    rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, Some(protocol))
}

fn sending(sent: rustix::io::Result<usize>) -> Outcome {
    match sent {
        Ok(_) => Outcome::sent("sent"),
        Err(error) => Outcome::sent(word(&error.into())),
    }
}
