//! The HTTP server and its kinds of path.

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
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

use crate::egress::{self, UNMODELLED, UNMODELLED_ADDRESS};
use crate::fetch::{Client, Page};
use crate::services::Settings;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

struct App {
    settings: Settings,
    client: Client,
    /// Held while `/egress` tries: each of its tries costs sockets.
    trying: Mutex<()>,
}

/// How long `/slow` takes.
const SLOWLY: Duration = Duration::from_secs(2);
/// How long answers that are under way may take when the app ends.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// Serves until SIGINT, or for a while after SIGTERM: whoever calls the app
/// may find out later that it ends. What is under way then is answered.
pub(crate) async fn serve(settings: Settings, client: Client) -> io::Result<()> {
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, settings.port));
    let listener = TcpListener::bind(address).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let app = Arc::new(App {
        settings,
        client,
        trying: Mutex::new(()),
    });
    let (ending, ended) = watch::channel(false);
    let mut open = JoinSet::new();
    let delay = app.settings.stop_delay;
    let told = async {
        tokio::select! {
            _ = interrupt.recv() => return,
            _ = terminate.recv() => {}
        }
        tokio::select! {
            _ = interrupt.recv() => {}
            () = tokio::time::sleep(delay) => {}
        }
    };
    tokio::pin!(told);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    open.spawn(connection(Arc::clone(&app), stream, ended.clone()));
                }
                // Out of descriptors, most likely: let connections end first.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = open.join_next(), if !open.is_empty() => {}
            () = &mut told => break,
        }
    }
    drop(listener);
    ending.send_replace(true);
    let all = async { while open.join_next().await.is_some() {} };
    // Those that take longer are cut off.
    let _cut_off = tokio::time::timeout(LAST_ANSWERS, all).await;
    Ok(())
}

async fn connection(app: Arc<App>, stream: TcpStream, mut ended: watch::Receiver<bool>) {
    let service = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Infallible>(app.answer(&request).await) }
    });
    let mut builder = http1::Builder::new();
    let serving = builder
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let ended = async { drop(ended.wait_for(|ended| *ended).await) };
    // A client that goes away in the middle is no fault of the app's.
    let _ = tokio::select! {
        served = &mut serving => served,
        () = ended => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
}

impl App {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        match path {
            "/" => text(StatusCode::OK, self.settings.color.clone()),
            "/slow" => {
                tokio::time::sleep(SLOWLY).await;
                text(StatusCode::OK, self.settings.color.clone())
            }
            "/ping" => text(StatusCode::OK, String::new()),
            "/egress" => self.ways_out().await,
            "/egress_denied" => self.unmodelled().await,
            _ => match path.strip_prefix("/external_") {
                Some(name) => self.external(name).await,
                None => text(StatusCode::NOT_FOUND, format!("no such path: {path}\n")),
            },
        }
    }

    async fn external(&self, name: &str) -> Response<Full<Bytes>> {
        if let Some(url) = self.settings.external.get(name) {
            let at = self.settings.local_ports.get(name).copied();
            return self.call(url, at).await;
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

    /// Tries every way out that it can.
    async fn ways_out(&self) -> Response<Full<Bytes>> {
        let Ok(_trying) = self.trying.try_lock() else {
            let busy = "somebody else's tries are under way\n".to_owned();
            return text(StatusCode::TOO_MANY_REQUESTS, busy);
        };
        let told = egress::tried(&self.client, &self.settings).await;
        answer(StatusCode::OK, JSON, Bytes::from(told))
    }

    /// Tries the unmodelled host by its name, and when that fails by an
    /// address, so that the filter itself is tried and not only the resolver:
    /// where the mesh answers no unmodelled name, the address is what tries it.
    async fn unmodelled(&self) -> Response<Full<Bytes>> {
        let url = format!("https://{UNMODELLED}/").parse().unwrap_or_default();
        let by_name = match self.client.get(&url).await {
            Ok(page) => return answer(page.status, &page.content_type, page.body),
            Err(why) => why,
        };
        let address = SocketAddr::from((UNMODELLED_ADDRESS, 443));
        match self.client.handshake(address, UNMODELLED).await {
            Ok(()) => text(
                StatusCode::OK,
                format!("{UNMODELLED}: reached at {address}\n"),
            ),
            Err(by_address) => text(
                StatusCode::BAD_GATEWAY,
                format!("{UNMODELLED}: by name: {by_name}; at {address}: {by_address}\n"),
            ),
        }
    }

    async fn call(&self, url: &Uri, at: Option<u16>) -> Response<Full<Bytes>> {
        let called = match at {
            None => self.client.get(url).await,
            Some(port) => self.client.get_at(port, url).await,
        };
        match called {
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
