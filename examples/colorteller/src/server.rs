//! The HTTP server and its four kinds of path.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};

use crate::fetch::{Client, Page};
use crate::services::Settings;

const TEXT: &str = "text/plain; charset=utf-8";

struct App {
    settings: Settings,
    client: Client,
}

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn serve(settings: Settings, client: Client) -> io::Result<()> {
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, settings.port));
    let listener = TcpListener::bind(address).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let app = Arc::new(App { settings, client });
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { tokio::spawn(connection(Arc::clone(&app), stream)); }
                // Out of descriptors, most likely: let connections end first.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
        }
    }
}

async fn connection(app: Arc<App>, stream: TcpStream) {
    let service = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Infallible>(app.answer(&request).await) }
    });
    // A client that goes away in the middle is no fault of the app's.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl App {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        match path {
            "/" => text(StatusCode::OK, self.settings.color.clone()),
            "/ping" => text(StatusCode::OK, String::new()),
            "/egress_denied" => self.call(&self.settings.unmodelled).await,
            _ => match path.strip_prefix("/external_") {
                Some(name) => self.external(name).await,
                None => text(StatusCode::NOT_FOUND, format!("no such path: {path}\n")),
            },
        }
    }

    async fn external(&self, name: &str) -> Response<Full<Bytes>> {
        if let Some(url) = self.settings.external.get(name) {
            return self.call(url).await;
        }
        let known: Vec<&str> = self
            .settings
            .external
            .keys()
            .map(String::as_str)
            .take(20)
            .collect();
        let known = known.join(", ");
        text(
            StatusCode::NOT_FOUND,
            format!("no external service is named `{name}`; known: {known}\n"),
        )
    }

    async fn call(&self, url: &Uri) -> Response<Full<Bytes>> {
        match self.client.get(url).await {
            Ok(Page {
                status,
                content_type,
                body,
            }) => answer(status, &content_type, body),
            Err(why) => text(StatusCode::BAD_GATEWAY, format!("{url}: {why}\n")),
        }
    }
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    answer(status, TEXT, Bytes::from(body))
}

fn answer(status: StatusCode, content_type: &str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    if let Ok(value) = content_type.parse() {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}
