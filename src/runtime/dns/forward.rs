//! Asking the machine's own resolvers.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::Semaphore;

use super::Transport;

/// How long one resolver may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many questions may be under way at once.
const AT_ONCE: usize = 256;

/// The machine's resolvers, asked from the namespace this process is in.
#[derive(Debug)]
pub(crate) struct Forwarder {
    resolvers: Vec<SocketAddr>,
    places: Semaphore,
}

// === impl Forwarder ===

impl Forwarder {
    /// Asks these, in this order.
    pub(crate) fn new(resolvers: Vec<SocketAddr>) -> Self {
        Self {
            resolvers,
            places: Semaphore::new(AT_ONCE),
        }
    }

    /// The resolvers that the text of a `resolv.conf` names.
    pub(crate) fn from_settings(text: &str) -> Self {
        let named = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("nameserver"));
        let addresses = named.filter_map(|rest| rest.trim().parse::<IpAddr>().ok());
        Self::new(
            addresses
                .map(|address| SocketAddr::new(address, 53))
                .collect(),
        )
    }

    /// Whether there is anybody to ask.
    pub(crate) fn knows_a_resolver(&self) -> bool {
        !self.resolvers.is_empty()
    }

    /// The first answer that comes, from the first two resolvers.
    pub(crate) async fn ask(&self, question: &[u8], transport: Transport) -> Option<Vec<u8>> {
        let _place = self.places.acquire().await.ok()?;
        for resolver in self.two_tries() {
            let asking = async {
                match transport {
                    Transport::Udp => ask_udp(resolver, question).await,
                    Transport::Tcp => ask_tcp(resolver, question).await,
                }
            };
            if let Ok(Ok(answer)) = tokio::time::timeout(PATIENCE, asking).await {
                return Some(answer);
            }
        }
        None
    }

    /// The first two, or the only one twice.
    fn two_tries(&self) -> impl Iterator<Item = SocketAddr> {
        self.resolvers.iter().copied().cycle().take(2)
    }
}

async fn ask_udp(resolver: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let any: IpAddr = match resolver {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(resolver).await?;
    socket.send(question).await?;
    let mut buffer = vec![0; 65_535];
    loop {
        let length = socket.recv(&mut buffer).await?;
        // Whoever answers another question is not the resolver.
        if length >= 2 && buffer[..2] == question[..2] {
            buffer.truncate(length);
            return Ok(buffer);
        }
    }
}

async fn ask_tcp(resolver: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(resolver).await?;
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    stream
        .write_all(&[&length.to_be_bytes(), question].concat())
        .await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; length.into()];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_are_read_from_the_machine_settings() {
        let text = "# note\nsearch a.test\nnameserver 192.0.2.53\nnameserver  2001:db8::53\nnameserver x\n";
        let forwarder = Forwarder::from_settings(text);
        assert_eq!(forwarder.resolvers.len(), 2);
        assert_eq!(
            forwarder.resolvers[0],
            "192.0.2.53:53".parse().expect("an address")
        );
    }

    #[tokio::test]
    async fn without_a_resolver_there_is_no_answer() {
        assert!(
            Forwarder::new(Vec::new())
                .ask(&[0, 1], Transport::Udp)
                .await
                .is_none()
        );
    }
}
