//! An image that is another with one file more. The other's layers stay where
//! they are until it is pushed; the same file over the same image always gives
//! the same bytes.

use std::io::{self, Write};
use std::path::Path;

use flate2::{Compression, GzBuilder};
use hyper::Method;
use hyper::body::Bytes;

use super::build::{CREATED, descriptor, to_json};
use super::client::{Client, retried};
use super::manifest::{Descriptor, ImageConfig, Manifest, RootFs, media};
use super::{Architecture, Digest, Reference, RegistryError};

/// The label of an image that has a file but not the image below it: the name
/// of that image.
const BASE_LABEL: &str = "colormesh.base";

/// An image to put a file over: what a registry says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// Its name.
    pub reference: Reference,
    /// The digest that the name stands for; of an image for several platforms,
    /// that of the list.
    pub digest: Digest,
    pub(super) authorization: Option<String>,
    pub(super) layers: Vec<Descriptor>,
    pub(super) config: ImageConfig,
}

/// An image with a file over another image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    pub(super) manifest: Vec<u8>,
    pub(super) config: Vec<u8>,
    pub(super) layer: Vec<u8>,
    pub(super) digest: Digest,
    pub(super) base: Option<Base>,
}

/// Puts a file, which everybody may read, over an image. Without one, the
/// result holds the file alone and is labelled with the name of the image that
/// it would be over.
pub fn derive(base: Option<&Base>, name: &str, path: &str, content: &[u8]) -> Derived {
    let archive = archive(path, content).expect("writing to memory does not fail");
    let layer = compress(&archive).expect("writing to memory does not fail");
    let mut config = base.map_or_else(empty, |base| base.config.clone());
    config.created = Some(CREATED.to_owned());
    config.rootfs.diff_ids.push(Digest::of(&archive));
    if base.is_none() {
        let labels = &mut config.config.labels;
        labels.insert(BASE_LABEL.to_owned(), name.to_owned());
    }
    let config = to_json(&config);
    let below = base.into_iter().flat_map(|base| base.layers.clone());
    let manifest = to_json(&Manifest {
        schema_version: 2,
        media_type: media::MANIFEST.to_owned(),
        config: descriptor(media::CONFIG, &config),
        layers: below.chain([descriptor(media::LAYER, &layer)]).collect(),
    });
    Derived {
        digest: Digest::of(&manifest),
        manifest,
        config,
        layer,
        base: base.cloned(),
    }
}

/// What an image is that has nothing below it.
fn empty() -> ImageConfig {
    let processor = Architecture::of_this_machine().unwrap_or(Architecture::Amd64);
    ImageConfig {
        created: None,
        architecture: processor.as_str().to_owned(),
        os: "linux".to_owned(),
        config: super::Process::default(),
        rootfs: RootFs {
            kind: "layers".to_owned(),
            diff_ids: Vec::new(),
        },
    }
}

/// The file, after the folders that it stands in.
fn archive(path: &str, content: &[u8]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::with_capacity(content.len() + 4096));
    let folders = Path::new(path).ancestors().skip(1);
    let mut folders: Vec<&Path> = folders.filter(|it| !it.as_os_str().is_empty()).collect();
    folders.reverse();
    for folder in folders {
        let name = format!("{}/", folder.display());
        let header = header(&name, tar::EntryType::Directory, 0o755, 0)?;
        archive.append(&header, io::empty())?;
    }
    let size = content.len() as u64;
    let header = header(path, tar::EntryType::Regular, 0o444, size)?;
    archive.append(&header, content)?;
    archive.into_inner()
}

fn header(path: &str, kind: tar::EntryType, mode: u32, size: u64) -> io::Result<tar::Header> {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_path(path)?;
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    Ok(header)
}

fn compress(archive: &[u8]) -> io::Result<Vec<u8>> {
    let mut gzip = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), Compression::new(6));
    gzip.write_all(archive)?;
    gzip.finish()
}

// === impl Derived ===

impl Derived {
    /// The image's name: the manifest's digest.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Its tag, which never names another image.
    pub fn tag(&self) -> String {
        format!("envoy-{}", self.digest.tag())
    }

    /// The bytes of its own layer.
    pub fn size(&self) -> usize {
        self.layer.len()
    }
}

