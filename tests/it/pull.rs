//! Images of other registries: tokens, and lists for several platforms.

use crate::elf::program;
use crate::local::Local;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use colormesh::image::{self, Digest, Image, Reference, Store, media};
use std::net::SocketAddr;
use std::sync::Arc;

/// A registry that holds one image, for two platforms, and wants a token.
pub(crate) async fn public_registry(image: Image) -> (SocketAddr, Digest) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let index = index(&image);
    let digest = Digest::of(index.as_bytes());
    let image = Arc::new((image, index));
    let answer = move |request: Request| {
        let image = Arc::clone(&image);
        async move { answer(address, &image.0, &image.1, &request) }
    };
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, digest)
}

fn index(image: &Image) -> String {
    let entry = |architecture: &str, digest: &Digest, size: usize| {
        serde_json::json!({
            "mediaType": media::MANIFEST, "digest": digest, "size": size,
            "platform": { "architecture": architecture, "os": "linux" },
        })
    };
    let other = entry("s390x", &Digest::of(b"other"), 5);
    let ours = image::Architecture::of_this_machine().unwrap();
    let ours = entry(ours.as_str(), &image.digest, image.manifest.len());
    serde_json::json!({
        "schemaVersion": 2, "mediaType": media::INDEX, "manifests": [other, ours],
    })
    .to_string()
}

fn answer(address: SocketAddr, image: &Image, index: &str, request: &Request) -> Response {
    let path = request.uri().path();
    if path == "/token" {
        assert_eq!(
            request.uri().query(),
            Some("service=test&scope=repository:a/b:pull")
        );
        return r#"{"token":"secret"}"#.into_response();
    }
    if !authorized(request.headers()) {
        let challenge = format!(
            r#"Bearer realm="http://{address}/token",service="test",scope="repository:a/b:pull""#
        );
        return (StatusCode::UNAUTHORIZED, [("www-authenticate", challenge)]).into_response();
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    let blobs = [&image.config, &image.layer];
    let blob = blobs
        .into_iter()
        .find(|blob| Digest::of(blob).as_str() == name);
    match blob {
        Some(blob) => blob.clone().into_response(),
        None if name == image.digest.as_str() => {
            ([("content-type", media::MANIFEST)], image.manifest.clone()).into_response()
        }
        None if path.contains("/manifests/") => {
            ([("content-type", media::INDEX)], index.to_owned()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn authorized(headers: &HeaderMap) -> bool {
    let value = headers.get("authorization");
    value.is_some_and(|value| value == "Bearer secret")
}

#[tokio::test]
async fn a_public_image_for_several_platforms() {
    let folder = tempfile::tempdir().unwrap();
    let image = image::build(&program(folder.path(), "public")).unwrap();
    let (address, index) = public_registry(image.clone()).await;
    let reference: Reference = format!("{address}/a/b:v1@{index}").parse().unwrap();
    let store = Store::new(folder.path().join("store"));
    let pulled = image::pull(&reference, None, &store).await.unwrap();
    assert_eq!(pulled, image.digest);
    let into = folder.path().join("roots");
    let by_index = image::unpack(&store, &index, &into).unwrap();
    assert_eq!(by_index, image::unpack(&store, &pulled, &into).unwrap());
}

#[tokio::test]
async fn a_pull_that_breaks_off_leaves_no_document() {
    let folder = tempfile::tempdir().unwrap();
    let mut image = image::build(&program(folder.path(), "public")).unwrap();
    image.layer = b"not the layer that the manifest names".to_vec();
    let (address, index) = public_registry(image.clone()).await;
    let reference: Reference = format!("{address}/a/b@{index}").parse().unwrap();
    let store = Store::new(folder.path().join("store"));
    let error = image::pull(&reference, None, &store).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert!(!store.contains(&image.digest) && !store.contains(&index));
}

#[tokio::test]
async fn an_image_is_pushed_and_pulled_through_a_kill() {
    let local = Local::start().await;
    let folder = local.folder.path();
    let image = image::build(&program(folder, "kept")).unwrap();
    let ecr = aws_sdk_ecr::Client::new(&local.sdk().await);
    let made = ecr.create_repository().repository_name("app");
    made.send().await.unwrap();
    image::push(&image, &local.target("app").await)
        .await
        .unwrap();
    // Nothing is told to end: only what is on the disk counts.
    let again = Local::start_in(tempfile::tempdir().unwrap(), &folder.join("state")).await;
    let pushed = image::push(&image, &again.target("app").await)
        .await
        .unwrap();
    assert!(!pushed.uploaded);
}
