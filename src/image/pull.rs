//! An image out of a registry: described, or brought into the store.

use http_body_util::BodyExt;
use hyper::Method;
use hyper::body::Bytes;
use hyper::header::ACCEPT;

use super::client::{Answer, Client, Target, document, media_type, retried, stated_digest};
use super::manifest::{Descriptor, ImageConfig, Index, Manifest, media};
use super::{Architecture, Base, Digest, Reference, RegistryError, Store};

/// Every form of manifest that we can read.
const KNOWN: &str = "application/vnd.oci.image.manifest.v1+json, \
    application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.docker.distribution.manifest.list.v2+json";

/// What a registry says of an image, without its layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The digest that the name stands for now; of an image for several
    /// platforms, that of the list.
    pub digest: Digest,
    /// The processor, of those that were asked for.
    pub architecture: Architecture,
    /// How the image is run.
    pub config: ImageConfig,
}

/// Asks a registry what an image is. It has to run on one of the processors
/// given; the first that it runs on counts.
pub async fn describe(
    reference: &Reference,
    authorization: Option<String>,
    processors: &[Architecture],
) -> Result<Described, RegistryError> {
    let client = client(reference, authorization)?;
    let documents = resolve(&client, reference, processors).await?;
    let config = configuration(&client, reference, &documents.manifest).await?;
    let mut fitting = processors.iter().copied();
    let fitting = fitting.find(|one| config.os == "linux" && config.architecture == one.as_str());
    Ok(Described {
        digest: documents.digest(),
        architecture: fitting.ok_or_else(|| other_platform(reference, processors))?,
        config,
    })
}

/// Asks a registry for what is needed to put something over an image for a
/// processor.
pub async fn base(
    reference: &Reference,
    authorization: Option<String>,
    processor: Architecture,
) -> Result<Base, RegistryError> {
    let client = client(reference, authorization.clone())?;
    let documents = resolve(&client, reference, &[processor]).await?;
    let config = configuration(&client, reference, &documents.manifest).await?;
    if config.architecture != processor.as_str() {
        return Err(other_platform(reference, &[processor]));
    }
    let digest = documents.digest();
    let manifest = documents.manifest;
    Ok(Base::new(
        reference,
        authorization,
        digest,
        manifest,
        config,
    ))
}

async fn configuration(
    client: &Client,
    reference: &Reference,
    manifest: &Manifest,
) -> Result<ImageConfig, RegistryError> {
    let digest = &manifest.config.digest;
    let uri = client.uri(&format!("blobs/{digest}"))?;
    let answer = retried(|| client.send(Method::GET, &uri, None, Bytes::new())).await?;
    let bytes = checked(document(answer).await?, Some(digest))?;
    parse(reference, &bytes)
}

/// Brings an image into the store and says its digest. Blobs that are stored
/// already are not fetched again. An image for several platforms gives the
/// one for this machine.
pub async fn pull(
    reference: &Reference,
    authorization: Option<String>,
    store: &Store,
) -> Result<Digest, RegistryError> {
    let client = client(reference, authorization)?;
    let processors: Vec<_> = Architecture::of_this_machine().into_iter().collect();
    let documents = resolve(&client, reference, &processors).await?;
    for descriptor in documents.manifest.blobs() {
        if store.size(&descriptor.digest) != Some(descriptor.size) {
            retried(|| fetch(&client, descriptor, store)).await?;
        }
    }
    // Last, and the index after the manifest: a document that is stored means
    // that all below it is stored too, even after a kill.
    let digest = store.write(&documents.bytes)?;
    if let Some(index) = &documents.index {
        store.write(index)?;
    }
    Ok(digest)
}

/// What says which blobs an image needs.
struct Documents {
    manifest: Manifest,
    bytes: Bytes,
    index: Option<Bytes>,
}

impl Documents {
    /// The digest that the image's name stands for.
    fn digest(&self) -> Digest {
        Digest::of(self.index.as_ref().unwrap_or(&self.bytes))
    }
}

fn client(reference: &Reference, authorization: Option<String>) -> Result<Client, RegistryError> {
    Client::new(&Target {
        registry: reference.registry.clone(),
        repository: reference.repository.clone(),
        authorization,
    })
}

