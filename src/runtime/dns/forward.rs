//! Asking the machine's own resolvers.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::Transport;
use super::settings::resolvers;

/// How long all of it may take: Envoy does not wait longer either, so an
/// answer that comes later is for nobody.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long one resolver is waited for before the next is asked too: less
/// than Envoy waits before it asks again.
const HEAD_START: Duration = Duration::from_millis(700);
/// How many resolvers are asked, as programs do.
const TRIES: usize = 3;
/// How many questions may be under way at once.
const AT_ONCE: usize = 512;
/// The longest answer that fits a packet.
const PACKET: usize = 4096;

/// The machine's resolvers, asked from the namespace this process is in.
#[derive(Clone, Debug)]
pub(crate) struct Forwarder {
    resolvers: Resolvers,
    places: Arc<Semaphore>,
}

#[derive(Clone, Debug)]
enum Resolvers {
    #[cfg(test)]
    Fixed(Vec<SocketAddr>),
    /// Those that this file names at the moment: networks come and go.
    Of(PathBuf),
}

// === impl Forwarder ===

impl Forwarder {
    /// Asks these, in this order.
    #[cfg(test)]
    pub(crate) fn new(resolvers: Vec<SocketAddr>) -> Self {
        Self::with(Resolvers::Fixed(resolvers))
    }

    /// Asks those that a `resolv.conf` names whenever there is a question.
    pub(crate) fn following(settings: PathBuf) -> Self {
        Self::with(Resolvers::Of(settings))
    }

    fn with(resolvers: Resolvers) -> Self {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        Self { resolvers, places }
    }

    /// Whether there is anybody to ask.
    pub(crate) fn knows_a_resolver(&self) -> bool {
        !self.resolvers().is_empty()
    }

    fn resolvers(&self) -> Vec<SocketAddr> {
        match &self.resolvers {
            #[cfg(test)]
            Resolvers::Fixed(resolvers) => resolvers.clone(),
            Resolvers::Of(file) => resolvers(&std::fs::read_to_string(file).unwrap_or_default()),
        }
    }

    /// The first useful answer, or else the last of the others.
    ///
    /// Whoever is asked has a head start before the next one is asked too, so
    /// that a dead resolver costs that and no more.
    pub(crate) async fn ask(&self, question: &[u8], transport: Transport) -> Option<Vec<u8>> {
        let deadline = Instant::now() + PATIENCE;
        let place = timeout_at(deadline, self.places.acquire()).await;
        let _place = place.ok()?.ok()?;
        let resolvers = self.resolvers();
        // A packet may be lost: the only resolver is asked again.
        let count = resolvers.len().clamp(2, TRIES);
        let mut next = resolvers.into_iter().cycle().take(count).peekable();
        let mut asking = JoinSet::new();
        let mut unhelpful = None;
        loop {
            if let Some(resolver) = next.next() {
                let question = question.to_vec();
                asking.spawn(timeout_at(deadline, ask_one(resolver, question, transport)));
            }
            tokio::select! {
                answered = asking.join_next() => match answered? {
                    Ok(Ok(Ok(answer))) if is_useful(&answer) => return Some(answer),
                    Ok(Ok(Ok(answer))) => unhelpful = Some(answer),
                    Ok(Ok(Err(_)) | Err(_)) | Err(_) => {}
                },
                () = sleep(HEAD_START), if next.peek().is_some() => {}
            }
            if asking.is_empty() && next.peek().is_none() {
                return unhelpful;
            }
        }
    }
}

/// Whether an answer says what is, and not that its sender cannot tell.
fn is_useful(answer: &[u8]) -> bool {
    const NO_ERROR: u8 = 0;
    const NO_SUCH_NAME: u8 = 3;
    answer
        .get(3)
        .is_some_and(|flags| matches!(flags & 0xf, NO_ERROR | NO_SUCH_NAME))
}

async fn ask_one(
    resolver: SocketAddr,
    question: Vec<u8>,
    transport: Transport,
) -> io::Result<Vec<u8>> {
    match transport {
        Transport::Udp => ask_udp(resolver, &question).await,
        Transport::Tcp => ask_tcp(resolver, &question).await,
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
    let mut buffer = vec![0; PACKET];
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
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// A resolver that answers everything with this code, or nothing.
    async fn resolver(code: Option<u8>) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 512];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
                if let Some(code) = code {
                    buffer[3] = code;
                    socket.send_to(&buffer[..length], peer).await.unwrap();
                }
            }
        });
        address
    }

    #[tokio::test]
    async fn without_a_resolver_there_is_no_answer() {
        let nobody = Forwarder::new(Vec::new());
        assert!(nobody.ask(&[0; 12], Transport::Udp).await.is_none());
    }

    #[tokio::test]
    async fn a_resolver_that_is_dead_or_cannot_tell_hands_over_to_the_next() {
        for first in [None, Some(2), Some(5)] {
            let resolvers = vec![resolver(first).await, resolver(Some(0)).await];
            let forwarder = Forwarder::new(resolvers);
            let answer = forwarder.ask(&[7; 12], Transport::Udp);
            assert_eq!(answer.await.unwrap()[3], 0, "{first:?}");
        }
    }

    #[tokio::test]
    async fn when_nobody_can_tell_that_is_the_answer() {
        let resolvers = vec![resolver(Some(2)).await];
        let forwarder = Forwarder::new(resolvers);
        let answer = forwarder.ask(&[7; 12], Transport::Udp);
        assert_eq!(answer.await.unwrap()[3], 2);
    }

    #[tokio::test]
    async fn other_resolvers_are_asked_once_the_settings_name_others() {
        let settings = tempfile::NamedTempFile::new().unwrap();
        let forwarder = Forwarder::following(settings.path().to_owned());
        assert!(!forwarder.knows_a_resolver());
        std::fs::write(settings.path(), "nameserver 192.0.2.53\n").unwrap();
        assert!(forwarder.knows_a_resolver());
    }
}
