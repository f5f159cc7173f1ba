//! One connection to a stand-in: TLS or not, a small page or an echo.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{Kind, Shared};
use crate::runtime::moment;

/// How long a handshake may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// One line of the witness file.
#[derive(Debug, Serialize)]
struct Witnessed<'a> {
    time: String,
    host: &'a str,
    port: u16,
    server_name: Option<&'a str>,
    peer: SocketAddr,
}

/// Where a connection arrived.
#[derive(Clone, Debug)]
struct Arrival {
    host: String,
    port: u16,
    peer: SocketAddr,
}

pub(super) async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, peer)) = accepted else {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                let shared = Arc::clone(&shared);
                // A client that breaks off ends its own connection only.
                open.spawn(async move { connection(stream, peer, &shared).await });
            }
            Some(_) = open.join_next(), if !open.is_empty() => {}
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, shared: &Shared) -> io::Result<()> {
    let local = stream.local_addr()?;
    let found = shared.directory().find(local.ip(), local.port());
    let Some((host, kind)) = found else {
        return refuse(&stream);
    };
    let arrival = Arrival {
        host,
        port: local.port(),
        peer: SocketAddr::new(peer.ip().to_canonical(), peer.port()),
    };
    match kind {
        Kind::Tls => tls(stream, arrival, shared).await,
        Kind::Http => {
            witness(shared, &arrival, None);
            page(stream, arrival).await
        }
        Kind::Tcp => {
            witness(shared, &arrival, None);
            echo(stream, &arrival).await
        }
    }
}

/// An address where nobody is.
fn refuse(stream: &TcpStream) -> io::Result<()> {
    rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).map_err(io::Error::from)
}

async fn tls(stream: TcpStream, arrival: Arrival, shared: &Shared) -> io::Result<()> {
    let accepted = tokio::time::timeout(PATIENCE, shared.tls.accept(stream)).await;
    let named = match &accepted {
        Ok(Ok(stream)) => stream.get_ref().1.server_name().map(str::to_owned),
        _ => None,
    };
    witness(shared, &arrival, named.as_deref());
    let host = named.unwrap_or(arrival.host);
    page(accepted??, Arrival { host, ..arrival }).await
}

async fn page<S>(stream: S, arrival: Arrival) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answer = service_fn(move |request: Request<_>| {
        let page = render(&arrival, &request);
        async move { Ok::<_, Infallible>(page) }
    });
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_mins(1));
    server
        .serve_connection(TokioIo::new(stream), answer)
        .await
        .map_err(io::Error::other)
}

fn render<B>(arrival: &Arrival, request: &Request<B>) -> Response<Full<Bytes>> {
    let host = escaped(&arrival.host);
    let (method, path) = (request.method(), escaped(request.uri().path()));
    let text = format!(
        "<!doctype html>\n<title>stand-in for {host}</title>\n<h1>stand-in for {host}</h1>\n\
         <p>This is not {host}: colormesh has no internet here and answers in its place.</p>\n\
         <p>{method} {path} on port {}</p>\n",
        arrival.port
    );
    let mut response = Response::new(Full::new(Bytes::from(text)));
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("server", "colormesh-stand-in"),
    ] {
        response
            .headers_mut()
            .insert(name, hyper::header::HeaderValue::from_static(value));
    }
    response
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

async fn echo(mut stream: TcpStream, arrival: &Arrival) -> io::Result<()> {
    let banner = format!("stand-in for {} port {}\r\n", arrival.host, arrival.port);
    stream.write_all(banner.as_bytes()).await?;
    let (mut input, mut output) = stream.split();
    tokio::io::copy(&mut input, &mut output).await?;
    output.shutdown().await
}

fn witness(shared: &Shared, arrival: &Arrival, server_name: Option<&str>) {
    let Arrival { host, port, peer } = arrival;
    let line = Witnessed {
        time: moment::now(),
        host,
        port: *port,
        server_name,
        peer: *peer,
    };
    shared.witness.write(&line);
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_page_says_that_it_is_a_stand_in_and_repeats_no_markup() {
        let peer = "127.0.0.1:1".parse().unwrap();
        let arrival = Arrival {
            host: "github.com".to_owned(),
            port: 443,
            peer,
        };
        let request = Request::builder().uri("/<b>").body(());
        let request = request.unwrap_or_else(|_| Request::new(()));
        let body = render(&arrival, &request)
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(text.contains("stand-in for github.com"), "{text}");
        assert!(!text.contains("<b>"), "{text}");
    }
}
