//! One repository of a registry, over the OCI distribution API.
//!
//! Sends requests, tries again what may pass, and says what the registry
//! answered. What is sent in which order is for `push` and `pull`.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, WWW_AUTHENTICATE,
};
use hyper::{Method, Request, Response, StatusCode, Uri};

use tokio::sync::OnceCell;

use super::bearer::{self, Challenge};
use super::transport::{Transport, is_loopback};
use super::{Digest, RegistryError};

/// How often something is tried before its error is told.
const ATTEMPTS: u32 = 5;
/// The wait before the second attempt; doubled before each further one.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// How long a registry may take for its answer, an upload included.
const TIMEOUT: Duration = Duration::from_mins(5);
/// Documents and errors are small; a registry that sends more is not one.
const MAXIMUM_DOCUMENT: usize = 4 << 20;
/// How often a registry may send us elsewhere.
const MAXIMUM_REDIRECTS: u32 = 5;

/// A repository, and what opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The registry, as a URL or as `host:port`. Without a scheme it is
    /// `http` on this machine and `https` elsewhere.
    pub registry: String,
    /// The repository's name.
    pub repository: String,
    /// The token that ECR gives: `user:password` in Base64.
    pub authorization: Option<String>,
}

/// A repository that can be asked.
#[derive(Clone, Debug)]
pub(super) struct Client {
    base: Uri,
    repository: String,
    authorization: Option<HeaderValue>,
    /// What the registry's token service gave for the first.
    token: Arc<OnceCell<HeaderValue>>,
    transport: Transport,
}

/// One answer whose body is still to come.
pub(super) type Answer = Response<Incoming>;

// === impl Target ===

impl Target {
    fn base(&self) -> Result<Uri, RegistryError> {
        let invalid = || RegistryError::Address(self.registry.clone());
        let text = self.registry.trim_end_matches('/');
        let with_scheme = if text.contains("://") {
            text.to_owned()
        } else {
            let uri: Uri = text.parse().map_err(|_| invalid())?;
            let loopback = uri.host().is_some_and(is_loopback);
            format!("{}://{text}", if loopback { "http" } else { "https" })
        };
        let uri: Uri = with_scheme.parse().map_err(|_| invalid())?;
        is_safe(&uri).then_some(uri).ok_or_else(invalid)
    }
}

// Credentials and images never cross a network in the clear.
fn is_safe(uri: &Uri) -> bool {
    let loopback = uri.host().is_some_and(is_loopback);
    uri.host().is_some()
        && (uri.scheme_str() == Some("https") || (uri.scheme_str() == Some("http") && loopback))
}

// === impl Client ===

impl Client {
    pub(super) fn new(target: &Target) -> Result<Self, RegistryError> {
        let base = target.base()?;
        let transport = Transport::to(&base).map_err(RegistryError::Roots)?;
        let authorization = match &target.authorization {
            Some(token) => Some(authorization(token)?),
            None => None,
        };
        Ok(Self {
            base,
            repository: target.repository.clone(),
            authorization,
            token: Arc::default(),
            transport,
        })
    }

    /// The address of something in this repository.
    pub(super) fn uri(&self, rest: &str) -> Result<Uri, RegistryError> {
        let base = self.base.to_string();
        let base = base.trim_end_matches('/');
        let text = format!("{base}/v2/{}/{rest}", self.repository);
        text.parse().map_err(|_| RegistryError::Address(text))
    }

    /// One request, without a second attempt; only a success is an answer.
    pub(super) async fn send(
        &self,
        method: Method,
        uri: &Uri,
        header: Option<(HeaderName, &str)>,
        body: Bytes,
    ) -> Result<Answer, RegistryError> {
        let mut uri = uri.clone();
        for _ in 0..=MAXIMUM_REDIRECTS {
            let request = self.request(&method, &uri, header.as_ref(), body.clone())?;
            let answer = self.exchange(&uri, request).await?;
            if answer.status().is_redirection() {
                uri = location(&uri, answer.headers())?;
            } else if let Some(challenge) = self.challenge(&uri, &answer) {
                let token = || self.fetch_token(&challenge);
                self.token.get_or_try_init(token).await?;
            } else {
                return succeeded(method, &uri, answer).await;
            }
        }
        Err(RegistryError::Redirects(uri.to_string()))
    }

