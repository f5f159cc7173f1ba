//! Connections to a target, kept open between requests.

use std::io;
use std::net::SocketAddrV4;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use crate::runtime::netns::Netns;

/// How long a target may take to accept.
const CONNECT: Duration = Duration::from_secs(10);
/// How many idle connections are kept.
const IDLE: usize = 64;

/// A target's address and its idle connections.
#[derive(Debug)]
pub(super) struct Upstream {
    address: SocketAddrV4,
    netns: Netns,
    idle: Arc<Mutex<Vec<SendRequest<Incoming>>>>,
}

// === impl Upstream ===

impl Upstream {
    pub(super) fn new(address: SocketAddrV4, netns: Netns) -> Self {
        Self {
            address,
            netns,
            idle: Arc::default(),
        }
    }

    pub(super) fn address(&self) -> SocketAddrV4 {
        self.address
    }

    /// Sends a request over an idle connection or a new one.
    pub(super) async fn send(
        &self,
        mut request: Request<Incoming>,
    ) -> io::Result<Response<Incoming>> {
        while let Some(mut idle) = self.take_idle() {
            match idle.try_send_request(request).await {
                Ok(response) => {
                    self.keep(idle);
                    return Ok(response);
                }
                // The target had closed it; nothing was sent, so try again.
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(io::Error::other(failed.into_error())),
                },
            }
        }
        let mut fresh = connect(self.address, &self.netns).await?;
        let response = fresh
            .send_request(request)
            .await
            .map_err(io::Error::other)?;
        self.keep(fresh);
        Ok(response)
    }

    fn take_idle(&self) -> Option<SendRequest<Incoming>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| idle.pop()).find(|sender| !sender.is_closed())
    }

    /// Puts a connection back once its response has been read.
    fn keep(&self, mut sender: SendRequest<Incoming>) {
        let idle = Arc::clone(&self.idle);
        tokio::spawn(async move {
            if sender.ready().await.is_ok() {
                let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
                if idle.len() < IDLE {
                    idle.push(sender);
                }
            }
        });
    }
}

/// The status that a GET of `path` answers with.
pub(super) async fn status(address: SocketAddrV4, netns: &Netns, path: &str) -> io::Result<u16> {
    let mut sender = connect(address, netns).await?;
    let request = Request::get(path)
        .header("host", address.to_string())
        .header("user-agent", "ELB-HealthChecker/2.0")
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    let response = sender
        .send_request(request)
        .await
        .map_err(io::Error::other)?;
    Ok(response.status().as_u16())
}

async fn connect<B>(address: SocketAddrV4, netns: &Netns) -> io::Result<SendRequest<B>>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let connecting = tokio::time::timeout(CONNECT, netns.connect(address));
    let stream = connecting.await?.map_err(io::Error::other)?;
    stream.set_nodelay(true)?;
    let shaken = http1::handshake(TokioIo::new(stream)).await;
    let (sender, connection) = shaken.map_err(io::Error::other)?;
    // It ends when the sender goes; what went wrong is the request's error.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}
