//! The documents of an image, as the OCI image specification writes them.
//!
//! Fields are written in the order they stand here, without spaces, so the
//! same value always has the same digest. Unknown fields of images made by
//! others are ignored, as the specification asks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Architecture, Digest};

/// Media types, ours and the older ones that Docker writes.
pub mod media {
    /// An image's manifest.
    pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// A list of manifests, one for each platform.
    pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// An image's configuration.
    pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// A layer: tar in gzip.
    pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    /// A layer, as Docker writes it.
    pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    /// An image's manifest, as Docker writes it.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// A list of manifests, as Docker writes it.
    pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
}

/// Names one blob: what it is, how long, and its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the blob holds.
    pub media_type: String,
    /// The blob's name.
    pub digest: Digest,
    /// The blob's length in bytes.
    pub size: u64,
    /// In an index: what the image runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

/// What an image runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// The processor, by its Go name: `amd64`, `arm64`.
    pub architecture: String,
    /// The operating system: `linux`.
    pub os: String,
}

/// An image: its configuration and its layers, lowest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u8,
    /// What this document is.
    #[serde(default = "manifest_media_type")]
    pub media_type: String,
    /// The configuration's blob.
    pub config: Descriptor,
    /// The layers' blobs.
    pub layers: Vec<Descriptor>,
}

/// One image for each of several platforms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u8,
    /// The manifests.
    pub manifests: Vec<Descriptor>,
}

/// How an image is run, and the digests of its layers when unpacked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The processor, by its Go name.
    pub architecture: String,
    /// The operating system.
    pub os: String,
    /// What is started.
    #[serde(default)]
    pub config: Process,
    /// The layers, unpacked.
    pub rootfs: RootFs,
}

/// The process that an image starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Process {
    /// `user`, `uid`, `user:group` or `uid:gid`; empty means root.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Variables, as `NAME=value`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// The program and its first arguments.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// The arguments after the entry point, or the program where there is none.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub cmd: Vec<String>,
    /// The folder it starts in; empty means `/`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    /// Free text about the image.
    #[serde(
        deserialize_with = "or_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub labels: BTreeMap<String, String>,
}

/// The layers' digests before compression.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Lowest layer first.
    pub diff_ids: Vec<Digest>,
}

// Docker writes `null` for an empty list.
fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn manifest_media_type() -> String {
    media::MANIFEST.to_owned()
}

// === impl Manifest ===

impl Manifest {
    /// Every blob this manifest needs, the configuration first.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        std::iter::once(&self.config).chain(&self.layers)
    }

    /// The bytes of all blobs together.
    pub fn size(&self) -> u64 {
        self.blobs().map(|blob| blob.size).sum()
    }
}

// === impl Index ===

impl Index {
    /// The image that runs on this machine.
    pub fn for_this_machine(&self) -> Option<&Descriptor> {
        self.image_for(Architecture::of_this_machine()?)
    }

    /// The image that runs on Linux on a processor.
    pub fn image_for(&self, processor: Architecture) -> Option<&Descriptor> {
        let runs = |platform: &Platform| {
            platform.os == "linux" && platform.architecture == processor.as_str()
        };
        let mut manifests = self.manifests.iter();
        manifests.find(|manifest| manifest.platform.as_ref().is_some_and(runs))
    }
}

// === impl Process ===

impl Process {
    /// The whole command: entry point, then arguments.
    pub fn command(&self) -> Vec<String> {
        self.entrypoint.iter().chain(&self.cmd).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn reads_what_docker_writes() {
        let text = r#"{"architecture":"arm64","os":"linux","docker_version":"x","config":{"User":"",
            "Env":["A=b"],"Cmd":null,"Entrypoint":["/e"],"Labels":null,"Volumes":{}},
            "rootfs":{"type":"layers","diff_ids":[]},"history":[]}"#;
        let config: ImageConfig = serde_json::from_str(text).unwrap();
        assert_eq!(config.config.command(), ["/e"]);
        assert_eq!(config.config.env, ["A=b"]);
    }
}
