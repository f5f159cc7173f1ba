//! The outside world: hosts with TLS, HTTP and a protocol in which the server
//! speaks first, and the DNS that knows them. And the application.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;

use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::{TELLER, netns::Netns};

const HOSTS: &[(&str, u8)] = &[
    ("github.com", 10),
    ("go.dev", 20),
    ("example.com", 30),
    ("a.example", 40),
    ("b.example", 41),
    ("mysql.example", 50),
    ("mysql2.example", 51),
    ("code.example", 60),
    ("wild.example", 70),
    ("a.wild.example", 71),
    ("b.a.wild.example", 72),
];

/// The stand-ins' certificates.
pub(crate) struct Outside {
    pub(crate) roots: Arc<RootCertStore>,
}

pub(crate) fn address(host: &str) -> Ipv4Addr {
    let (_, last) = HOSTS.iter().find(|(name, _)| *name == host).unwrap();
    Ipv4Addr::new(198, 51, 100, *last)
}

impl Outside {
    pub(crate) fn start(world: &Netns) -> Self {
        let mut roots = RootCertStore::empty();
        for (host, _) in HOSTS {
            let address = address(host);
            world.shell(&format!("ip addr add {address}/32 dev lo"));
            if host.starts_with("mysql") {
                serve(world, address, 3306, move |stream| greet(stream, host));
                continue;
            }
            let made = rcgen::generate_simple_self_signed([(*host).to_owned()]).unwrap();
            roots.add(made.cert.der().clone()).unwrap();
            let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
            let config = ServerConfig::builder_with_provider(provider())
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], key)
                .unwrap();
            let config = Arc::new(config);
            if *host == "code.example" {
                serve(world, address, 22, move |stream| greet(stream, host));
                let config = config.clone();
                serve(world, address, 587, move |stream| {
                    upgraded(stream, host, config.clone());
                });
            }
            serve(world, address, 443, move |stream| {
                let connection = ServerConnection::new(config.clone()).unwrap();
                pages(StreamOwned::new(connection, stream), host);
            });
            serve(world, address, 80, move |stream| pages(stream, host));
        }
        let socket = world.run(|| UdpSocket::bind("127.0.0.1:5353").unwrap());
        thread::spawn(move || names(&socket));
        Self {
            roots: Arc::new(roots),
        }
    }
}

/// The application beside the sidecar.
pub(crate) fn application(app: &Netns) {
    serve(app, Ipv4Addr::LOCALHOST, 80, |stream| {
        pages(stream, "teller.internal");
    });
}

pub(crate) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

pub(crate) fn serve(
    netns: &Netns,
    address: impl Into<IpAddr>,
    port: u16,
    answer: impl Fn(TcpStream) + Send + Sync + 'static,
) {
    let address = (address.into(), port);
    let listener = netns.run(|| TcpListener::bind(address).unwrap());
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || answer(stream));
        }
    });
}

/// The server speaks first.
fn greet(mut stream: TcpStream, host: &str) {
    let _ = writeln!(stream, "hello from {host}");
    let _ = stream.read(&mut [0]);
}

/// The server speaks first, and TLS begins when the client asks for it.
fn upgraded(mut stream: TcpStream, host: &str, config: Arc<ServerConfig>) {
    let _ = writeln!(stream, "220 {host}");
    let mut asked = [0; "STARTTLS\n".len()];
    if stream.read_exact(&mut asked).is_ok() && asked == *b"STARTTLS\n" {
        let _ = writeln!(stream, "220 go ahead");
        let connection = ServerConnection::new(config).unwrap();
        pages(StreamOwned::new(connection, stream), host);
    }
}

/// Answers requests until the client leaves.
pub(crate) fn pages(stream: impl Read + Write, host: &str) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut lines, mut upgrade) = (0, false);
        loop {
            let mut line = String::new();
            match stream.read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if line == "\r\n" => break,
                Ok(_) => {
                    lines += 1;
                    upgrade |= line.eq_ignore_ascii_case("upgrade: websocket\r\n");
                }
            }
        }
        let body = format!("hello from {host}");
        if upgrade {
            let head =
                "HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
            let _ = stream
                .get_mut()
                .write_all(format!("{head}{body}").as_bytes());
            return;
        }
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        let answer = format!("{head}{body}");
        if lines == 0 || stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
        let _ = stream.get_mut().flush();
    }
}

/// Answers A queries for the hosts and for the teller, and no others.
pub(crate) fn names(socket: &UdpSocket) {
    let mut buffer = [0; 512];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        let query = &buffer[..length];
        let (mut at, mut labels) = (12, Vec::new());
        while query[at] != 0 {
            let end = at + 1 + usize::from(query[at]);
            labels.push(String::from_utf8_lossy(&query[at + 1..end]).to_lowercase());
            at = end;
        }
        let name = labels.join(".");
        let wants_a = query[at + 2] == 1;
        let known = if name == "teller.internal" || name == "colorteller.internal" {
            Some(TELLER)
        } else {
            HOSTS
                .iter()
                .any(|(host, _)| *host == name)
                .then(|| address(&name))
        };
        let mut answer = query[..at + 5].to_vec();
        answer[2] = 0x81;
        answer[3] = if known.is_some() { 0x80 } else { 0x83 };
        answer[6..12].fill(0);
        if let (Some(address), true) = (known, wants_a) {
            answer[7] = 1;
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4]);
            answer.extend(address.octets());
        }
        let _ = socket.send_to(&answer, from);
    }
}
