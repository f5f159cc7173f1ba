//! A stored image as a folder that can be a container's root.
//!
//! Layers are data from strangers: nothing is written outside the folder,
//! whatever names and links they hold. Unpacking is to a folder beside the
//! final one, then a rename, so a folder that is there is whole.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::manifest::{Descriptor, ImageConfig, Index, Manifest};
use super::{Digest, Store, StoreError, layer};

/// An image as a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpacked {
    /// The image.
    pub digest: Digest,
    /// The folder: what the container sees as `/`.
    pub root: PathBuf,
    /// How the image is run.
    pub config: ImageConfig,
}

/// Why an image could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// A blob is missing or damaged.
    #[error("cannot read the image {image}")]
    Blob {
        /// The image.
        image: Digest,
        /// What is wrong.
        #[source]
        source: StoreError,
    },
    /// A document of the image is not as the specification has it.
    #[error("the image {image} has a damaged document")]
    Document {
        /// The image.
        image: Digest,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The image runs on other machines only.
    #[error("the image {0} is not made for this machine's processor")]
    Platform(Digest),
    /// A layer is packed in a way that we do not know.
    #[error("a layer has the media type `{0}`; tar and tar with gzip are known")]
    MediaType(String),
    /// A layer is not what the configuration says, or they are not as many.
    #[error("the layer {0} is not the one that the image's configuration names")]
    Layer(Digest),
    /// A layer could not be written to the folder, or is damaged.
    #[error("cannot unpack the layer {layer}")]
    Write {
        /// The layer.
        layer: Digest,
        /// What happened.
        #[source]
        source: io::Error,
    },
    /// The folder could not be made.
    #[error("cannot use the folder `{}`", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What happened.
        #[source]
        source: io::Error,
    },
}

/// Unpacks a stored image into a folder named after it, in `into`. One that
/// was unpacked before is used again. Of an image for several platforms it is
/// the one for this machine.
pub fn unpack(store: &Store, image: &Digest, into: &Path) -> Result<Unpacked, UnpackError> {
    let image = &single(store, image)?;
    let manifest: Manifest = document(store, image, image)?;
    let config: ImageConfig = document(store, image, &manifest.config.digest)?;
    let root = into.join(image.hex());
    if !root.is_dir() {
        make(store, &manifest, &config, &root)?;
    }
    Ok(Unpacked {
        digest: image.clone(),
        root,
        config,
    })
}

fn single(store: &Store, image: &Digest) -> Result<Digest, UnpackError> {
    let document: Document = document(store, image, image)?;
    match document.manifests {
        None => Ok(image.clone()),
        Some(manifests) => {
            let index = Index {
                schema_version: 2,
                manifests,
            };
            let found = index.for_this_machine().map(|found| found.digest.clone());
            found.ok_or_else(|| UnpackError::Platform(image.clone()))
        }
    }
}

/// Enough of a document to tell an image from a list of images.
#[derive(serde::Deserialize)]
struct Document {
    manifests: Option<Vec<Descriptor>>,
}

fn document<T: serde::de::DeserializeOwned>(
    store: &Store,
    image: &Digest,
    blob: &Digest,
) -> Result<T, UnpackError> {
    let bytes = store.read(blob).map_err(|source| UnpackError::Blob {
        image: image.clone(),
        source,
    })?;
    serde_json::from_slice(&bytes).map_err(|source| UnpackError::Document {
        image: image.clone(),
        source,
    })
}

fn make(
    store: &Store,
    manifest: &Manifest,
    config: &ImageConfig,
    root: &Path,
) -> Result<(), UnpackError> {
    let partial = partial(root)?;
    let made = layers(store, manifest, config, &partial).and_then(|()| settle(&partial, root));
    if made.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_dir_all(&partial);
    }
    made
}

// A folder of our own: two tasks may unpack the same image at once, and one
// that was killed leaves its folder behind.
fn partial(root: &Path) -> Result<PathBuf, UnpackError> {
    let parent = root.parent().unwrap_or(Path::new("."));
    let name = root.file_name().unwrap_or_default().to_string_lossy();
    fs::create_dir_all(parent).map_err(folder(parent))?;
    let mut number = 0u32;
    loop {
        let path = parent.join(format!(".{name}.{}-{number}", std::process::id()));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(folder(&path)(error)),
        }
    }
}