// === impl Base ===

impl Base {
    /// What a registry says of an image, whose layers are named here as the
    /// specification names them, whoever made them.
    pub(super) fn new(
        reference: &Reference,
        authorization: Option<String>,
        digest: Digest,
        manifest: Manifest,
        config: ImageConfig,
    ) -> Self {
        let as_specified = |mut layer: Descriptor| {
            if layer.media_type == media::DOCKER_LAYER {
                media::LAYER.clone_into(&mut layer.media_type);
            }
            layer
        };
        Self {
            reference: reference.clone(),
            digest,
            authorization,
            layers: manifest.layers.into_iter().map(as_specified).collect(),
            config,
        }
    }

    /// Fetches a layer.
    pub(super) async fn layer(&self, layer: &Descriptor) -> Result<Bytes, RegistryError> {
        let client = Client::new(&super::Target {
            registry: self.reference.registry.clone(),
            repository: self.reference.repository.clone(),
            authorization: self.authorization.clone(),
        })?;
        let uri = client.uri(&format!("blobs/{}", layer.digest))?;
        let bytes = retried(|| async {
            let answer = client.send(Method::GET, &uri, None, Bytes::new()).await?;
            super::pull::whole(answer, layer.size).await
        });
        super::pull::checked(bytes.await?, Some(&layer.digest))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::io::Read;

    const PATH: &str = "etc/colormesh/envoy.json";

    fn base() -> Base {
        let layer = descriptor(media::LAYER, b"lower");
        Base {
            reference: "docker.io/envoyproxy/envoy:v1".parse().unwrap(),
            digest: Digest::of(b"index"),
            authorization: None,
            layers: vec![layer],
            config: ImageConfig {
                rootfs: RootFs {
                    kind: "layers".to_owned(),
                    diff_ids: vec![Digest::of(b"unpacked")],
                },
                ..empty()
            },
        }
    }

    #[test]
    fn the_same_file_over_the_same_image_is_the_same_image() {
        let image = |content: &[u8]| derive(Some(&base()), "envoy", PATH, content);
        assert_eq!(image(b"{}"), image(b"{}"));
        assert_ne!(image(b"{}").digest(), image(b"{ }").digest());
        assert_ne!(
            image(b"{}").digest(),
            derive(None, "envoy", PATH, b"{}").digest()
        );
    }

    #[test]
    fn the_file_comes_over_the_layers_below() {
        let image = derive(Some(&base()), "envoy", PATH, b"{}");
        let manifest: Manifest = serde_json::from_slice(&image.manifest).unwrap();
        let layers: Vec<&Digest> = manifest.layers.iter().map(|layer| &layer.digest).collect();
        assert_eq!(layers, [&Digest::of(b"lower"), &Digest::of(&image.layer)]);
        let config: ImageConfig = serde_json::from_slice(&image.config).unwrap();
        let mut archive = Vec::new();
        let mut unzip = flate2::read::GzDecoder::new(&image.layer[..]);
        unzip.read_to_end(&mut archive).unwrap();
        let unpacked = [Digest::of(b"unpacked"), Digest::of(&archive)];
        assert_eq!(config.rootfs.diff_ids, unpacked);
        let mut entries = Vec::new();
        for entry in tar::Archive::new(&archive[..]).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let name = entry.path().unwrap().display().to_string();
            entries.push((name, entry.header().mode().unwrap(), text));
        }
        let expected = [
            ("etc/", 0o755, ""),
            ("etc/colormesh/", 0o755, ""),
            (PATH, 0o444, "{}"),
        ];
        assert_eq!(
            entries,
            expected.map(|(name, mode, text)| (name.to_owned(), mode, text.to_owned()))
        );
    }

    #[test]
    fn without_an_image_below_it_says_which_it_would_be() {
        let image = derive(None, "docker.io/envoyproxy/envoy:v1", PATH, b"{}");
        let config: ImageConfig = serde_json::from_slice(&image.config).unwrap();
        assert_eq!(
            config.config.labels[BASE_LABEL],
            "docker.io/envoyproxy/envoy:v1"
        );
        assert!(image.tag().starts_with("envoy-") && image.tag().len() == 18);
    }
}
