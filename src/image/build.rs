//! An image from one static binary: one layer that holds the program and
//! nothing else. The same program always gives the same bytes.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};

use super::manifest::{Descriptor, ImageConfig, Manifest, Process, RootFs, media};
use super::{Architecture, Digest, InvalidBinary, elf};

/// Where the program stands in the image.
const PROGRAM: &str = "app";
/// Whom it runs as: anybody but root.
const USER: &str = "1000";
/// No build time is kept, so that two builds are equal.
pub(super) const CREATED: &str = "1970-01-01T00:00:00Z";

/// A built image: three blobs, ready to push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The manifest, as it is pushed.
    pub manifest: Vec<u8>,
    /// The configuration, as it is pushed.
    pub config: Vec<u8>,
    /// The layer: tar in gzip.
    pub layer: Vec<u8>,
    /// The image's name: the manifest's digest.
    pub digest: Digest,
    /// The processor that the program is for.
    pub architecture: Architecture,
}

/// Why no image was built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The program could not be read.
    #[error("cannot read the program `{}`", path.display())]
    Read {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The program would not run in an image of its own.
    #[error("cannot put `{}` into an image", path.display())]
    Binary {
        /// The program.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: InvalidBinary,
    },
}

/// Builds the image of a static binary.
pub fn build(binary: &Path) -> Result<Image, BuildError> {
    build_with(binary, Vec::new())
}

/// Builds the image of a static binary, which is started with these variables,
/// each as `NAME=value`.
pub fn build_with(binary: &Path, variables: Vec<String>) -> Result<Image, BuildError> {
    let path = || binary.to_owned();
    let program = std::fs::read(binary).map_err(|source| BuildError::Read {
        path: path(),
        source,
    })?;
    let architecture = elf::inspect(&program).map_err(|source| BuildError::Binary {
        path: path(),
        source,
    })?;
    Ok(assemble(&program, architecture, variables))
}

fn assemble(program: &[u8], architecture: Architecture, variables: Vec<String>) -> Image {
    let archive = archive(program).expect("writing to memory does not fail");
    let layer = compress(&archive).expect("writing to memory does not fail");
    let config = to_json(&config(architecture, Digest::of(&archive), variables));
    let manifest = to_json(&Manifest {
        schema_version: 2,
        media_type: media::MANIFEST.to_owned(),
        config: descriptor(media::CONFIG, &config),
        layers: vec![descriptor(media::LAYER, &layer)],
    });
    Image {
        digest: Digest::of(&manifest),
        manifest,
        config,
        layer,
        architecture,
    }
}

fn archive(program: &[u8]) -> io::Result<Vec<u8>> {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_path(PROGRAM)?;
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(program.len() as u64);
    header.set_cksum();
    let mut archive = tar::Builder::new(Vec::with_capacity(program.len() + 2048));
    archive.append(&header, program)?;
    archive.into_inner()
}

// The header has no file name, no time, and "unknown" for the system it was
// made on (255).
fn compress(archive: &[u8]) -> io::Result<Vec<u8>> {
    let mut gzip = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), Compression::new(6));
    gzip.write_all(archive)?;
    gzip.finish()
}

fn config(architecture: Architecture, layer: Digest, env: Vec<String>) -> ImageConfig {
    ImageConfig {
        created: Some(CREATED.to_owned()),
        architecture: architecture.as_str().to_owned(),
        os: "linux".to_owned(),
        config: Process {
            user: USER.to_owned(),
            env,
            entrypoint: vec![format!("/{PROGRAM}")],
            ..Process::default()
        },
        rootfs: RootFs {
            kind: "layers".to_owned(),
            diff_ids: vec![layer],
        },
    }
}

pub(super) fn descriptor(media_type: &str, blob: &[u8]) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest: Digest::of(blob),
        size: blob.len() as u64,
        platform: None,
    }
}

pub(super) fn to_json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("these types always serialize")
}

#[cfg(test)]
pub(super) mod fixture {
    use super::super::elf;
    use super::{Architecture, Image, assemble};

    /// A small image, different for each `body`.
    pub(crate) fn image(body: &[u8]) -> Image {
        assemble(
            &elf::fixture::program(62, None, body),
            Architecture::Amd64,
            Vec::new(),
        )
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::io::Read;

    #[test]
    fn the_same_program_gives_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("colorteller");
        std::fs::write(&path, elf::fixture::program(62, None, b"body")).unwrap();
        let first = build(&path).unwrap();
        let copy = folder.path().join("copy-with-another-name-and-time");
        std::fs::copy(&path, &copy).unwrap();
        assert_eq!(first, build(&copy).unwrap());
        assert_eq!(
            first.digest.as_str(),
            "sha256:9a199ebadebb351f7bde027eb29632b8c23203d3463cdbadace45df4377c10dd"
        );
    }

    #[test]
    fn the_layer_holds_the_program_and_nothing_else() {
        let image = fixture::image(b"body");
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&image.layer[..]));
        let mut entries = archive.entries().unwrap();
        let mut entry = entries.next().unwrap().unwrap();
        assert_eq!(entry.path().unwrap().to_str(), Some("app"));
        let header = entry.header().clone();
        assert_eq!(
            (
                header.mode().unwrap(),
                header.uid().unwrap(),
                header.gid().unwrap(),
                header.mtime().unwrap()
            ),
            (0o755, 0, 0, 0)
        );
        let mut program = Vec::new();
        entry.read_to_end(&mut program).unwrap();
        assert_eq!(program, elf::fixture::program(62, None, b"body"));
        assert!(entries.next().is_none());
    }

    #[test]
    fn the_configuration_says_how_to_run_it() {
        let image = fixture::image(b"");
        let config: serde_json::Value = serde_json::from_slice(&image.config).unwrap();
        assert_eq!(config["architecture"], "amd64");
        assert_eq!(config["os"], "linux");
        assert_eq!(config["created"], CREATED);
        assert_eq!(
            config["config"],
            serde_json::json!({"User": "1000", "Entrypoint": ["/app"]})
        );
    }

    #[test]
    fn a_script_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.sh");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        let error = build(&path).unwrap_err();
        assert!(matches!(error, BuildError::Binary { .. }), "{error:?}");
    }
}
