//! Manifests: what makes blobs an image.

use super::refusal::Refusal;
use super::{blobs, not_allowed};
use crate::account::clock::Timestamp;
use crate::account::ecr::{ImageId, StoredImage};
use crate::account::{Account, ApiError};
use crate::image::{Digest, Index, Manifest, Reference, Store, StoreError, media};
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use std::collections::BTreeSet;

/// ECR's limit for a manifest.
const MAXIMUM: usize = 4 << 20;

pub(super) async fn answer(
    account: &Account,
    request: Request,
    repository: &str,
    version: &str,
) -> Result<Response, Refusal> {
    if version.contains(':') {
        blobs::parse(version)?;
    }
    match *request.method() {
        Method::GET | Method::HEAD => get(account, request.method(), repository, version),
        Method::PUT => put(account, request, repository, version).await,
        Method::DELETE => {
            let answer = delete(account, repository, version)?;
            account.flush().await;
            Ok(answer)
        }
        _ => Err(not_allowed(request.method())),
    }
}

/// No image here refers to another.
pub(super) fn no_referrers() -> Response {
    let body = serde_json::json!({
        "schemaVersion": 2, "mediaType": media::INDEX, "manifests": []
    });
    ([(CONTENT_TYPE, media::INDEX)], body.to_string()).into_response()
}

fn get(
    account: &Account,
    method: &Method,
    repository: &str,
    version: &str,
) -> Result<Response, Refusal> {
    let found = account.repository(repository, |repository| {
        let digest = repository.find(version)?;
        let image = repository.images.get(digest)?;
        Some((digest.clone(), image.media_type.clone()))
    })?;
    let (digest, media_type) = found.ok_or_else(|| unknown(repository, version))?;
    let bytes = account
        .images()
        .read(&digest)
        .map_err(|error| damaged(&error))?;
    if method == Method::GET {
        account.image_pulled(repository, &digest);
    }
    let headers = [
        (CONTENT_TYPE, media_type),
        (CONTENT_LENGTH, bytes.len().to_string()),
    ];
    let name = [("docker-content-digest", digest.to_string())];
    Ok((headers, name, bytes).into_response())
}

// The client asked for nothing wrong: our disk has changed under us.
fn damaged(error: &StoreError) -> Refusal {
    Refusal::internal(error.to_string())
}

async fn put(
    account: &Account,
    request: Request,
    repository: &str,
    version: &str,
) -> Result<Response, Refusal> {
    let media_type = content_type(&request);
    let bytes = to_bytes(request.into_body(), MAXIMUM)
        .await
        .map_err(|error| Refusal::new("MANIFEST_INVALID", error.to_string()))?;
    let digest = store(account, repository, version, &media_type, &bytes)?;
    account.flush().await;
    let headers = [
        ("location", format!("/v2/{repository}/manifests/{digest}")),
        ("docker-content-digest", digest.to_string()),
    ];
    Ok((StatusCode::CREATED, headers).into_response())
}

/// Adds a manifest under a tag or its digest.
fn store(
    account: &Account,
    repository: &str,
    version: &str,
    media_type: &str,
    bytes: &[u8],
) -> Result<Digest, Refusal> {
    let digest = Digest::of(bytes);
    let tag = match version.parse::<Digest>() {
        Ok(expected) if expected != digest => {
            let actual = digest;
            return Err(StoreError::Mismatch { expected, actual }.into());
        }
        Ok(_) => None,
        Err(_) if Reference::is_tag(version) => Some(version),
        Err(_) => {
            return Err(Refusal::new(
                "TAG_INVALID",
                format!("`{version}` is no tag"),
            ));
        }
    };
    let images = account.images();
    let image = read(account, &images, repository, media_type, bytes)?;
    images.write(bytes)?;
    account.put_image(repository, &digest, tag, image)?;
    Ok(digest)
}

