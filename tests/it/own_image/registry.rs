//! A registry on loopback, as public ones are: read-only, and with a token
//! that anybody gets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use colormesh::image::media;

use super::image::Image;

/// Whether the registry wants a token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Wanted,
    NotWanted,
}

/// A registry that ends with the test.
pub(crate) struct Registry {
    pub(crate) address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

/// Images by `repository:tag`.
type Images = BTreeMap<String, Image>;

// === impl Registry ===

impl Registry {
    pub(crate) fn start(token: Token, images: Vec<(&str, Image)>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let images = images
            .into_iter()
            .map(|(name, image)| (name.to_owned(), image));
        let images: Arc<Images> = Arc::new(images.collect());
        let answer = move |request: Request| {
            let images = Arc::clone(&images);
            async move { answer(address, token, &images, &request) }
        };
        let router = Router::new().fallback(answer);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            _runtime: runtime,
        }
    }

    pub(crate) fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }
}

fn answer(address: SocketAddr, token: Token, images: &Images, request: &Request) -> Response {
    let path = request.uri().path();
    if path == "/token" {
        return r#"{"token":"anybody"}"#.into_response();
    }
    let sent = request.headers().get("authorization");
    if token == Token::Wanted && sent.is_none_or(|sent| sent != "Bearer anybody") {
        let challenge = format!(r#"Bearer realm="http://{address}/token",service="test""#);
        return (StatusCode::UNAUTHORIZED, [("www-authenticate", challenge)]).into_response();
    }
    let mut parts = path.rsplit('/');
    let (Some(version), Some(kind)) = (parts.next(), parts.next()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let blob = || images.values().find_map(|image| image.blobs.get(version));
    let manifest = || {
        let repository = path.strip_prefix("/v2/")?.split("/manifests/").next()?;
        let named = |name: &str, image: &Image| {
            let (of, tag) = name.split_once(':').unwrap();
            of == repository && (tag == version || image.digest() == version)
        };
        let found = images.iter().find(|(name, image)| named(name, image));
        Some(found?.1.manifest.clone())
    };
    match kind {
        "blobs" => blob().map(|blob| blob.clone().into_response()),
        _ => manifest().map(|text| ([("content-type", media::MANIFEST)], text).into_response()),
    }
    .unwrap_or_else(|| unknown(kind))
}

fn unknown(kind: &str) -> Response {
    let text = format!(r#"{{"errors":[{{"code":"UNKNOWN","message":"{kind} unknown"}}]}}"#);
    (StatusCode::NOT_FOUND, text).into_response()
}
