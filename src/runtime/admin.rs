//! Asking an Envoy over its admin socket.

use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustix::fs::{Mode, OFlags};
use tokio::net::UnixStream;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// GETs `path` from the socket of that name in a folder, which may have a path
/// of any length, and gives status and body.
pub(super) async fn get(
    folder: &Path,
    socket: &str,
    path: &str,
) -> io::Result<(StatusCode, String)> {
    ask(folder, socket, Method::GET, path).await
}

/// POSTs `path` and gives status and body.
pub(super) async fn post(
    folder: &Path,
    socket: &str,
    path: &str,
) -> io::Result<(StatusCode, String)> {
    ask(folder, socket, Method::POST, path).await
}

async fn ask(
    folder: &Path,
    socket: &str,
    method: Method,
    path: &str,
) -> io::Result<(StatusCode, String)> {
    let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
    let folder = rustix::fs::open(folder, flags, Mode::empty())?;
    let short = format!("/proc/self/fd/{}/{socket}", folder.as_raw_fd());
    let answer = exchange(short.as_ref(), method, path);
    tokio::time::timeout(PATIENCE, answer).await?
}

async fn exchange(socket: &Path, method: Method, path: &str) -> io::Result<(StatusCode, String)> {
    let stream = TokioIo::new(UnixStream::connect(socket).await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream)
        .await
        .map_err(io::Error::other)?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "admin")
        .body(Empty::<Bytes>::new());
    let request = request.map_err(io::Error::other)?;
    let asking = async {
        let response = sender
            .send_request(request)
            .await
            .map_err(io::Error::other)?;
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(io::Error::other)?
            .to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    };
    tokio::pin!(asking);
    tokio::select! {
        answer = &mut asking => answer,
        ended = connection => {
            ended.map_err(io::Error::other)?;
            asking.await
        }
    }
}
