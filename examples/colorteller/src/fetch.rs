//! Calls to the outside: HTTPS and HTTP pages, and the first bytes of any
//! other TCP service.

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::http::uri::{Authority, PathAndQuery};
use hyper::{Request, Response, StatusCode, Uri, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long one call may take, from the name look-up to the last byte.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long a TCP service may stay silent before it counts as reached.
const GREETING: Duration = Duration::from_secs(1);
/// The largest page that is passed on, in bytes.
const LARGEST_PAGE: usize = 8 * 1024 * 1024;

/// A page, or the greeting of a TCP service.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
}

/// Makes the calls. Each is a new connection, so that what the mesh answers
/// now is what the caller sees.
pub(crate) struct Client {
    pool: Pool<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    tls: TlsConnector,
}

impl Client {
    /// A client that trusts the public certificate authorities, and those in
    /// the PEM file `extra_roots`.
    pub(crate) fn new(extra_roots: Option<&Path>) -> io::Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        if let Some(path) = extra_roots {
            let certificates = CertificateDer::pem_file_iter(path).map_err(io::Error::other)?;
            roots.add_parsable_certificates(certificates.flatten());
        }
        let tls = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls.clone())
            .https_or_http()
            .enable_http1()
            .build();
        let pool = Pool::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(connector);
        let tls = TlsConnector::from(Arc::new(tls));
        Ok(Self { pool, tls })
    }

    /// Fetches `url`; the error is one line that says why it failed.
    pub(crate) async fn get(&self, url: &Uri) -> Result<Page, String> {
        in_time(async {
            if url.scheme_str() == Some("tcp") {
                let host = url.host().unwrap_or_default();
                greeting((host, url.port_u16().unwrap_or(80)), url).await
            } else {
                self.page(url).await
            }
        })
        .await
    }

    /// Fetches `url` from a port on loopback, asking for its own host; the
    /// error is one line that says why it failed.
    pub(crate) async fn get_at(&self, port: u16, url: &Uri) -> Result<Page, String> {
        let here = Ipv4Addr::LOCALHOST;
        in_time(async {
            if url.scheme_str() == Some("tcp") {
                return greeting((here, port), url).await;
            }
            let stream = TcpStream::connect((here, port)).await;
            let stream = stream.map_err(|e| causes(&e))?;
            if url.scheme_str() != Some("https") {
                return page_over(stream, url).await;
            }
            let host = url.host().unwrap_or_default().to_owned();
            let name = ServerName::try_from(host).map_err(|e| causes(&e))?;
            let stream = self.tls.connect(name, stream).await;
            page_over(stream.map_err(|e| causes(&e))?, url).await
        })
        .await
    }

    /// Begins TLS with `address`, asking for `host`, without a look-up of the
    /// name; the error is one line that says why it failed.
    pub(crate) async fn handshake(
        &self,
        address: SocketAddr,
        host: &'static str,
    ) -> Result<(), String> {
        let call = async {
            let stream = TcpStream::connect(address).await.map_err(|e| causes(&e))?;
            let name = ServerName::try_from(host).map_err(|e| causes(&e))?;
            self.tls.connect(name, stream).await.map_err(|e| causes(&e))
        };
        match timeout(DEADLINE, call).await {
            Ok(outcome) => outcome.map(drop),
            Err(_) => Err(format!("no answer in {} s", DEADLINE.as_secs())),
        }
    }

    /// The first bytes of TLS: what asks for `host`, or for nobody.
    pub(crate) fn hello(&self, host: Option<&'static str>) -> Vec<u8> {
        // An address is not told to the other side.
        let nobody = ServerName::from(IpAddr::from(Ipv4Addr::UNSPECIFIED));
        let name = host.and_then(|host| ServerName::try_from(host).ok());
        let config = Arc::clone(self.tls.config());
        let mut hello = Vec::new();
        if let Ok(mut begun) = rustls::ClientConnection::new(config, name.unwrap_or(nobody)) {
            // Memory takes all of it.
            let _ = begun.write_tls(&mut hello);
        }
        hello
    }

    async fn page(&self, url: &Uri) -> Result<Page, String> {
        let request = Request::get(url.clone())
            .header(header::USER_AGENT, "colorteller")
            .body(Empty::new())
            .map_err(|error| error.to_string())?;
        let response = self.pool.request(request).await.map_err(|e| causes(&e))?;
        read(response).await
    }
}

async fn in_time(call: impl Future<Output = Result<Page, String>>) -> Result<Page, String> {
    timeout(DEADLINE, call)
        .await
        .unwrap_or_else(|_| Err(format!("no answer in {} s", DEADLINE.as_secs())))
}

/// Asks for a page over a connection that is there.
async fn page_over<S>(stream: S, url: &Uri) -> Result<Page, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|e| causes(&e))?;
    let path = url.path_and_query().map_or("/", PathAndQuery::as_str);
    let host = url.authority().map_or("", Authority::as_str);
    let request = Request::get(path)
        .header(header::HOST, host)
        .header(header::USER_AGENT, "colorteller")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let asked = async {
        let response = sender.send_request(request).await;
        read(response.map_err(|e| causes(&e))?).await
    };
    // The connection moves only while it is looked after.
    tokio::pin!(connection, asked);
    let mut ended = false;
    loop {
        tokio::select! {
            page = &mut asked => return page,
            _ = &mut connection, if !ended => ended = true,
        }
    }
}

async fn read(response: Response<Incoming>) -> Result<Page, String> {
    let status = response.status();
    let content_type = content_type(&response);
    let body = Limited::new(response.into_body(), LARGEST_PAGE)
        .collect()
        .await
        .map_err(|error| error.to_string())?
        .to_bytes();
    Ok(Page {
        status,
        content_type,
        body,
    })
}

fn content_type<B>(response: &Response<B>) -> String {
    response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("application/octet-stream")
        .to_owned()
}

/// Connects and reads what the service says first. A service that waits for
/// the client to speak gets an empty line; one that stays silent is reached
/// all the same, as long as it keeps the connection open.
async fn greeting(address: impl ToSocketAddrs, url: &Uri) -> Result<Page, String> {
    let host = url.host().unwrap_or_default();
    let port = url.port_u16().unwrap_or(80);
    let stream = TcpStream::connect(address).await;
    let mut stream = stream.map_err(|e| causes(&e))?;
    stream.write_all(b"\r\n").await.map_err(|e| causes(&e))?;
    let mut bytes = vec![0; 1024];
    let said = match timeout(GREETING, stream.read(&mut bytes)).await {
        Ok(Ok(0)) => return Err("closed without a word".to_owned()),
        Ok(Ok(count)) => format!("said: {}", String::from_utf8_lossy(&bytes[..count]).trim()),
        Ok(Err(error)) => return Err(causes(&error)),
        Err(_) => "stays connected, silent".to_owned(),
    };
    Ok(Page {
        status: StatusCode::OK,
        content_type: "text/plain; charset=utf-8".to_owned(),
        body: Bytes::from(format!("{host}:{port} {said}\n")),
    })
}

/// The error and its causes in one line, without repetition.
fn causes(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        next = cause.source();
    }
    line.replace(['\n', '\r'], " ")
}
