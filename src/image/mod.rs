//! OCI images without Docker: built from one static binary, pushed, pulled,
//! stored by digest, unpacked.
//!
//! Knows the formats and the distribution API of registries. Where an image
//! is pushed to and which images a task runs is decided by others.

mod bearer;
mod build;
mod client;
mod derive;
mod digest;
mod elf;
mod error;
mod layer;
mod manifest;
mod owner;
mod pull;
mod push;
mod reference;
mod store;
mod transport;
mod unpack;

pub use build::{BuildError, Image, build, build_with};
pub use client::Target;
pub use derive::{Base, Derived, derive};
pub use digest::{Digest, InvalidDigest};
pub use elf::{Architecture, InvalidBinary};
pub use error::RegistryError;
pub use manifest::{Descriptor, ImageConfig, Index, Manifest, Platform, Process, RootFs, media};
pub use owner::{Owner, UnknownOwner};
pub use pull::{Described, base, describe, pull};
pub use push::{Pushed, push, push_derived};
pub use reference::{InvalidReference, Reference};
pub use store::{Store, StoreError, UploadId};
pub use unpack::{UnpackError, Unpacked, unpack};
