//! The way out of a world that is a namespace of ours: each TCP connection
//! made there is taken up here and made again from the machine's network.
//!
//! The near side is connected before the far side is tried, so Envoy cannot
//! see that one kind of address does not connect and try the other. Where the
//! machine has no way out by IPv6, the world therefore has none either.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};

use super::netns::{Netns, NetnsError};
use super::probe;
use super::redirect::{self, RELAY_PORT};

/// How long the far side may take to accept. The near side believes that it
/// is connected already, so its own limit does not help it.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many connections are carried at once.
const AT_ONCE: usize = 4096;

/// A running relay; it ends, with its connections, when this goes.
#[derive(Debug)]
pub(crate) struct Relay(Vec<AbortHandle>);

// === impl Relay ===

impl Relay {
    /// Sends all TCP of `world` through the network of this process.
    pub(crate) async fn start(world: &Netns) -> Result<Self, NetnsError> {
        world.ip(redirect::relay_addresses()).await?;
        world.nft(redirect::relay_redirection()).await?;
        let mut listeners = vec![listen(world, Ipv4Addr::LOCALHOST.into()).await?];
        if probe::has_ipv6() {
            // A kernel that cannot redirect IPv6 leaves the world without it.
            listeners.extend(ipv6(world).await.ok());
        }
        let accepting = listeners.into_iter().map(|it| tokio::spawn(accept(it)));
        Ok(Self(accepting.map(|it| it.abort_handle()).collect()))
    }
}

async fn ipv6(world: &Netns) -> Result<TcpListener, NetnsError> {
    world.nft(redirect::relay_ipv6_redirection()).await?;
    let listener = listen(world, Ipv6Addr::LOCALHOST.into()).await?;
    world.ip(redirect::relay_ipv6_addresses()).await?;
    Ok(listener)
}

async fn listen(world: &Netns, address: IpAddr) -> Result<TcpListener, NetnsError> {
    world.listen(SocketAddr::new(address, RELAY_PORT)).await
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

async fn accept(listener: TcpListener) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
                open.spawn(async move {
                    let carried = carry(stream).await;
                    drop(place);
                    carried
                });
            }
            Some(_) = open.join_next(), if !open.is_empty() => {}
        }
    }
}

async fn carry(mut near: TcpStream) -> io::Result<()> {
    let wanted = original_destination(&near)?;
    // Somebody who talks to the relay itself wants nothing of the outside.
    if wanted.ip().is_loopback() {
        return Ok(());
    }
    let reached = tokio::time::timeout(PATIENCE, TcpStream::connect(wanted)).await;
    match reached.map_err(io::Error::from).flatten() {
        Ok(mut far) => tokio::io::copy_bidirectional(&mut near, &mut far)
            .await
            .map(drop),
        Err(error) => {
            // A reset says what a plain end would hide.
            sockopt::set_socket_linger(&near, Some(Duration::ZERO))?;
            Err(error)
        }
    }
}

/// Where a redirected connection meant to go.
fn original_destination(stream: &TcpStream) -> io::Result<SocketAddr> {
    Ok(match stream.local_addr()? {
        SocketAddr::V4(_) => sockopt::ip_original_dst(stream)?.into(),
        SocketAddr::V6(_) => sockopt::ipv6_original_dst(stream)?.into(),
    })
}