async fn resolve(
    client: &Client,
    reference: &Reference,
    processors: &[Architecture],
) -> Result<Documents, RegistryError> {
    let (kind, bytes) = manifest(client, reference.version(), reference.digest.as_ref()).await?;
    let (bytes, index) = match kind.as_str() {
        media::INDEX | media::DOCKER_LIST => {
            let image = fitting(reference, &bytes, processors)?;
            let (_, image) = manifest(client, image.as_str(), Some(&image)).await?;
            (image, Some(bytes))
        }
        _ => (bytes, None),
    };
    Ok(Documents {
        manifest: parse(reference, &bytes)?,
        bytes,
        index,
    })
}

async fn manifest(
    client: &Client,
    version: &str,
    expected: Option<&Digest>,
) -> Result<(String, Bytes), RegistryError> {
    let uri = client.uri(&format!("manifests/{version}"))?;
    let header = || Some((ACCEPT, KNOWN));
    let answer = retried(|| client.send(Method::GET, &uri, header(), Bytes::new())).await?;
    let expected = expected.cloned().or(stated_digest(answer.headers()));
    let kind = media_type(answer.headers()).unwrap_or_default().to_owned();
    let bytes = checked(document(answer).await?, expected.as_ref())?;
    Ok((kind, bytes))
}

pub(super) fn checked(bytes: Bytes, expected: Option<&Digest>) -> Result<Bytes, RegistryError> {
    let actual = Digest::of(&bytes);
    match expected {
        Some(expected) if *expected != actual => Err(RegistryError::Digest {
            expected: expected.clone(),
            actual,
        }),
        _ => Ok(bytes),
    }
}

fn fitting(
    reference: &Reference,
    index: &[u8],
    processors: &[Architecture],
) -> Result<Digest, RegistryError> {
    let index: Index = parse(reference, index)?;
    let mut found = processors.iter().filter_map(|one| index.image_for(*one));
    let found = found.next().map(|descriptor| descriptor.digest.clone());
    found.ok_or_else(|| other_platform(reference, processors))
}

fn other_platform(reference: &Reference, processors: &[Architecture]) -> RegistryError {
    let names: Vec<&str> = processors.iter().map(|one| one.as_str()).collect();
    RegistryError::Platform {
        image: reference.to_string(),
        processors: names.join(" or "),
    }
}

fn parse<T: serde::de::DeserializeOwned>(
    reference: &Reference,
    bytes: &[u8],
) -> Result<T, RegistryError> {
    serde_json::from_slice(bytes)
        .map_err(|source| RegistryError::Document(reference.to_string(), source))
}

async fn fetch(
    client: &Client,
    descriptor: &Descriptor,
    store: &Store,
) -> Result<(), RegistryError> {
    let uri = client.uri(&format!("blobs/{}", descriptor.digest))?;
    let answer = client.send(Method::GET, &uri, None, Bytes::new()).await?;
    let upload = store.begin()?;
    match receive(answer, |bytes| {
        Ok(store.append(&upload, bytes).map(drop)?)
    })
    .await
    {
        Ok(()) => Ok(store.finish(&upload, &descriptor.digest)?),
        Err(error) => {
            store.abandon(&upload)?;
            Err(error)
        }
    }
}

async fn receive(
    answer: Answer,
    mut take: impl FnMut(&[u8]) -> Result<(), RegistryError>,
) -> Result<(), RegistryError> {
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| RegistryError::Body(Box::new(error)))?;
        if let Some(bytes) = frame.data_ref() {
            take(bytes)?;
        }
    }
    Ok(())
}

/// A whole blob, which is as long as its image says.
pub(super) async fn whole(answer: Answer, size: u64) -> Result<Bytes, RegistryError> {
    let mut blob = Vec::new();
    let longest = usize::try_from(size).unwrap_or(usize::MAX);
    receive(answer, |bytes| {
        if blob.len() + bytes.len() > longest {
            return Err(RegistryError::Body("it is longer than it should be".into()));
        }
        blob.extend_from_slice(bytes);
        Ok(())
    })
    .await?;
    Ok(blob.into())
}
