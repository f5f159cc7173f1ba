//! Cutting single connections of a network namespace, by the kernel's socket
//! diagnostics (`SOCK_DESTROY`): both ends see a reset, and no other
//! connection sees anything.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use super::netns::{Netns, NetnsError};

/// `linux/sock_diag.h` and `linux/netlink.h`.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const SOCK_DESTROY: u16 = 21;
const NLMSG_ERROR: u16 = 2;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
/// `linux/inet_diag.h`: which of the sockets that ever had these addresses.
type Cookie = [u8; 8];
/// Any of them.
const NO_COOKIE: Cookie = [0xff; 8];
/// `net/tcp_states.h`.
const TCP_TIME_WAIT: u8 = 6;
const TCP_LISTEN: u8 = 10;
const IPPROTO_TCP: u8 = 6;
const EVERY_STATE: u32 = u32::MAX;

/// Cuts connections of the namespace that it was opened in.
#[derive(Debug)]
pub(super) struct Cutter(OwnedFd);

// === impl Cutter ===

impl Cutter {
    /// None where the kernel does not let us, or cannot.
    pub(super) async fn open(network: &Netns) -> Result<Option<Self>, NetnsError> {
        let opened = network.run(Self::open_here).await?;
        // Nobody listens there, so all that can be told is whether it could.
        let nobody = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
        let usable = |cutter: &Self| cutter.destroy(nobody, nobody, NO_COOKIE).is_ok();
        Ok(opened.ok().filter(usable))
    }

    fn open_here() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let protocol = Some(netlink::SOCK_DIAG);
        let socket =
            rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol)?;
        rustix::net::connect(&socket, &SocketAddrNetlink::new(0, 0))?;
        Ok(Self(socket))
    }

    /// Cuts the connection between a socket's own address and its peer's;
    /// false when there is none.
    pub(super) fn cut(&self, own: SocketAddrV4, peer: SocketAddrV4) -> io::Result<bool> {
        // Where there is no connection any more, the kernel finds the socket
        // that listens at its own address, and would close that.
        match self.find(own, peer)? {
            Some(cookie) => self.destroy(own, peer, cookie),
            None => Ok(false),
        }
    }

    /// The socket of a connection.
    fn find(&self, own: SocketAddrV4, peer: SocketAddrV4) -> io::Result<Option<Cookie>> {
        let answer = self.ask(&request(SOCK_DIAG_BY_FAMILY, own, peer, NO_COOKIE))?;
        match verdict(&answer) {
            None => Ok(connected(&answer, peer)),
            Some(error) if error == Errno::NOENT.raw_os_error() => Ok(None),
            Some(error) => Err(io::Error::from_raw_os_error(error)),
        }
    }

    fn destroy(&self, own: SocketAddrV4, peer: SocketAddrV4, socket: Cookie) -> io::Result<bool> {
        match verdict(&self.ask(&request(SOCK_DESTROY, own, peer, socket))?) {
            Some(0) => Ok(true),
            Some(error) if error == Errno::NOENT.raw_os_error() => Ok(false),
            Some(error) => Err(io::Error::from_raw_os_error(error)),
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn ask(&self, message: &[u8]) -> io::Result<Vec<u8>> {
        rustix::net::send(&self.0, message, SendFlags::empty())?;
        let mut answer = vec![0; 1024];
        // The kernel answers before the call that asks returns.
        let (length, _) = rustix::net::recv(&self.0, &mut answer, RecvFlags::empty())?;
        answer.truncate(length);
        Ok(answer)
    }
}

/// `nlmsghdr` and `inet_diag_req_v2`.
fn request(kind: u16, own: SocketAddrV4, peer: SocketAddrV4, socket: Cookie) -> Vec<u8> {
    let mut body = vec![family(), IPPROTO_TCP, 0, 0];
    body.extend(EVERY_STATE.to_ne_bytes());
    body.extend(own.port().to_be_bytes());
    body.extend(peer.port().to_be_bytes());
    for address in [own.ip(), peer.ip()] {
        body.extend(address.octets());
        body.extend([0; 12]);
    }
    body.extend([0; 4]);
    body.extend(socket);
    let length = u32::try_from(16 + body.len()).expect("a request is short");
    let mut message = length.to_ne_bytes().to_vec();
    // A question is answered anyway.
    let flags = if kind == SOCK_DESTROY {
        NLM_F_REQUEST | NLM_F_ACK
    } else {
        NLM_F_REQUEST
    };
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    message
}

fn family() -> u8 {
    u8::try_from(AddressFamily::INET.as_raw()).expect("the family is a small number")
}

/// The error number of an acknowledgement, positive; 0 for none.
fn verdict(answer: &[u8]) -> Option<i32> {
    let kind = answer.get(4..6)?.try_into().ok()?;
    if u16::from_ne_bytes(kind) != NLMSG_ERROR {
        return None;
    }
    let number = answer.get(16..20)?.try_into().ok()?;
    Some(-i32::from_ne_bytes(number))
}

/// The cookie in an `inet_diag_msg` behind its `nlmsghdr`, when it is of a
/// connection with this peer.
fn connected(answer: &[u8], peer: SocketAddrV4) -> Option<Cookie> {
    let state = *answer.get(17)?;
    let (port, address) = (answer.get(22..24)?, answer.get(40..44)?);
    let is_this = port == peer.port().to_be_bytes() && address == peer.ip().octets();
    let is_open = state != TCP_LISTEN && state != TCP_TIME_WAIT;
    let cookie = answer.get(60..68)?.try_into().ok()?;
    (is_this && is_open).then_some(cookie)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::io::{ErrorKind, Read, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};

    use super::*;

    fn v4(address: SocketAddr) -> SocketAddrV4 {
        match address {
            SocketAddr::V4(address) => address,
            SocketAddr::V6(_) => unreachable!(),
        }
    }

    #[tokio::test]
    #[ignore = "needs root"]
    async fn one_connection_is_cut_and_its_neighbour_is_not() {
        let cutter = Cutter::open(&Netns::own()).await.unwrap().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = v4(listener.local_addr().unwrap());
        let connect = || {
            let client = TcpStream::connect(own).unwrap();
            (client, listener.accept().unwrap().0)
        };
        let ((mut cut, _server), (mut kept, mut other)) = (connect(), connect());
        let peer = v4(cut.local_addr().unwrap());
        assert!(cutter.cut(own, peer).unwrap());
        let error = cut.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        // It is gone, and the listener that had its address must not go too.
        assert!(!cutter.cut(own, peer).unwrap());
        connect();
        other.write_all(b"x").unwrap();
        kept.read_exact(&mut [0]).unwrap();
    }
}
