//! Settings: from `colormesh.yaml`, the environment and flags to one checked [`Config`].
//!
//! The layers are defaults, file, environment variables, flags; the later wins. Everything is parsed here, once,
//! into types that cannot hold a wrong value, so that no room after this one checks a name or a port again. Every
//! mistake is collected and shown with its place and with what to write instead. Reading the file from disk and
//! the flags from the command line is left to `cli`.

mod invalid;
mod model;
mod names;
mod network;
mod service;
mod words;

pub use invalid::Invalid;
pub use model::{
    App, Bastion, Config, Egress, Internet, Matching, MeshConfig, MeshRuntime, Nat, Target, Vpc,
};
pub use names::{
    AccountId, Color, EnvironmentName, ImageName, ImageReference, KeyPairName, MeshName,
    ProfileName, Region, ServiceName,
};
pub use network::{Cidr, DomainName, Host, UrlPath};
pub use service::{ExternalService, IpPreference, Protocol};

/// The settings file that is looked for when none is named.
pub const FILE_NAME: &str = "colormesh.yaml";
