//! Serving a zone over UDP and TCP.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt;
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::answer::Question;
use super::zone::{Finding, Zone};
use crate::envoy::log::Protocol;
use crate::runtime::netns::{Netns, NetnsError};
use crate::runtime::{log, moment};

/// How long an answer waits for a name's first address. Resolvers ask again
/// after a second.
const WAIT_FOR_ADDRESS: Duration = Duration::from_millis(900);
/// How long a TCP client may say nothing.
const IDLE: Duration = Duration::from_secs(10);
/// How many questions by TCP are served at once.
const CONNECTIONS: usize = 64;
/// How many packets are answered at once; the kernel drops what does not fit
/// its own queue behind that.
const PACKETS: usize = 8192;
/// The kernel's queue, in bytes: room for the questions of a proxy that
/// starts with thousands of names.
const QUEUE: usize = 16 * 1024 * 1024;

/// How a question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// In one packet.
    Udp,
    /// Over a connection.
    Tcp,
}

/// How many ports are tried before none is free for both.
const TRIES: usize = 20;

/// Where a server listens and what it says.
#[derive(Debug)]
pub(crate) struct ServerOptions<'a> {
    pub(crate) netns: &'a Netns,
    pub(crate) address: SocketAddr,
    pub(crate) zone: watch::Receiver<Zone>,
    /// The file for refused names.
    pub(crate) refused: Option<PathBuf>,
}

/// A running server; it ends when this goes.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    tasks: Vec<AbortHandle>,
}

/// One line of the log of refused names, in the form of the sidecar's own log
/// of refusals.
#[derive(Debug, Serialize)]
struct Refused<'a> {
    time: String,
    protocol: Protocol,
    host: &'a str,
    record: String,
}

#[derive(Debug)]
struct Shared {
    zone: watch::Receiver<Zone>,
    log: Option<log::Lines>,
}

// === impl Server ===

