//! The way out of a world that is a namespace of ours: each TCP connection
//! made there is taken up here and made again from the machine's network.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};

use super::netns::{Netns, NetnsError};
use super::redirect::{self, RELAY_PORT};

/// How long the far side may take to accept. The near side believes that it
/// is connected already, so its own limit does not help it.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many connections are carried at once.
const AT_ONCE: usize = 4096;

/// A running relay; it ends, with its connections, when this goes.
#[derive(Debug)]
pub(crate) struct Relay(AbortHandle);

// === impl Relay ===

impl Relay {
    /// Sends all TCP of `world` through the network of this process.
    pub(crate) async fn start(world: &Netns) -> Result<Self, NetnsError> {
        world.ip(redirect::relay_addresses()).await?;
        world.nft(redirect::relay_redirection()).await?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, RELAY_PORT));
        let listener = world.listen(address).await?;
        Ok(Self(tokio::spawn(accept(listener)).abort_handle()))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.0.abort();
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
    let wanted = rustix::net::sockopt::ip_original_dst(&near)?;
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
            rustix::net::sockopt::set_socket_linger(&near, Some(Duration::ZERO))?;
            Err(error)
        }
    }
}
