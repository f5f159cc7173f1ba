//! The listener: a request in, a target chosen, its answer streamed back.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::deregistered::Held;
use super::{Group, Shared};
use crate::runtime::desired::Action;

/// How long a target may take to begin its answer.
const PATIENCE: Duration = Duration::from_mins(1);

type Answer = Response<Either<Held, Full<Bytes>>>;

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, peer)) = accepted else {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                open.spawn(connection(stream, peer, Arc::clone(&shared)));
            }
            Some(_) = open.join_next(), if !open.is_empty() => {}
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    let port = stream.local_addr().map_or(0, |local| local.port());
    let _slower_then = stream.set_nodelay(true);
    let origin = Origin {
        peer: peer.ip(),
        port,
    };
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(&shared, request, origin).await) }
    });
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_mins(1));
    // A client that breaks off ends its own connection only.
    let _client_gone = server.serve_connection(TokioIo::new(stream), service).await;
}

/// Where a request comes from and where it arrived.
#[derive(Clone, Copy, Debug)]
struct Origin {
    peer: IpAddr,
    port: u16,
}

async fn answer(shared: &Shared, request: Request<Incoming>, origin: Origin) -> Answer {
    let table = shared.table();
    match table.action(request.uri().path()) {
        Some(Action::Forward(group)) => match table.groups.get(group) {
            Some(group) => forward(group, request, origin).await,
            None => page(
                StatusCode::SERVICE_UNAVAILABLE,
                "there is no such target group",
            ),
        },
        Some(Action::Fixed {
            status,
            content_type,
            body,
        }) => fixed(*status, content_type, body),
        None => page(
            StatusCode::SERVICE_UNAVAILABLE,
            "the load balancer has no rules yet",
        ),
    }
}

async fn forward(group: &Group, mut request: Request<Incoming>, origin: Origin) -> Answer {
    let Some(target) = group.pick().cloned() else {
        return page(StatusCode::SERVICE_UNAVAILABLE, "no target is healthy");
    };
    prepare(&mut request, origin);
    match tokio::time::timeout(PATIENCE, target.upstream.send(request)).await {
        Ok(Ok(mut response)) => {
            remove_hop_by_hop(response.headers_mut());
            response.map(|body| Either::Left(Held::new(body, target)))
        }
        Ok(Err(_)) => page(StatusCode::BAD_GATEWAY, "the target broke off"),
        Err(_) => page(StatusCode::GATEWAY_TIMEOUT, "the target does not answer"),
    }
}

/// Makes a client's request the load balancer's own.
fn prepare<B>(request: &mut Request<B>, origin: Origin) {
    // A target gets the path; a host in the request line goes into the header.
    let uri = request.uri().clone();
    let host = uri
        .authority()
        .map(|authority| HeaderValue::from_str(authority.as_str()));
    if let Some(Ok(host)) = host {
        request.headers_mut().insert(hyper::header::HOST, host);
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if let Ok(path) = path.parse() {
        *request.uri_mut() = path;
    }
    *request.version_mut() = hyper::Version::HTTP_11;
    let headers = request.headers_mut();
    remove_hop_by_hop(headers);
    let before = headers
        .get("x-forwarded-for")
        .and_then(|value| value.to_str().ok());
    let chain = before.map_or(origin.peer.to_string(), |list| {
        format!("{list}, {}", origin.peer)
    });
    let additions = [
        ("x-forwarded-for", chain),
        ("x-forwarded-proto", "http".to_owned()),
        ("x-forwarded-port", origin.port.to_string()),
    ];
    for (name, value) in additions {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Takes out what belongs to one connection only.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [CONNECTION, UPGRADE, HeaderName::from_static("keep-alive")] {
        headers.remove(name);
    }
}

fn page(status: StatusCode, why: &str) -> Answer {
    fixed(
        status.as_u16(),
        "text/plain; charset=utf-8",
        &format!("{status}: {why}\n"),
    )
}

fn fixed(status: u16, content_type: &str, body: &str) -> Answer {
    let mut response = Response::new(Either::Right(Full::new(Bytes::from(body.to_owned()))));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    if let Ok(value) = HeaderValue::from_str(content_type) {
        response
            .headers_mut()
            .insert(hyper::header::CONTENT_TYPE, value);
    }
    response
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_forwarded_request_says_where_it_came_from_and_drops_connection_headers() {
        let mut request = Request::get("http://a.test/x?y=1")
            .header("connection", "close, x-private")
            .header("x-private", "1")
            .header("x-forwarded-for", "192.0.2.9")
            .body(())
            .unwrap();
        prepare(
            &mut request,
            Origin {
                peer: "127.0.0.1".parse().unwrap(),
                port: 8080,
            },
        );
        assert_eq!(request.uri(), "/x?y=1");
        let headers = request.headers();
        assert_eq!(headers["host"], "a.test");
        assert_eq!(headers["x-forwarded-for"], "192.0.2.9, 127.0.0.1");
        assert_eq!(headers["x-forwarded-port"], "8080");
        assert!(!headers.contains_key("x-private") && !headers.contains_key("connection"));
    }
}
