//! What one probe finds: where to send, what to mark it with, and words for
//! what it saw.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::orders::{Attempt, Orders, Run};

/// How long one exchange may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer to a datagram is waited for.
pub(super) const GLANCE: Duration = Duration::from_millis(500);

/// What one probe finds.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    /// Marks everything it sends; also a label of a name.
    pub(super) marker: String,
    /// An address that nobody else uses.
    pub(super) foreign: Ipv4Addr,
    /// The same of IPv6.
    pub(super) foreign_v6: Ipv6Addr,
    /// A service that the app may reach.
    pub(super) service: Option<Service>,
    pub(super) orders: Orders,
}

/// A service, with the address that it has for the app.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) address: SocketAddr,
}

/// How a probe ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) reached: bool,
    pub(super) seen: String,
}

// === impl Scene ===

impl Scene {
    pub(super) fn new(orders: &Orders, service: Option<&Service>, place: usize) -> Self {
        let run: Run = orders.run;
        Self {
            marker: run.marker(&orders.token, place),
            foreign: run.foreign(place),
            foreign_v6: run.foreign_v6(place),
            service: service.cloned(),
            orders: orders.clone(),
        }
    }

    /// A name that no mesh models.
    pub(super) fn foreign_name(&self) -> String {
        format!("{}.egress-probe.example", self.marker)
    }

    pub(super) fn at(&self, port: u16) -> SocketAddr {
        (self.foreign, port).into()
    }

    pub(super) fn at_v6(&self, port: u16) -> SocketAddr {
        (self.foreign_v6, port).into()
    }

    pub(super) fn service(&self) -> Option<&Service> {
        self.service.as_ref()
    }
}

// === impl Outcome ===

impl Outcome {
    /// What was sent is for the witness to say.
    pub(super) fn sent(seen: impl Into<String>) -> Self {
        Self {
            reached: false,
            seen: seen.into(),
        }
    }

    pub(super) fn reached(seen: impl Into<String>) -> Self {
        Self {
            reached: true,
            seen: seen.into(),
        }
    }

    /// A call that must be refused. Anything but a refusal is a door.
    pub(super) fn of_call<T>(what: &str, result: io::Result<T>) -> Self {
        match result {
            Ok(_) => Self::reached(format!("{what}: allowed")),
            Err(error) if is_refusal(&error) => Self::sent(refusal(&error)),
            Err(error) => Self::reached(format!("{what}: not refused, but {}", word(&error))),
        }
    }

    /// Several tries as one: reached by any.
    pub(super) fn together(tries: impl IntoIterator<Item = Self>) -> Self {
        let tries: Vec<Self> = tries.into_iter().collect();
        if let Some(out) = tries.iter().find(|outcome| outcome.reached) {
            return out.clone();
        }
        let mut words: Vec<&str> = Vec::new();
        for outcome in &tries {
            if !words.contains(&outcome.seen.as_str()) {
                words.push(&outcome.seen);
            }
        }
        Self::sent(words.join(", "))
    }

    pub(super) fn attempt(self, probe: &str) -> Attempt {
        Attempt {
            probe: probe.to_owned(),
            reached: self.reached,
            seen: self.seen,
        }
    }
}

/// Whether the kernel said that this is not allowed or that there is no such
/// thing here.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let refusals = [
        Errno::PERM,
        Errno::ACCESS,
        Errno::NOSYS,
        Errno::ROFS,
        Errno::NOENT,
        Errno::NODEV,
        Errno::SRCH,
        Errno::AFNOSUPPORT,
        Errno::PROTONOSUPPORT,
        Errno::SOCKTNOSUPPORT,
        Errno::TXTBSY,
    ];
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    code.is_some_and(|code| refusals.contains(&code))
}

pub(super) fn refusal(error: &io::Error) -> String {
    format!("refused: {}", word(error))
}

/// An error in a few words.
pub(super) fn word(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => "reset".to_owned(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "no answer".to_owned(),
        _ => {
            let text = error.to_string();
            let text = text.split(" (os error").next().unwrap_or_default();
            text.to_lowercase()
        }
    }
}

/// Connects, says `bytes`, and listens for an answer.
pub(super) fn converse(to: SocketAddr, bytes: &[u8]) -> (Outcome, Vec<u8>) {
    match TcpStream::connect_timeout(&to, PATIENCE) {
        Ok(stream) => exchange(stream, bytes),
        Err(error) => (Outcome::sent(word(&error)), Vec::new()),
    }
}

/// Says `bytes` and listens for an answer.
pub(super) fn exchange(mut stream: TcpStream, bytes: &[u8]) -> (Outcome, Vec<u8>) {
    let start = Instant::now();
    let mut answer = vec![0; 4096];
    let read = stream
        .set_read_timeout(Some(PATIENCE))
        .and_then(|()| stream.write_all(bytes))
        .and_then(|()| stream.read(&mut answer));
    let took = start.elapsed().as_millis();
    match read {
        Ok(0) => (Outcome::sent(format!("closed after {took} ms")), Vec::new()),
        Ok(count) => {
            answer.truncate(count);
            (Outcome::sent(format!("{count} bytes answered")), answer)
        }
        Err(error) => (Outcome::sent(word(&error)), Vec::new()),
    }
}

/// The first line of an HTTP answer, when this is one.
pub(super) fn status(answer: &[u8]) -> Option<(u16, String)> {
    let text = String::from_utf8_lossy(answer);
    let line = text.lines().next()?;
    let code = line.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
    Some((code, line.to_owned()))
}

/// Asks for a page that no proxy of the app's gives; getting one is getting out.
pub(super) fn page(to: SocketAddr, path: &str) -> Outcome {
    let host = match to.ip() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    let (outcome, answer) = converse(to, request.as_bytes());
    match status(&answer) {
        Some((404 | 403 | 503, line)) => Outcome::sent(line),
        Some((_, line)) => Outcome::reached(line),
        None => outcome,
    }
}
