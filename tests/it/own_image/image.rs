//! Images made by hand: layers of files, links, folders and whiteouts.

use std::collections::BTreeMap;
use std::io::Write;

use colormesh::image::{Architecture, Digest, media};
use serde_json::{Value, json};
use tar::{EntryType, Header};

/// One layer, as tar.
pub(crate) struct Layer(tar::Builder<Vec<u8>>);

/// An image's blobs by digest, and its manifest.
pub(crate) struct Image {
    pub(crate) manifest: String,
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
}

// === impl Layer ===

impl Layer {
    pub(crate) fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    fn entry(mut self, kind: EntryType, path: &str, owner: u64, mode: u32, body: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(body.len() as u64);
        header.set_mode(mode);
        header.set_uid(owner);
        header.set_gid(owner);
        header.set_mtime(0);
        self.0.append_data(&mut header, path, body).unwrap();
        self
    }

    pub(crate) fn file(self, path: &str, mode: u32, body: &[u8]) -> Self {
        self.entry(EntryType::Regular, path, 0, mode, body)
    }

    pub(crate) fn folder(self, path: &str, owner: u64) -> Self {
        self.entry(EntryType::Directory, path, owner, 0o755, b"")
    }

    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        self.linked(EntryType::Symlink, path, target)
    }

    pub(crate) fn hard_link(self, path: &str, target: &str) -> Self {
        self.linked(EntryType::Link, path, target)
    }

    fn linked(mut self, kind: EntryType, path: &str, target: &str) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_mode(0o777);
        header.set_uid(0);
        header.set_gid(0);
        self.0.append_link(&mut header, path, target).unwrap();
        self
    }
}

// === impl Image ===

impl Image {
    /// An image of these layers, the lowest first, every second one without
    /// gzip; `process` says how it is run.
    pub(crate) fn new(layers: Vec<Layer>, process: &Value) -> Self {
        let here = Architecture::of_this_machine().unwrap();
        Self::built_for(here.as_str(), layers, process)
    }

    pub(crate) fn built_for(architecture: &str, layers: Vec<Layer>, process: &Value) -> Self {
        let mut blobs = BTreeMap::new();
        let mut descriptors = Vec::new();
        let mut unpacked = Vec::new();
        for (index, layer) in layers.into_iter().enumerate() {
            let archive = layer.0.into_inner().unwrap();
            unpacked.push(Digest::of(&archive).to_string());
            let (kind, blob) = match index % 2 {
                0 => (media::LAYER, compressed(&archive)),
                _ => ("application/vnd.oci.image.layer.v1.tar", archive),
            };
            descriptors.push(keep(&mut blobs, kind, blob));
        }
        let config = json!({
            "architecture": architecture, "os": "linux", "config": process,
            "rootfs": { "type": "layers", "diff_ids": unpacked },
        });
        let config = keep(&mut blobs, media::CONFIG, config.to_string().into_bytes());
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media::MANIFEST,
            "config": config, "layers": descriptors,
        });
        Self {
            manifest: manifest.to_string(),
            blobs,
        }
    }

    pub(crate) fn digest(&self) -> String {
        Digest::of(self.manifest.as_bytes()).to_string()
    }
}

fn keep(blobs: &mut BTreeMap<String, Vec<u8>>, kind: &str, blob: Vec<u8>) -> Value {
    let digest = Digest::of(&blob).to_string();
    let descriptor = json!({ "mediaType": kind, "digest": digest, "size": blob.len() });
    blobs.insert(digest, blob);
    descriptor
}

fn compressed(archive: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(archive).unwrap();
    gzip.finish().unwrap()
}
