//! Uploads: whole in one request, or begun, sent in pieces, and ended.

use super::refusal::Refusal;
use super::{blobs, not_allowed};
use crate::account::Account;
use crate::image::{Digest, Store, StoreError, UploadId};
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_RANGE;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;

pub(super) async fn begin(
    account: &Account,
    request: Request,
    repository: &str,
) -> Result<Response, Refusal> {
    if request.method() != Method::POST {
        return Err(not_allowed(request.method()));
    }
    let store = account.images();
    // All repositories share their blobs, so that mounting is looking.
    if let Some(digest) = parameter(&request, "mount").and_then(|name| name.parse().ok())
        && store.contains(&digest)
    {
        return Ok(blobs::created(repository, &digest));
    }
    let digest = digest(&request)?;
    let upload = store.begin()?;
    match digest {
        Some(digest) => {
            receive(&store, &upload, request.into_body()).await?;
            finish(store, upload, repository, digest).await
        }
        None => progress(&store, &upload, repository, StatusCode::ACCEPTED),
    }
}

pub(super) async fn proceed(
    account: &Account,
    request: Request,
    repository: &str,
    name: &str,
) -> Result<Response, Refusal> {
    let store = account.images();
    let upload = store.upload(name)?;
    match *request.method() {
        Method::GET => progress(&store, &upload, repository, StatusCode::NO_CONTENT),
        Method::DELETE => {
            store.abandon(&upload)?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        Method::PATCH => {
            in_order(&request, store.uploaded(&upload)?)?;
            receive(&store, &upload, request.into_body()).await?;
            progress(&store, &upload, repository, StatusCode::ACCEPTED)
        }
        Method::PUT => {
            let digest = digest(&request)?
                .ok_or_else(|| Refusal::new("DIGEST_INVALID", "the digest is missing"))?;
            in_order(&request, store.uploaded(&upload)?)?;
            receive(&store, &upload, request.into_body()).await?;
            finish(store, upload, repository, digest).await
        }
        _ => Err(not_allowed(request.method())),
    }
}

fn progress(
    store: &Store,
    upload: &UploadId,
    repository: &str,
    status: StatusCode,
) -> Result<Response, Refusal> {
    let last = store.uploaded(upload)?.saturating_sub(1);
    let name = upload.as_str();
    let headers = [
        ("location", format!("/v2/{repository}/blobs/uploads/{name}")),
        ("range", format!("0-{last}")),
        ("docker-upload-uuid", name.to_owned()),
    ];
    Ok((status, headers).into_response())
}

async fn receive(store: &Store, upload: &UploadId, mut body: Body) -> Result<(), Refusal> {
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| Refusal::new("BLOB_UPLOAD_INVALID", error.to_string()))?;
        if let Some(bytes) = frame.data_ref() {
            store.append(upload, bytes)?;
        }
    }
    Ok(())
}

// Reads the whole blob again and waits for the disk.
async fn finish(
    store: Store,
    upload: UploadId,
    repository: &str,
    digest: Digest,
) -> Result<Response, Refusal> {
    let response = blobs::created(repository, &digest);
    let work = move || -> Result<(), StoreError> { store.finish(&upload, &digest) };
    let outcome = tokio::task::spawn_blocking(work).await;
    outcome.map_err(|_| Refusal::internal("the upload could not be ended"))??;
    Ok(response)
}

// A piece may say where it belongs (`first-last`); one out of order is refused.
fn in_order(request: &Request, length: u64) -> Result<(), Refusal> {
    let Some(range) = request.headers().get(CONTENT_RANGE) else {
        return Ok(());
    };
    let range = range.to_str().unwrap_or_default();
    let range = range.strip_prefix("bytes ").unwrap_or(range);
    let first = range.split('-').next().and_then(|first| first.parse().ok());
    if first == Some(length) {
        return Ok(());
    }
    let message = format!("the piece `{range}` does not follow the {length} bytes before");
    Err(Refusal::new("BLOB_UPLOAD_INVALID", message).with_status(StatusCode::RANGE_NOT_SATISFIABLE))
}

fn digest(request: &Request) -> Result<Option<Digest>, Refusal> {
    let name = parameter(request, "digest");
    name.map(|name| blobs::parse(&name)).transpose()
}

fn parameter(request: &Request, name: &str) -> Option<String> {
    let pairs = request.uri().query()?.split('&');
    let value = pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)?
        .1;
    // The colon is the only escaped letter of a digest.
    Some(value.replace("%3A", ":").replace("%3a", ":"))
}