impl Server {
    pub(crate) async fn start(options: ServerOptions<'_>) -> Result<Self, NetnsError> {
        let (socket, listener) = bind(options.netns, options.address).await?;
        lengthen_queue(&socket);
        let bound = socket.local_addr().unwrap_or(options.address);
        let log = options.refused.map(log::Lines::open);
        let shared = Arc::new(Shared {
            zone: options.zone,
            log,
        });
        let packets = tokio::spawn(serve_packets(socket, Arc::clone(&shared)));
        let streams = tokio::spawn(serve_streams(listener, shared));
        Ok(Self {
            address: bound,
            tasks: vec![packets.abort_handle(), streams.abort_handle()],
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// The same port of both. Where any will do, one that is free for UDP may be
/// somebody's for TCP: then others are tried.
async fn bind(netns: &Netns, address: SocketAddr) -> Result<(UdpSocket, TcpListener), NetnsError> {
    // Those that were no use are held, so that each time it is another one.
    let mut held = Vec::new();
    loop {
        let socket = netns.udp(address).await?;
        let bound = socket.local_addr().unwrap_or(address);
        match netns.listen(bound).await {
            Ok(listener) => return Ok((socket, listener)),
            Err(error) => {
                held.push(socket);
                if address.port() != 0 || held.len() == TRIES {
                    return Err(error);
                }
            }
        }
    }
}

/// As long as the kernel lets us.
fn lengthen_queue(socket: &UdpSocket) {
    if sockopt::set_socket_recv_buffer_size_force(socket, QUEUE).is_err() {
        let _stays_as_it_is = sockopt::set_socket_recv_buffer_size(socket, QUEUE);
    }
}

async fn serve_packets(socket: UdpSocket, shared: Arc<Shared>) {
    let socket = Arc::new(socket);
    let (answers, mut ready) = mpsc::channel::<(Vec<u8>, SocketAddr)>(256);
    let mut buffer = vec![0; 4096];
    let mut asking = JoinSet::new();
    loop {
        tokio::select! {
            Some((answer, peer)) = ready.recv() => {
                let _peer_gone = socket.send_to(&answer, peer).await;
            }
            received = socket.recv_from(&mut buffer), if asking.len() < PACKETS => {
                let Ok((length, peer)) = received else { continue };
                let (question, shared) = (buffer[..length].to_vec(), Arc::clone(&shared));
                let answers = answers.clone();
                asking.spawn(async move {
                    if let Some(answer) = shared.answer(&question, Transport::Udp).await {
                        let _server_gone = answers.send((answer, peer)).await;
                    }
                });
            }
            Some(_) = asking.join_next(), if !asking.is_empty() => {}
        }
    }
}

async fn serve_streams(listener: TcpListener, shared: Arc<Shared>) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if open.len() < CONNECTIONS => {
                let Ok((stream, _)) = accepted else {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                let shared = Arc::clone(&shared);
                open.spawn(async move { serve_stream(stream, &shared).await });
            }
            Some(_) = open.join_next(), if !open.is_empty() => {}
        }
    }
}

async fn serve_stream(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    loop {
        let length = tokio::time::timeout(IDLE, stream.read_u16()).await??;
        let mut question = vec![0; length.into()];
        tokio::time::timeout(IDLE, stream.read_exact(&mut question)).await??;
        let Some(answer) = shared.answer(&question, Transport::Tcp).await else {
            return Ok(());
        };
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
        stream
            .write_all(&[&length.to_be_bytes(), answer.as_slice()].concat())
            .await?;
    }
}

// === impl Shared ===

impl Shared {
    async fn answer(&self, bytes: &[u8], transport: Transport) -> Option<Vec<u8>> {
        let question = match Question::read(bytes, transport) {
            Ok(question) => question,
            Err(refusal) => return refusal,
        };
        match self.find(&question.name).await {
            Finding::Known(addresses, seconds) => question.addresses(&addresses, seconds),
            Finding::Awaited => question.addresses(&[], 0),
            Finding::Elsewhere(forwarder) => {
                let answer = forwarder.ask(bytes, transport).await;
                answer.or_else(|| question.failure())
            }
            Finding::Refused => {
                self.note_refused(&question);
                question.no_such_name()
            }
            Finding::Above => {
                self.note_refused(&question);
                question.addresses(&[], 0)
            }
        }
    }

    /// Looks a name up, and waits a little while it is about to appear.
    async fn find(&self, name: &str) -> Finding {
        let mut zone = self.zone.clone();
        let known = async {
            loop {
                let found = zone.borrow_and_update().find(name);
                if !matches!(found, Finding::Awaited) || zone.changed().await.is_err() {
                    return found;
                }
            }
        };
        tokio::time::timeout(WAIT_FOR_ADDRESS, known)
            .await
            .unwrap_or(Finding::Awaited)
    }

    fn note_refused(&self, question: &Question) {
        if let Some(log) = &self.log {
            let kind = question.kind().to_string();
            log.write(&Refused {
                time: moment::now(),
                protocol: Protocol::Dns,
                host: &question.name,
                record: kind,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::net::{IpAddr, Ipv4Addr};

    use hickory_proto::op::{Message, ResponseCode};
    use hickory_proto::rr::RecordType;

    use super::super::answer::tests::question;
    use super::super::zone::Names;
    use super::*;

    async fn ask(server: &Server, name: &str) -> Message {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket
            .send_to(&question(name, RecordType::A), server.address)
            .await
            .unwrap();
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer).await.unwrap();
        Message::from_vec(&buffer[..length]).unwrap()
    }

    async fn serve(zone: watch::Receiver<Zone>, refused: Option<PathBuf>) -> Server {
        let options = ServerOptions {
            netns: &Netns::own(),
            address: "127.0.0.1:0".parse().unwrap(),
            zone,
            refused,
        };
        Server::start(options).await.unwrap()
    }

    /// The only port that is free for both is found among those that are not.
    #[tokio::test]
    #[ignore = "needs root"]
    async fn a_port_that_is_taken_for_tcp_is_gone_around() {
        let folder = tempfile::tempdir().unwrap();
        let netns = Netns::create(folder.path(), "ports").await.unwrap();
        let range = "/proc/sys/net/ipv4/ip_local_port_range";
        let narrow = move || std::fs::write(range, "40000 40007");
        netns.run(narrow).await.unwrap().unwrap();
        let mut taken = Vec::new();
        for port in (40_000..=40_007).filter(|port| *port != 40_003) {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            taken.push(netns.listen(address).await.unwrap());
        }
        let (_sender, zone) = watch::channel(Zone::empty());
        let start = |port| {
            Server::start(ServerOptions {
                netns: &netns,
                address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
                zone: zone.clone(),
                refused: None,
            })
        };
        assert!(start(40_000).await.is_err(), "one that is asked for stays");
        assert_eq!(start(0).await.unwrap().address.port(), 40_003);
    }

    #[tokio::test]
    async fn refused_names_are_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dns.log");
        let (_sender, zone) = watch::channel(Zone::empty());
        let server = serve(zone, Some(file.clone())).await;
        let answer = ask(&server, "www.example.com").await;
        assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain);
        let text = std::fs::read_to_string(file).unwrap();
        assert!(
            text.contains(r#""protocol":"dns","host":"www.example.com","record":"A""#),
            "{text}"
        );
    }

    async fn ask_by_tcp(server: &Server, bytes: &[u8]) -> io::Result<Message> {
        let mut stream = TcpStream::connect(server.address).await?;
        let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        stream.write_all(&[&length, bytes].concat()).await?;
        let mut answer = vec![0; stream.read_u16().await?.into()];
        stream.read_exact(&mut answer).await?;
        Message::from_vec(&answer).map_err(io::Error::other)
    }

    #[tokio::test]
    async fn nonsense_leaves_the_server_answering() {
        let (_sender, zone) = watch::channel(Zone {
            fixed: Arc::new([("a.test".to_owned(), vec![Ipv4Addr::LOCALHOST.into()])].into()),
            ..Zone::empty()
        });
        let server = serve(zone, None).await;
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        for length in [0, 1, 11, 12, 13, 512, 4095, 4096, 9000, 65_000] {
            let nonsense = vec![0xc0; length];
            socket.send_to(&nonsense, server.address).await.unwrap();
            if u16::try_from(length).is_ok() {
                // Whether it is refused or cut off does not matter.
                let _ = ask_by_tcp(&server, &nonsense).await;
            }
        }
        // One that promises more than it sends.
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&[0xff, 0xff, 1, 2, 3]).await.unwrap();
        let question = question("A.test", RecordType::A);
        assert_eq!(ask(&server, "a.test").await.answers.len(), 1);
        assert_eq!(
            ask_by_tcp(&server, &question).await.unwrap().answers.len(),
            1
        );
    }

    #[tokio::test]
    async fn a_name_that_is_coming_is_waited_for() {
        let names = |addresses: Vec<IpAddr>| -> Arc<Names> {
            Arc::new([("teller.test".to_owned(), addresses)].into())
        };
        let zone = Zone {
            names: names(Vec::new()),
            ..Zone::empty()
        };
        let (sender, zone) = watch::channel(zone);
        let server = serve(zone, None).await;
        let (answer, ()) = tokio::join!(ask(&server, "teller.test"), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            sender.send_modify(|zone| zone.names = names(vec![Ipv4Addr::LOCALHOST.into()]));
        });
        assert_eq!(answer.answers.len(), 1);
    }
}
