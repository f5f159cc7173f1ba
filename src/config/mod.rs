//! Settings: from `colormesh.yaml`, the environment and flags to one checked [`Config`].
//!
//! The layers are defaults, file, environment variables, flags; the later wins.
//! Everything is parsed here, once, into types that cannot hold a wrong value,
//! so that no room after this one checks a name or a port again. Every mistake
//! is collected and shown with its place and with what to write instead.
//! Reading the file from disk and the flags from the command line is left to
//! `cli`.

mod aws_names;
mod cidr;
mod external_services;
mod host;
mod input;
mod invalid;
mod load;
mod local_ports;
mod model;
mod names;
mod ports;
mod reader;
mod redirect;
mod schema;
mod service;
mod settings;
mod sharing;
mod stacks;
mod suffixes;
mod text;
mod values;
mod warnings;
mod wildcard;
mod words;

#[cfg(test)]
mod tests;

pub use aws_names::{
    AccountId, CapacityProviderName, ImageName, ImageReference, KeyPairName, ProfileName, Region,
};
pub use cidr::Cidr;
pub use host::{DomainName, Host, UrlPath};
pub use input::{Input, Overrides};
pub use invalid::Invalid;
pub use load::{load, load_with_warnings};
pub use model::{
    App, Bastion, Config, Egress, Internet, Matching, MeshConfig, MeshRuntime, Nat, Redirect,
    Target, Vpc,
};
pub use names::{Color, EnvironmentName, MeshName, ServiceName};
pub use ports::port_ranges;
pub use schema::schema;
pub use service::{Caller, ExternalService, IpPreference, Protocol};
pub use settings::{Kind, SETTINGS, Setting, markdown};
pub use stacks::{AlarmArn, BucketName, RoleArn, StacksConfig, TopicArn};

/// The settings file that is looked for when none is named.
pub const FILE_NAME: &str = "colormesh.yaml";
