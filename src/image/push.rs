//! An image into a registry, if it is not there yet.

use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::{Method, Uri};

use super::client::{Client, Target, location, retried, stated_digest};
use super::manifest::{Descriptor, media};
use super::{Base, Derived, Digest, Image, RegistryError};

const OCTETS: &str = "application/octet-stream";

/// What a push did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The image's name in the repository.
    pub digest: Digest,
    /// False when the registry had the image before.
    pub uploaded: bool,
}

/// Puts an image into a repository. It gets a tag as well, made from its
/// digest, which is never moved to another image.
pub async fn push(image: &Image, target: &Target) -> Result<Pushed, RegistryError> {
    let client = Client::new(target)?;
    let uploaded = !is_there(&client, &image.digest).await?;
    if uploaded {
        tokio::try_join!(blob(&client, &image.config), blob(&client, &image.layer))?;
        let tag = image.digest.tag();
        manifest(&client, &image.manifest, &image.digest, tag).await?;
    }
    Ok(Pushed {
        digest: image.digest.clone(),
        uploaded,
    })
}

/// Puts an image that is over another into a repository, with those layers of
/// the other that the repository lacks.
pub async fn push_derived(image: &Derived, target: &Target) -> Result<Pushed, RegistryError> {
    let client = Client::new(target)?;
    let uploaded = !is_there(&client, &image.digest).await?;
    if uploaded {
        if let Some(base) = &image.base {
            for layer in &base.layers {
                copy(&client, base, layer).await?;
            }
        }
        tokio::try_join!(blob(&client, &image.config), blob(&client, &image.layer))?;
        manifest(&client, &image.manifest, &image.digest, &image.tag()).await?;
    }
    Ok(Pushed {
        digest: image.digest.clone(),
        uploaded,
    })
}

/// One layer at a time, since each is held in memory.
async fn copy(client: &Client, base: &Base, layer: &Descriptor) -> Result<(), RegistryError> {
    let uri = client.uri(&format!("blobs/{}", layer.digest))?;
    if exists(client, &uri, &layer.digest).await? {
        return Ok(());
    }
    let bytes = base.layer(layer).await?;
    retried(|| upload(client, &layer.digest, bytes.clone())).await
}

async fn is_there(client: &Client, image: &Digest) -> Result<bool, RegistryError> {
    let uri = client.uri(&format!("manifests/{image}"))?;
    exists(client, &uri, image).await
}

async fn exists(client: &Client, uri: &Uri, digest: &Digest) -> Result<bool, RegistryError> {
    let header = || Some((ACCEPT, media::MANIFEST));
    match retried(|| client.send(Method::HEAD, uri, header(), Bytes::new())).await {
        Ok(answer) => agrees(digest, stated_digest(answer.headers())).map(|()| true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

async fn blob(client: &Client, bytes: &[u8]) -> Result<(), RegistryError> {
    let digest = Digest::of(bytes);
    let uri = client.uri(&format!("blobs/{digest}"))?;
    if exists(client, &uri, &digest).await? {
        return Ok(());
    }
    let bytes = Bytes::copy_from_slice(bytes);
    retried(|| upload(client, &digest, bytes.clone())).await
}

// The three requests of Docker and crane, which every registry takes; the
// shorter way with one request is optional and ECR does not document it.
async fn upload(client: &Client, digest: &Digest, bytes: Bytes) -> Result<(), RegistryError> {
    let octets = || Some((CONTENT_TYPE, OCTETS));
    let start = client.uri("blobs/uploads/")?;
    let started = client.send(Method::POST, &start, None, Bytes::new());
    let session = location(&start, started.await?.headers())?;
    let sent = client.send(Method::PATCH, &session, octets(), bytes);
    let session = location(&session, sent.await?.headers())?;
    let end = with_digest(&session, digest)?;
    let stored = client.send(Method::PUT, &end, octets(), Bytes::new());
    agrees(digest, stated_digest(stored.await?.headers()))
}

async fn manifest(
    client: &Client,
    bytes: &[u8],
    digest: &Digest,
    tag: &str,
) -> Result<(), RegistryError> {
    let uri = client.uri(&format!("manifests/{tag}"))?;
    let body = Bytes::copy_from_slice(bytes);
    let header = || Some((CONTENT_TYPE, media::MANIFEST));
    let stored = retried(|| client.send(Method::PUT, &uri, header(), body.clone())).await?;
    agrees(digest, stated_digest(stored.headers()))
}

fn with_digest(session: &Uri, digest: &Digest) -> Result<Uri, RegistryError> {
    let separator = if session.query().is_some() { '&' } else { '?' };
    let text = format!("{session}{separator}digest={digest}");
    text.parse().map_err(|_| RegistryError::Address(text))
}

fn agrees(expected: &Digest, stated: Option<Digest>) -> Result<(), RegistryError> {
    match stated {
        Some(actual) if actual != *expected => Err(RegistryError::Digest {
            expected: expected.clone(),
            actual,
        }),
        _ => Ok(()),
    }
}
