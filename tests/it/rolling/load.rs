//! A load on one address: half of the clients keep their connection, half
//! make a new one for each request; every tenth request of some is slow.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const CLIENTS: usize = 32;
/// How long an answer may take; nothing here takes a third of it.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two requests of a client.
const PAUSE: Duration = Duration::from_millis(5);

/// A running load.
pub(crate) struct Load {
    over: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    clients: Vec<JoinHandle<()>>,
}

/// What it saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) answers: Vec<(String, usize)>,
    pub(crate) slow: usize,
    pub(crate) failures: Vec<String>,
}

// === impl Load ===

impl Load {
    pub(crate) fn start(endpoint: &str) -> Self {
        let address = endpoint.trim_start_matches("http://");
        let address: SocketAddr = address.replace("localhost", "127.0.0.1").parse().unwrap();
        let (over, seen) = <(Arc<AtomicBool>, Arc<Mutex<Seen>>)>::default();
        let client = |number| {
            let (over, seen) = (Arc::clone(&over), Arc::clone(&seen));
            thread::spawn(move || ask(number, address, &over, &seen))
        };
        let clients = (0..CLIENTS).map(client).collect();
        Self {
            over,
            seen,
            clients,
        }
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until the whole load has been answered by this colour alone for a
    /// while, or fails.
    pub(crate) fn until_answered_by(&self, color: &str) {
        let give_up = Instant::now() + Duration::from_secs(60);
        loop {
            let before = self.seen();
            thread::sleep(Duration::from_millis(300));
            let after = self.seen();
            let new = |color: &str| after.count(color) - before.count(color);
            let of_it = new(color);
            let all: usize = after.answers.iter().map(|(color, _)| new(color)).sum();
            if of_it > 0 && of_it == all {
                return;
            }
            assert!(Instant::now() < give_up, "{color}: {after:?}");
        }
    }

    pub(crate) fn end(mut self) -> Seen {
        self.over.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            client.join().unwrap();
        }
        self.seen()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

// === impl Seen ===

impl Seen {
    pub(crate) fn count(&self, color: &str) -> usize {
        let mut answers = self.answers.iter();
        let found = answers.find(|(known, _)| known == color);
        found.map_or(0, |(_, count)| *count)
    }

    fn take(&mut self, path: &str, answer: io::Result<(u16, String)>) {
        match answer {
            Ok((200, color)) => {
                self.slow += usize::from(path == "/slow");
                match self.answers.iter_mut().find(|(known, _)| *known == color) {
                    Some((_, count)) => *count += 1,
                    None => self.answers.push((color, 1)),
                }
            }
            Ok((status, body)) => self.failures.push(format!("{path}: {status} {body}")),
            Err(error) => self.failures.push(format!("{path}: {error}")),
        }
    }
}

fn ask(number: usize, address: SocketAddr, over: &AtomicBool, seen: &Mutex<Seen>) {
    let keeps = number.is_multiple_of(2);
    let mut kept = None;
    let mut turn = 0;
    while !over.load(Ordering::Relaxed) {
        turn += 1;
        let slow = number % 4 < 2 && turn % 10 == 0;
        let path = if slow { "/slow" } else { "/" };
        let answer = once(address, path, &mut kept);
        if !keeps || answer.is_err() {
            kept = None;
        }
        seen.lock().unwrap().take(path, answer);
        thread::sleep(PAUSE);
    }
}

fn once(
    address: SocketAddr,
    path: &str,
    kept: &mut Option<TcpStream>,
) -> io::Result<(u16, String)> {
    if kept.is_none() {
        let fresh = TcpStream::connect_timeout(&address, PATIENCE)?;
        fresh.set_read_timeout(Some(PATIENCE))?;
        fresh.set_nodelay(true)?;
        *kept = Some(fresh);
    }
    let stream = kept.as_mut().ok_or(io::ErrorKind::NotConnected)?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: load\r\n\r\n")?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
    let length = head.split("content-length: ").nth(1);
    let length = length.and_then(|it| it.split("\r\n").next()?.parse().ok());
    let (Some(status), Some(length)) = (status, length) else {
        return Err(io::Error::other(head));
    };
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}