    fn request(
        &self,
        method: &Method,
        uri: &Uri,
        header: Option<&(HeaderName, &str)>,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, RegistryError> {
        let mut request = Request::builder().method(method).uri(uri);
        if let Some((name, value)) = header {
            request = request.header(name, *value);
        }
        // A registry that sends us to its storage gives the address its own
        // signature; our token is for the registry alone.
        let token = self.token.get().or(self.authorization.as_ref());
        if let Some(token) = token.filter(|_| self.is_ours(uri)) {
            request = request.header(AUTHORIZATION, token);
        }
        let invalid = |_| RegistryError::Address(uri.to_string());
        request.body(Full::new(body)).map_err(invalid)
    }

    /// Where to get a token, when this answer asks for one that we lack.
    fn challenge(&self, uri: &Uri, answer: &Answer) -> Option<Challenge> {
        let asks = answer.status() == StatusCode::UNAUTHORIZED
            && self.is_ours(uri)
            && !self.token.initialized();
        let header = answer.headers().get(WWW_AUTHENTICATE).filter(|_| asks)?;
        Challenge::parse(header.to_str().ok()?)
    }

    async fn fetch_token(&self, challenge: &Challenge) -> Result<HeaderValue, RegistryError> {
        let text = challenge.address();
        let uri: Uri = text.parse().map_err(|_| RegistryError::Address(text))?;
        let mut request = Request::get(&uri);
        if let Some(credentials) = &self.authorization {
            request = request.header(AUTHORIZATION, credentials);
        }
        let invalid = |_| RegistryError::Address(uri.to_string());
        let request = request.body(Full::default()).map_err(invalid)?;
        let answer = self.exchange(&uri, request).await?;
        let answer = succeeded(Method::GET, &uri, answer).await?;
        bearer::authorization(&document(answer).await?)
    }

    fn is_ours(&self, uri: &Uri) -> bool {
        uri.authority() == self.base.authority() && uri.scheme() == self.base.scheme()
    }

    async fn exchange(
        &self,
        uri: &Uri,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, RegistryError> {
        if !is_safe(uri) {
            return Err(RegistryError::Address(uri.to_string()));
        }
        let elsewhere;
        let transport = if uri.scheme() == self.base.scheme() {
            &self.transport
        } else {
            elsewhere = Transport::to(uri).map_err(RegistryError::Roots)?;
            &elsewhere
        };
        match tokio::time::timeout(TIMEOUT, transport.send(request)).await {
            Ok(answer) => answer.map_err(|source| RegistryError::Connection {
                address: uri.to_string(),
                source: Box::new(source),
            }),
            Err(_) => Err(RegistryError::Timeout(uri.to_string())),
        }
    }
}

/// Tries something again, with growing waits, while its error may pass.
pub(super) async fn retried<T, F>(attempt: impl Fn() -> F) -> Result<T, RegistryError>
where
    F: Future<Output = Result<T, RegistryError>>,
{
    let mut wait = FIRST_WAIT;
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(error) if error.may_pass() => tokio::time::sleep(wait).await,
            answer => return answer,
        }
        wait *= 2;
    }
    attempt().await
}

/// The whole body of an answer that is a document.
pub(super) async fn document(answer: Answer) -> Result<Bytes, RegistryError> {
    match Limited::new(answer.into_body(), MAXIMUM_DOCUMENT)
        .collect()
        .await
    {
        Ok(body) => Ok(body.to_bytes()),
        Err(source) => Err(RegistryError::Body(source)),
    }
}

/// The address to go on with, which may be relative.
pub(super) fn location(from: &Uri, headers: &HeaderMap) -> Result<Uri, RegistryError> {
    let missing = || RegistryError::Location(from.to_string());
    let text = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let text = text.ok_or_else(missing)?;
    if !text.starts_with('/') {
        return text.parse().map_err(|_| missing());
    }
    let mut parts = from.clone().into_parts();
    parts.path_and_query = Some(text.parse().map_err(|_| missing())?);
    Uri::from_parts(parts).map_err(|_| missing())
}

/// The digest that a registry says an answer has, if it says one.
pub(super) fn stated_digest(headers: &HeaderMap) -> Option<Digest> {
    let text = headers.get("docker-content-digest")?.to_str().ok()?;
    text.parse().ok()
}

/// The media type of an answer.
pub(super) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    text.split(';').next().map(str::trim)
}

fn authorization(token: &str) -> Result<HeaderValue, RegistryError> {
    let mut value = HeaderValue::from_str(&format!("Basic {token}"))
        .map_err(|_| RegistryError::Authorization)?;
    value.set_sensitive(true);
    Ok(value)
}

async fn succeeded(method: Method, uri: &Uri, answer: Answer) -> Result<Answer, RegistryError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let body = match document(answer).await {
        Ok(body) => body,
        Err(_) => Bytes::new(),
    };
    Err(refusal(method, uri, status, &body))
}

fn refusal(method: Method, uri: &Uri, status: StatusCode, body: &[u8]) -> RegistryError {
    #[derive(serde::Deserialize)]
    struct Errors {
        errors: Vec<Error>,
    }
    #[derive(serde::Deserialize)]
    struct Error {
        code: String,
        #[serde(default)]
        message: String,
    }
    let errors = serde_json::from_slice::<Errors>(body).map_or(Vec::new(), |body| body.errors);
    let said = errors.into_iter().next();
    RegistryError::Refused {
        method,
        address: uri.to_string(),
        status,
        said: said.map_or(String::new(), |error| {
            format!(": {} ({})", error.message, error.code)
        }),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn base(registry: &str) -> Option<String> {
        let target = Target {
            registry: registry.to_owned(),
            repository: "a".to_owned(),
            authorization: None,
        };
        target.base().ok().map(|uri| uri.to_string())
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        for (registry, expected) in [
            ("127.0.0.1:4567", Some("http://127.0.0.1:4567/")),
            ("localhost:4567", Some("http://localhost:4567/")),
            ("http://127.0.0.1:4567/", Some("http://127.0.0.1:4567/")),
            (
                "1.dkr.ecr.us-west-2.amazonaws.com",
                Some("https://1.dkr.ecr.us-west-2.amazonaws.com/"),
            ),
            ("http://registry.example", None),
            ("ftp://127.0.0.1", None),
            ("", None),
        ] {
            assert_eq!(base(registry).as_deref(), expected, "{registry}");
        }
    }

    #[test]
    fn a_relative_location_stays_with_the_registry() {
        let from: Uri = "http://127.0.0.1:1/v2/a/blobs/uploads/".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_static("/v2/a/x?s=1"));
        assert_eq!(
            location(&from, &headers).unwrap(),
            "http://127.0.0.1:1/v2/a/x?s=1"
        );
    }
}
