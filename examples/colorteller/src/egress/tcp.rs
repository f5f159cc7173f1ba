//! TCP. The proxy accepts every connection before it decides, so nothing has
//! got out until somebody answers with bytes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PATIENCE;
use super::dns::resolve;
use super::seen::Seen;

/// As much of an answer as is looked at.
const ENOUGH: usize = 4096;

/// Connects, says `bytes`, and listens for an answer.
pub(super) async fn say(to: SocketAddr, bytes: Vec<u8>) -> Seen {
    match converse(to, &bytes).await {
        Ok(answer) if answer.is_empty() => Seen::refused("closed"),
        Ok(answer) => Seen::out(format!("{to} answered {} bytes", answer.len())),
        Err(seen) => seen,
    }
}

/// The same at the first address that the resolver has for `host`.
pub(super) async fn by_name(host: &'static str, bytes: Vec<u8>) -> Seen {
    match resolve(host).await {
        Ok(address) => say(address, bytes).await,
        Err(seen) => seen,
    }
}

/// Asks for a page without TLS.
pub(super) async fn page(to: SocketAddr, host: &str, path: &str) -> Seen {
    match converse(to, &request(host, path)).await {
        Ok(answer) => answered(&answer),
        Err(seen) => seen,
    }
}

/// The proxy's own pages. Port 9901 may tell that it is well, and no more.
pub(super) async fn admin() -> Seen {
    let to = (Ipv4Addr::LOCALHOST, 9901).into();
    match converse(to, &request("localhost", "/config_dump")).await {
        Ok(answer) => match status(&answer) {
            None if answer.is_empty() => Seen::refused("closed"),
            Some(200) => Seen::out("it shows the proxy's configuration"),
            Some(status) => Seen::refused(status.to_string()),
            None => Seen::out("something else answers"),
        },
        Err(seen) => seen,
    }
}

fn request(host: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").into_bytes()
}

/// A proxy that refuses a host says 404 itself, without having asked anybody.
fn answered(answer: &[u8]) -> Seen {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let has = |header: &str| text.lines().any(|line| line.starts_with(header));
    let by_proxy = has("server: envoy") && !has("x-envoy-upstream-service-time:");
    match status(answer) {
        None if answer.is_empty() => Seen::refused("closed"),
        Some(404) if by_proxy => Seen::refused("the proxy says 404"),
        Some(status) => Seen::out(format!("a page with status {status}")),
        None => Seen::out(format!("{} bytes that are no page", answer.len())),
    }
}

fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    str::from_utf8(line).ok()?.parse().ok()
}

/// The first bytes of the answer, none when the connection is closed instead;
/// or what came of it that is no answer.
pub(super) async fn converse(to: SocketAddr, bytes: &[u8]) -> Result<Vec<u8>, Seen> {
    let mut stream = match timeout(PATIENCE, TcpStream::connect(to)).await {
        Ok(connected) => connected.map_err(|error| Seen::failed(&error))?,
        Err(_) => return Err(Seen::unclear("no answer, not even to the connection")),
    };
    match timeout(PATIENCE, exchange(&mut stream, bytes)).await {
        Ok(answer) => answer.map_err(|error| Seen::failed(&error)),
        Err(_) => Err(Seen::unclear("connected, then silent")),
    }
}

async fn exchange(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(bytes).await?;
    let mut answer = vec![0; ENOUGH];
    let count = stream.read(&mut answer).await?;
    answer.truncate(count);
    Ok(answer)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::fetch::Client;

    /// Somebody who answers one connection with `said`.
    async fn answering(said: &'static [u8]) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await.unwrap();
            stream.write_all(said).await.unwrap();
        });
        address
    }

    #[tokio::test]
    async fn what_answers_a_hello_has_got_out() {
        let hello = Client::new(None).unwrap().hello(Some("a.example"));
        let alert = answering(&[21, 3, 3, 0, 2, 2, 40]).await;
        assert_eq!(say(alert, hello.clone()).await.out, Some(true));
        let closed = answering(b"").await;
        assert_eq!(say(closed, hello).await, Seen::refused("closed"));
    }

    #[tokio::test]
    async fn only_the_proxys_own_404_is_a_refusal() {
        let refusal = b"HTTP/1.1 404 Not Found\r\nserver: envoy\r\n\r\n";
        let at = answering(refusal).await;
        assert_eq!(page(at, "a.example", "/").await.out, Some(false));
        for out in [
            "HTTP/1.1 404 Not Found\r\nserver: nginx\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\nserver: envoy\r\nx-envoy-upstream-service-time: 3\r\n\r\n",
            "HTTP/1.1 200 OK\r\nserver: envoy\r\n\r\n",
            "SSH-2.0-x\r\n",
        ] {
            let at = answering(out.as_bytes()).await;
            assert_eq!(page(at, "a.example", "/").await.out, Some(true), "{out}");
        }
    }

    #[tokio::test]
    async fn nobody_there_is_a_refusal() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert_eq!(say(address, Vec::new()).await.out, Some(false));
    }
}
