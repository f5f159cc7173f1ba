//! The endpoint's port, and those of load balancers.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;

use anyhow::{Result, bail};
use tokio::net::TcpListener;

use super::paths::Paths;

/// The endpoint's ports in the order in which they are tried: below those that
/// the kernel gives away.
const ENDPOINT: Range<u16> = 9300..9400;
/// A load balancer's.
pub(super) const BALANCER: Range<u16> = 8080..8180;

/// The port of last time, since clients know it; else a free one.
pub(super) async fn listen(paths: &Paths) -> Result<TcpListener> {
    let file = paths.state.join("port");
    let before = fs::read_to_string(&file).ok();
    let before: Option<u16> = before.and_then(|text| text.trim().parse().ok());
    for port in before.into_iter().chain(ENDPOINT) {
        match TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await {
            Ok(listener) => {
                if before != Some(port) {
                    fs::write(&file, port.to_string())?;
                }
                return Ok(listener);
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => bail!("cannot listen on port {port} of loopback: {error}"),
        }
    }
    bail!(
        "other programs hold every port from {} to {} of loopback, where the local endpoint \
         listens; end one of them",
        ENDPOINT.start,
        ENDPOINT.end - 1
    )
}
