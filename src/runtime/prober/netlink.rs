//! Orders to the kernel's network, as `ip` and `nft` give them.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, netlink,
};

use super::scene::GLANCE;

const REQUEST: u16 = 1;
const ACKNOWLEDGE: u16 = 4;
const REPLACE: u16 = 0x100;
const CREATE: u16 = 0x400;
const ERROR: u16 = 2;

/// A message: its type, its fixed part, its attributes.
#[derive(Clone, Debug)]
pub(super) struct Message {
    kind: u16,
    flags: u16,
    body: Vec<u8>,
}

// === impl Message ===

impl Message {
    pub(super) fn new(kind: u16, head: &[u8]) -> Self {
        Self {
            kind,
            flags: REQUEST | ACKNOWLEDGE | CREATE | REPLACE,
            body: head.to_vec(),
        }
    }

    /// One of a batch, which makes nothing.
    pub(super) fn of_batch(kind: u16, flags: u16, head: &[u8]) -> Self {
        Self {
            kind,
            flags: REQUEST | flags,
            body: head.to_vec(),
        }
    }

    pub(super) fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        self.body.extend(attribute(kind, value));
        self
    }

    fn bytes(&self, sequence: u32) -> Vec<u8> {
        let length = u32::try_from(16 + self.body.len()).expect("a message is short");
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(self.kind.to_ne_bytes());
        bytes.extend(self.flags.to_ne_bytes());
        bytes.extend(sequence.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(&self.body);
        bytes
    }
}

/// One attribute with its padding.
pub(super) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).expect("an attribute is short");
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Addresses, routes and interfaces.
pub(super) fn route(message: &Message) -> io::Result<()> {
    let socket = socket(None)?;
    order(&socket, std::slice::from_ref(message))
}

/// Rules.
pub(super) fn rules(messages: &[Message]) -> io::Result<()> {
    let socket = socket(Some(netlink::NETFILTER))?;
    order(&socket, messages)
}

fn socket(protocol: Option<Protocol>) -> io::Result<OwnedFd> {
    let (family, kind) = (AddressFamily::NETLINK, SocketType::RAW);
    let socket = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, protocol)?;
    let receive = rustix::net::sockopt::Timeout::Recv;
    rustix::net::sockopt::set_socket_timeout(&socket, receive, Some(GLANCE))?;
    Ok(socket)
}

fn order(socket: &OwnedFd, messages: &[Message]) -> io::Result<()> {
    let bytes: Vec<u8> = (1..).zip(messages).flat_map(|(n, m)| m.bytes(n)).collect();
    let kernel = SocketAddrNetlink::new(0, 0);
    rustix::net::sendto(socket, &bytes, SendFlags::empty(), &kernel)?;
    let mut answer = [0; 1024];
    let (count, _) = rustix::net::recv(socket, &mut answer, RecvFlags::empty())?;
    verdict(&answer[..count])
}

/// The kernel's answer: 0, or an error's number turned negative.
fn verdict(answer: &[u8]) -> io::Result<()> {
    let kind = answer.get(4..6).and_then(|bytes| bytes.try_into().ok());
    let code = answer.get(16..20).and_then(|bytes| bytes.try_into().ok());
    match (kind.map(u16::from_ne_bytes), code.map(i32::from_ne_bytes)) {
        (Some(ERROR), Some(0)) => Ok(()),
        (Some(ERROR), Some(code)) => Err(io::Error::from_raw_os_error(-code)),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
