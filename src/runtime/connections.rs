//! Keeps count of the connections over filter chains that many services
//! share, and cuts those whose service is gone.
//!
//! What counts is what is so, not what has just changed: a connection that
//! was still being made when its service went is cut when it is told of.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{CWD, FileType, Mode};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::unix::pipe::{OpenOptions, Receiver};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::netns::{Netns, NetnsError};
use super::sock_diag::Cutter;
use crate::envoy::{Led, Shared, Told};

/// Why connections are not followed.
#[derive(Debug, Error)]
pub(super) enum ConnectionsError {
    /// The app's namespace is gone.
    #[error(transparent)]
    Netns(#[from] NetnsError),
    /// The kernel does not cut connections for us.
    #[error("the kernel does not let connections be cut")]
    NoCutter,
    /// The pipe cannot be made or read.
    #[error("cannot follow the sidecar's connections")]
    Pipe(#[from] io::Error),
}

/// The connections of one sidecar.
#[derive(Debug)]
pub(super) struct Connections {
    shared: watch::Sender<Arc<Shared>>,
    following: JoinHandle<io::Error>,
}

// === impl Connections ===

impl Connections {
    /// Follows what a sidecar that is yet to start tells in a pipe of its
    /// app's connections.
    pub(super) async fn follow(
        pipe: &Path,
        app: &Netns,
        shared: Shared,
    ) -> Result<Self, ConnectionsError> {
        let cutter = Cutter::open(app).await?.ok_or(ConnectionsError::NoCutter)?;
        let told = open(pipe)?;
        let (shared, wanted) = watch::channel(Arc::new(shared));
        let following = tokio::spawn(follow(told, cutter, wanted));
        Ok(Self { shared, following })
    }

    /// From now on these services are there, and no others.
    pub(super) fn set(&self, shared: Shared) {
        self.shared.send_replace(Arc::new(shared));
    }

    /// Why it has lost count.
    pub(super) async fn lost(&mut self) -> String {
        match (&mut self.following).await {
            Ok(error) => format!("connections cannot be followed: {error}"),
            Err(error) => format!("connections cannot be followed: {error}"),
        }
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        self.following.abort();
    }
}

/// Makes the pipe anew: one that a dead Envoy wrote to may end in half a line.
fn open(pipe: &Path) -> io::Result<Lines<BufReader<Receiver>>> {
    let _not_there = std::fs::remove_file(pipe);
    let private = Mode::RUSR | Mode::WUSR;
    rustix::fs::mknodat(CWD, pipe, FileType::Fifo, private, 0)?;
    // Held open for writing too, it does not end when Envoy does.
    let receiver = OpenOptions::new().read_write(true).open_receiver(pipe)?;
    Ok(BufReader::new(receiver).lines())
}

async fn follow(
    mut told: Lines<BufReader<Receiver>>,
    cutter: Cutter,
    mut wanted: watch::Receiver<Arc<Shared>>,
) -> io::Error {
    let mut open = Open {
        cutter,
        connections: HashMap::new(),
    };
    loop {
        let done = tokio::select! {
            line = told.next_line() => match line {
                Ok(Some(line)) => open.take(&line, &wanted.borrow()),
                Ok(None) => Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) => Err(error),
            },
            changed = wanted.changed() => match changed {
                Ok(()) => open.cut_gone(&wanted.borrow_and_update()),
                Err(_) => std::future::pending().await,
            },
        };
        if let Err(error) = done {
            return error;
        }
    }
}

/// The connections that are open, by Envoy's numbers.
struct Open {
    cutter: Cutter,
    connections: HashMap<u64, Led>,
}

// === impl Open ===

impl Open {
    fn take(&mut self, line: &str, shared: &Shared) -> io::Result<()> {
        match serde_json::from_str(line)? {
            Told::Closed { connection } => {
                self.connections.remove(&connection);
            }
            Told::Opened { connection, led } if led.may_stay(shared) => {
                self.connections.insert(connection, led);
            }
            Told::Opened { led, .. } => self.cut(&led)?,
        }
        Ok(())
    }

    fn cut_gone(&mut self, shared: &Shared) -> io::Result<()> {
        let gone = |led: &Led| !led.may_stay(shared);
        let gone: Vec<Led> = self
            .connections
            .extract_if(|_, led| gone(led))
            .map(|(_, led)| led)
            .collect();
        gone.iter().try_for_each(|led| self.cut(led))
    }

    fn cut(&self, led: &Led) -> io::Result<()> {
        let _closed_by_itself = self.cutter.cut(led.own, led.peer)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::io::{ErrorKind, Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    fn line(change: &str, number: u64, server: &TcpStream, name: &str) -> String {
        let (own, peer) = (server.local_addr().unwrap(), server.peer_addr().unwrap());
        let line = serde_json::json!({"change": change, "connection": number, "chain": "c",
            "server_name": name, "destination": "203.0.113.1:443", "own": own, "peer": peer});
        format!("{line}\n")
    }

    fn shared(names: &[&str]) -> Shared {
        let service = |name: &&str| ((443, (*name).to_owned()), "c".to_owned());
        names.iter().map(service).collect()
    }

    /// Cut, and not merely silent.
    fn assert_cut(client: &mut TcpStream) {
        let patience = Some(std::time::Duration::from_secs(10));
        client.set_read_timeout(patience).unwrap();
        let error = client.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs root"]
    async fn connections_of_a_service_that_goes_are_cut_even_when_told_of_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("connections");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connect = || {
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            (client, listener.accept().unwrap().0)
        };
        let both = shared(&["gone", "kept"]);
        let connections = Connections::follow(&path, &Netns::own(), both)
            .await
            .unwrap();
        let mut pipe = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        let mut tell = |text: String| pipe.write_all(text.as_bytes()).unwrap();
        let opened = "TcpUpstreamConnected";

        let (mut gone, first) = connect();
        let (mut kept, mut second) = connect();
        let (mut late, third) = connect();
        tell(line(opened, 1, &first, "gone"));
        tell(line(opened, 2, &second, "kept"));
        connections.set(shared(&["kept"]));
        assert_cut(&mut gone);
        tell(line(opened, 3, &third, "gone"));
        assert_cut(&mut late);
        second.write_all(b"x").unwrap();
        kept.read_exact(&mut [0]).unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs root"]
    async fn a_line_that_cannot_be_read_ends_the_following() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("connections");
        let own = Netns::own();
        let following = Connections::follow(&path, &own, Shared::new()).await;
        let mut following = following.unwrap();
        std::fs::write(&path, "nonsense\n").unwrap();
        let reason = following.lost().await;
        assert!(reason.contains("cannot be followed"), "{reason}");
    }
}
