//! Blobs that are stored.

use super::refusal::Refusal;
use super::{file, not_allowed};
use crate::account::Account;
use crate::image::{Digest, Store, StoreError};
use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

pub(super) fn answer(account: &Account, method: &Method, name: &str) -> Result<Response, Refusal> {
    let digest = parse(name)?;
    let store = account.images();
    match *method {
        Method::HEAD => found(&store, &digest, |_| Ok(Body::empty())),
        Method::GET => found(&store, &digest, |length| {
            Ok(file::body(store.file(&digest)?, length))
        }),
        // Blobs go with the images that need them, as on ECR.
        _ => Err(not_allowed(method)),
    }
}

pub(super) fn parse(name: &str) -> Result<Digest, Refusal> {
    name.parse().map_err(|error: crate::image::InvalidDigest| {
        Refusal::new("DIGEST_INVALID", error.to_string())
    })
}

/// The answer to an upload that became a blob.
pub(super) fn created(repository: &str, digest: &Digest) -> Response {
    let headers = [
        ("location", format!("/v2/{repository}/blobs/{digest}")),
        ("docker-content-digest", digest.to_string()),
    ];
    (StatusCode::CREATED, headers).into_response()
}

fn found(
    store: &Store,
    digest: &Digest,
    body: impl FnOnce(u64) -> Result<Body, StoreError>,
) -> Result<Response, Refusal> {
    let length = store.size(digest);
    let length = length.ok_or_else(|| StoreError::Unknown(digest.clone()))?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_LENGTH, length.to_string()),
    ];
    let name = [("docker-content-digest", digest.to_string())];
    Ok((headers, name, body(length)?).into_response())
}
