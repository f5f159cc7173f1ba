//! Datagrams, and names: questions to others and to the app's own resolver.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::{UdpSocket, lookup_host};
use tokio::time::timeout;

use super::seen::Seen;
use super::tcp::converse;
use super::{PATIENCE, UNMODELLED};

/// What C libraries (glibc, musl) say when no resolver answers.
const SILENT: [&str; 2] = ["Temporary failure", "Try again"];

/// A message to nobody; whatever comes back has been outside.
pub(super) async fn datagram(to: SocketAddr) -> Seen {
    match ask(to, b"egress").await {
        Ok(answer) => Seen::out(format!("{} bytes answered", answer.len())),
        Err(error) => Seen::failed(&error),
    }
}

pub(super) async fn by_udp(resolver: SocketAddr) -> Seen {
    match ask(resolver, &question(UNMODELLED)).await {
        Ok(answer) => said(&answer),
        Err(error) => Seen::failed(&error),
    }
}

pub(super) async fn by_tcp(resolver: SocketAddr) -> Seen {
    let message = question(UNMODELLED);
    let mut bytes = vec![0, u8::try_from(message.len()).unwrap_or(u8::MAX)];
    bytes.extend(message);
    match converse(resolver, &bytes).await {
        Ok(answer) if answer.is_empty() => Seen::refused("closed"),
        Ok(answer) => said(answer.get(2..).unwrap_or_default()),
        Err(seen) => seen,
    }
}

/// Through the app's own resolver, as every program asks it.
pub(super) async fn look_up(name: String) -> Seen {
    match resolve(&name).await {
        Ok(address) => Seen::out(format!("{name} is {}", address.ip())),
        Err(seen) => seen,
    }
}

/// The first address of `name`, or what came of asking for it.
pub(super) async fn resolve(name: &str) -> Result<SocketAddr, Seen> {
    match timeout(PATIENCE, lookup_host((name, 443))).await {
        Ok(Ok(mut found)) => found
            .next()
            .ok_or_else(|| Seen::refused("does not resolve")),
        Ok(Err(error)) => Err(unresolved(&error.to_string())),
        Err(_) => Err(unresolved(SILENT[0])),
    }
}

/// The C library has only words for it.
fn unresolved(error: &str) -> Seen {
    if SILENT.iter().any(|words| error.contains(words)) {
        Seen::unclear("the resolver does not answer")
    } else {
        Seen::refused("does not resolve")
    }
}

/// A label could carry anything to whoever owns the domain.
pub(super) async fn look_up_below(host: Option<String>) -> Seen {
    match host {
        Some(host) if host.parse::<IpAddr>().is_err() => {
            let label = RandomState::new().hash_one(&host);
            look_up(format!("egress-{label:016x}.{host}")).await
        }
        Some(_) | None => Seen::unclear("no name is modelled for the app"),
    }
}

async fn ask(to: SocketAddr, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    // Connected, it is told when the network refuses.
    socket.connect(to).await?;
    socket.send(bytes).await?;
    let mut answer = vec![0; 512];
    let count = timeout(PATIENCE, socket.recv(&mut answer)).await??;
    answer.truncate(count);
    Ok(answer)
}

/// A question for an IPv4 address.
fn question(name: &str) -> Vec<u8> {
    let mut message = vec![0x43, 0x4d, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap_or(63));
        message.extend(label.bytes().take(63));
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

/// With records in it, somebody knew the name. Our own resolver takes up
/// questions to others, and refuses.
fn said(message: &[u8]) -> Seen {
    let (Some(flags), Some(count)) = (message.get(3), message.get(7)) else {
        return Seen::out("bytes that are no answer");
    };
    match (flags & 15, count) {
        (0, 0) => Seen::refused("no such record"),
        (0, count) => Seen::out(format!("{count} records answered")),
        (3, _) => Seen::refused("NXDOMAIN"),
        (5, _) => Seen::refused("REFUSED"),
        (code, _) => Seen::refused(format!("DNS error {code}")),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// A resolver that answers every question with `flags` and `records`.
    async fn resolver(flags: u8, records: u8) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut bytes = [0; 512];
            let (count, from) = socket.recv_from(&mut bytes).await.unwrap();
            bytes[3] = flags;
            bytes[7] = records;
            socket.send_to(&bytes[..count], from).await.unwrap();
        });
        address
    }

    #[tokio::test]
    async fn only_records_are_a_way_out() {
        assert_eq!(by_udp(resolver(0, 1).await).await.out, Some(true));
        for (flags, records) in [(3, 0), (5, 0), (0, 0)] {
            assert_eq!(
                by_udp(resolver(flags, records).await).await.out,
                Some(false)
            );
        }
        assert_eq!(datagram(resolver(0, 0).await).await.out, Some(true));
    }

    #[tokio::test]
    async fn silence_is_no_refusal() {
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        assert_eq!(datagram(silent.local_addr().unwrap()).await.out, None);
    }

    #[test]
    fn a_resolver_that_does_not_answer_refuses_nothing() {
        let said = "failed to lookup address information: Temporary failure in name resolution";
        assert_eq!(unresolved(said).out, None);
        let said = "failed to lookup address information: Name or service not known";
        assert_eq!(unresolved(said).out, Some(false));
    }

    #[tokio::test]
    async fn a_name_that_resolves_is_out() {
        assert_eq!(look_up("localhost".to_owned()).await.out, Some(true));
    }
}
