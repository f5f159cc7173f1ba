//! Single connections that are looked at: whether they come about, whether
//! they live on, when they are cut.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::load::Route;
use crate::outside::{ANSWER, REQUEST};
use crate::scene::PATIENCE;

/// Between two tries, and between two requests of a connection that is held.
const PAUSE: Duration = Duration::from_millis(5);
const REQUESTS: Duration = Duration::from_millis(20);
/// How long an answer may take.
const ANSWERS: Duration = Duration::from_secs(10);

pub(crate) struct Connection(StreamOwned<ClientConnection, TcpStream>);

// === impl Connection ===

impl Connection {
    /// To be called by a thread that has entered the route's namespace.
    fn open(route: &Route) -> io::Result<Self> {
        let stream = TcpStream::connect(route.to)?;
        stream.set_read_timeout(Some(ANSWERS))?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(route.host.clone()).map_err(io::Error::other)?;
        let tls =
            ClientConnection::new(Arc::clone(&route.trust), name).map_err(io::Error::other)?;
        let mut connection = Self(StreamOwned::new(tls, stream));
        connection.exchange()?;
        Ok(connection)
    }

    fn exchange(&mut self) -> io::Result<()> {
        self.0.write_all(&[0; REQUEST])?;
        self.0.flush()?;
        self.0.read_exact(&mut [0; ANSWER])
    }
}

/// Waits until connections of a route are allowed, or are not; the result is
/// when the first such one was begun, or ended.
pub(crate) async fn until(route: Route, allowed: bool) -> Result<Instant> {
    let waiting = move || -> Result<Instant> {
        route.enter()?;
        let start = Instant::now();
        while Connection::open(&route).is_ok() != allowed {
            anyhow::ensure!(
                start.elapsed() < PATIENCE,
                "`{}` is never {allowed}",
                route.host
            );
            std::thread::sleep(PAUSE);
        }
        Ok(Instant::now())
    };
    thread(waiting).await
}

/// A connection that is used all the time.
pub(crate) struct Held {
    stop: Arc<AtomicBool>,
    using: JoinHandle<Result<Use>>,
}

/// How a held connection fared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use {
    /// When it was cut.
    pub(crate) cut: Option<Instant>,
    /// The longest time that an answer took.
    pub(crate) slowest: Duration,
}

// === impl Held ===

impl Held {
    /// Opens one and keeps using it.
    pub(crate) async fn start(route: Route) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let (opened, is_open) = tokio::sync::oneshot::channel();
        let using = std::thread::spawn(move || {
            route.enter()?;
            let mut connection = match Connection::open(&route) {
                Ok(connection) => connection,
                Err(error) => {
                    let _nobody_waits = opened.send(Err(anyhow!("`{}`: {error}", route.host)));
                    return Err(error.into());
                }
            };
            let _nobody_waits = opened.send(Ok(()));
            Ok(connection.use_until(&stopped))
        });
        is_open.await??;
        Ok(Self { stop, using })
    }

    /// Waits until it is cut, or gives up after so long.
    pub(crate) async fn until_cut(self, patience: Duration) -> Result<Use> {
        let start = Instant::now();
        while !self.using.is_finished() && start.elapsed() < patience {
            tokio::time::sleep(PAUSE).await;
        }
        self.end().await
    }

    /// Ends it, when it was not cut.
    pub(crate) async fn end(self) -> Result<Use> {
        self.stop.store(true, Ordering::Relaxed);
        thread(move || {
            self.using
                .join()
                .map_err(|_| anyhow!("a connection was lost"))?
        })
        .await
    }
}

impl Connection {
    fn use_until(&mut self, stop: &AtomicBool) -> Use {
        let mut slowest = Duration::ZERO;
        while !stop.load(Ordering::Relaxed) {
            let before = Instant::now();
            if self.exchange().is_err() {
                let cut = Some(Instant::now());
                return Use { cut, slowest };
            }
            slowest = slowest.max(before.elapsed());
            std::thread::sleep(REQUESTS.saturating_sub(before.elapsed()));
        }
        Use { cut: None, slowest }
    }
}

/// Runs something on a thread that never comes back from its namespace.
async fn thread<T: Send + 'static>(job: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let (done, result) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || done.send(job()));
    result.await?
}