fn read(
    account: &Account,
    store: &Store,
    repository: &str,
    media_type: &str,
    bytes: &[u8],
) -> Result<StoredImage, Refusal> {
    match media_type {
        media::MANIFEST | media::DOCKER_MANIFEST => image(store, media_type, &parse(bytes)?),
        media::INDEX | media::DOCKER_LIST => index(account, repository, media_type, &parse(bytes)?),
        other => Err(Refusal::new(
            "MANIFEST_INVALID",
            format!("the media type `{other}` is not one of a manifest"),
        )),
    }
}

fn image(store: &Store, media_type: &str, manifest: &Manifest) -> Result<StoredImage, Refusal> {
    for blob in manifest.blobs() {
        match store.size(&blob.digest) {
            Some(size) if size == blob.size => {}
            Some(size) => {
                let message = format!(
                    "the blob {} has {size} bytes, not {}",
                    blob.digest, blob.size
                );
                return Err(Refusal::new("SIZE_INVALID", message));
            }
            None => {
                let message = format!("the blob {} was not uploaded", blob.digest);
                return Err(Refusal::new("MANIFEST_BLOB_UNKNOWN", message));
            }
        }
    }
    Ok(StoredImage {
        media_type: media_type.to_owned(),
        artifact_media_type: Some(manifest.config.media_type.clone()),
        size: manifest.size(),
        pushed: Timestamp::now(),
        pulled: None,
        blobs: manifest.blobs().map(|blob| blob.digest.clone()).collect(),
    })
}

fn index(
    account: &Account,
    repository: &str,
    media_type: &str,
    index: &Index,
) -> Result<StoredImage, Refusal> {
    let digests = || index.manifests.iter().map(|manifest| &manifest.digest);
    let missing = account.repository(repository, |repository| {
        digests()
            .find(|digest| !repository.images.contains_key(digest))
            .cloned()
    })?;
    if let Some(digest) = missing {
        let message = format!("the manifest {digest} was not pushed");
        return Err(Refusal::new("MANIFEST_BLOB_UNKNOWN", message));
    }
    Ok(StoredImage {
        media_type: media_type.to_owned(),
        artifact_media_type: None,
        size: index.manifests.iter().map(|manifest| manifest.size).sum(),
        pushed: Timestamp::now(),
        pulled: None,
        blobs: digests().cloned().collect::<BTreeSet<_>>(),
    })
}

fn delete(account: &Account, repository: &str, version: &str) -> Result<Response, Refusal> {
    let by_digest = version.parse::<Digest>().is_ok();
    let version = version.to_owned();
    let id = ImageId {
        image_digest: by_digest.then(|| version.clone()),
        image_tag: (!by_digest).then(|| version.clone()),
    };
    let gone = account.delete_images(repository, &[id])?;
    if gone.iter().all(Option::is_none) {
        return Err(unknown(repository, &version));
    }
    Ok(StatusCode::ACCEPTED.into_response())
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes)
        .map_err(|error| Refusal::new("MANIFEST_INVALID", error.to_string()))
}

fn content_type(request: &Request) -> String {
    let value = request.headers().get(CONTENT_TYPE);
    let text = value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_owned()
}

fn unknown(repository: &str, version: &str) -> Refusal {
    let message = format!("the repository '{repository}' has no image '{version}'");
    Refusal::new("MANIFEST_UNKNOWN", message)
}

/// ECR's `PutImage`: the same, with its errors.
pub(in crate::endpoint) fn put_image(
    account: &Account,
    repository: &str,
    tag: Option<&str>,
    media_type: &str,
    manifest: &str,
) -> Result<Digest, ApiError> {
    account.repository(repository, |_| ())?;
    let digest = Digest::of(manifest.as_bytes());
    let version = tag.unwrap_or(digest.as_str());
    store(
        account,
        repository,
        version,
        media_type,
        manifest.as_bytes(),
    )
    .map_err(Refusal::into_api_error)
}
