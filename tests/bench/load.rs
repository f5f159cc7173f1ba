//! The load: clients that send requests over TLS as fast as answers come.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::figures::quantile;
use crate::outside::{ANSWER, REQUEST};

/// Where to, and from where.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// The namespace of the client; its own when there is none.
    pub(crate) from: Option<PathBuf>,
    pub(crate) to: SocketAddr,
    pub(crate) host: String,
    pub(crate) trust: Arc<ClientConfig>,
}

/// What each client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Work {
    /// Requests over one connection.
    KeepAlive,
    /// A connection with its handshake for each request.
    NewConnections,
}

/// What was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    pub(crate) requests: f64,
    /// Requests in a second.
    pub(crate) rate: f64,
    /// Microseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// What one client saw.
struct Client {
    /// How long each request took, in seconds.
    latencies: Vec<f64>,
    time: Duration,
}

// === impl Client ===

impl Client {
    /// Requests in a second.
    #[expect(clippy::cast_precision_loss, reason = "far from 2^52")]
    fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.time.as_secs_f64()
    }
}

// === impl Route ===

impl Route {
    /// Runs so many clients for so long.
    pub(crate) async fn run(&self, work: Work, clients: usize, slice: Duration) -> Result<Slice> {
        let route = self.clone();
        let run = move || -> Result<Slice> {
            route.enter()?;
            let tokio = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            tokio.block_on(route.clients(work, clients, slice))
        };
        // A thread of its own: it never comes back from the namespace.
        let (done, result) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || done.send(run()));
        result.await.context("the load was lost")?
    }

    /// Moves this thread to where the route begins.
    pub(crate) fn enter(&self) -> Result<()> {
        self.from.as_deref().map_or(Ok(()), crate::scene::enter)
    }

    async fn clients(&self, work: Work, clients: usize, slice: Duration) -> Result<Slice> {
        let barrier = Arc::new(tokio::sync::Barrier::new(clients));
        let mut running = JoinSet::new();
        for _ in 0..clients {
            let (route, barrier) = (self.clone(), Arc::clone(&barrier));
            running.spawn(async move { route.client(work, &barrier, slice).await });
        }
        let (mut latencies, mut rate) = (Vec::new(), 0.0);
        while let Some(client) = running.join_next().await {
            let client = client??;
            rate += client.rate();
            latencies.extend(client.latencies);
        }
        latencies.sort_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss, reason = "far from 2^52")]
        let requests = latencies.len() as f64;
        Ok(Slice {
            requests,
            rate,
            p50: quantile(&latencies, 0.5) * 1e6,
            p99: quantile(&latencies, 0.99) * 1e6,
        })
    }

    /// One client, that ends what it has begun.
    async fn client(
        &self,
        work: Work,
        barrier: &tokio::sync::Barrier,
        slice: Duration,
    ) -> Result<Client> {
        // Everybody is connected before the time begins.
        let mut kept = self.connect().await?;
        exchange(&mut kept).await?;
        barrier.wait().await;
        let (start, mut latencies) = (Instant::now(), Vec::new());
        loop {
            let before = Instant::now();
            match work {
                Work::KeepAlive => exchange(&mut kept).await?,
                Work::NewConnections => exchange(&mut self.connect().await?).await?,
            }
            latencies.push(before.elapsed().as_secs_f64());
            let time = start.elapsed();
            if time > slice {
                return Ok(Client { latencies, time });
            }
        }
    }

    async fn connect(&self) -> Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.to)
            .await
            .context("cannot connect")?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(self.host.clone())?;
        let connector = TlsConnector::from(Arc::clone(&self.trust));
        let connected = connector.connect(name, stream).await;
        connected.with_context(|| format!("no TLS with `{}` at {}", self.host, self.to))
    }
}

async fn exchange(stream: &mut TlsStream<TcpStream>) -> Result<()> {
    let mut answer = [0; ANSWER];
    stream.write_all(&[0; REQUEST]).await?;
    stream.flush().await?;
    stream.read_exact(&mut answer).await?;
    Ok(())
}