fn settle(partial: &Path, root: &Path) -> Result<(), UnpackError> {
    match fs::rename(partial, root) {
        Err(_) if root.is_dir() => fs::remove_dir_all(partial).map_err(folder(partial)),
        renamed => renamed.map_err(folder(root)),
    }
}

fn layers(
    store: &Store,
    manifest: &Manifest,
    config: &ImageConfig,
    root: &Path,
) -> Result<(), UnpackError> {
    if manifest.layers.len() != config.rootfs.diff_ids.len() {
        return Err(UnpackError::Layer(manifest.config.digest.clone()));
    }
    for (descriptor, expected) in manifest.layers.iter().zip(&config.rootfs.diff_ids) {
        let actual = apply(store, descriptor, root)?;
        if actual != *expected {
            return Err(UnpackError::Layer(descriptor.digest.clone()));
        }
    }
    set_mode(root).map_err(folder(root))
}

// The digest of the unpacked layer covers every byte that was unpacked, so the
// packed one need not be checked as well.
fn apply(store: &Store, descriptor: &Descriptor, root: &Path) -> Result<Digest, UnpackError> {
    let write = |source| UnpackError::Write {
        layer: descriptor.digest.clone(),
        source,
    };
    let file = store
        .file(&descriptor.digest)
        .map_err(|source| UnpackError::Blob {
            image: descriptor.digest.clone(),
            source,
        })?;
    let file = io::BufReader::new(file);
    let packed: Box<dyn Read> = match descriptor.media_type.as_str() {
        kind if kind.ends_with("tar+gzip") || kind.ends_with("tar.gzip") => {
            Box::new(MultiGzDecoder::new(file))
        }
        kind if kind.ends_with("tar") => Box::new(file),
        other => return Err(UnpackError::MediaType(other.to_owned())),
    };
    let mut reader = Hashing::new(packed);
    layer::extract(&mut reader, root).map_err(write)?;
    io::copy(&mut reader, &mut io::sink()).map_err(write)?;
    Ok(reader.digest())
}

fn set_mode(root: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(root, fs::Permissions::from_mode(0o755))
}

fn folder(path: &Path) -> impl FnOnce(io::Error) -> UnpackError {
    let path = path.to_owned();
    move |source| UnpackError::Folder { path, source }
}

struct Hashing<R> {
    inner: R,
    hasher: sha2::Sha256,
}

// === impl Hashing ===

impl<R: Read> Hashing<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            hasher: sha2::Sha256::default(),
        }
    }

    fn digest(self) -> Digest {
        Digest::finish(self.hasher)
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        sha2::Digest::update(&mut self.hasher, &buffer[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::build::fixture;
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn stored(image: &super::super::Image) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("store"));
        for blob in [&image.manifest, &image.config, &image.layer] {
            store.write(blob).unwrap();
        }
        (folder, store)
    }

    #[test]
    fn what_was_built_unpacks_to_one_program() {
        let image = fixture::image(b"body");
        let (folder, store) = stored(&image);
        let into = folder.path().join("roots");
        let unpacked = unpack(&store, &image.digest, &into).unwrap();
        assert_eq!(unpacked.config.config.command(), ["/app"]);
        assert_eq!(fs::read_dir(&unpacked.root).unwrap().count(), 1);
        let mode = fs::metadata(unpacked.root.join("app"))
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o7777, 0o755);
        assert_eq!(unpack(&store, &image.digest, &into).unwrap(), unpacked);
        assert_eq!(fs::read_dir(&into).unwrap().count(), 1);
    }

    #[test]
    fn a_tampered_layer_leaves_no_folder() {
        let image = fixture::image(b"honest");
        let (folder, store) = stored(&image);
        let forged = fixture::image(b"forged");
        let manifest: Manifest = serde_json::from_slice(&image.manifest).unwrap();
        fs::write(store.path(&manifest.layers[0].digest), &forged.layer).unwrap();
        let into = folder.path().join("roots");
        let error = unpack(&store, &image.digest, &into).unwrap_err();
        assert!(matches!(error, UnpackError::Layer(_)), "{error:?}");
        assert_eq!(fs::read_dir(&into).unwrap().count(), 0);
    }
}
