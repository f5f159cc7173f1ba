//! The part of Envoy's v3 API that the compiler writes, as plain types.
//!
//! Names and nesting are Envoy's own, so that its documentation reads beside
//! them. A field that is left out takes Envoy's default.

#![expect(clippy::struct_field_names, reason = "the names are Envoy's")]

macro_rules! message {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        pub(crate) struct $name {
            $(
                #[serde(skip_serializing_if = "crate::envoy::api::Absent::is_absent")]
                pub(crate) $field: $kind,
            )*
        }
        $crate::envoy::api::present!($name);
    };
}

macro_rules! present {
    ($($name:ty),* $(,)?) => {
        $(impl crate::envoy::api::Absent for $name {})*
    };
}
pub(crate) use present;

mod access_log;
mod bootstrap;
mod cluster;
mod common;
mod dns;
mod extension;
mod http;
mod listener;
mod matcher;
mod route;
mod tcp;

pub(crate) use access_log::*;
pub(crate) use bootstrap::*;
pub(crate) use cluster::*;
pub(crate) use common::*;
pub(crate) use dns::*;
pub(crate) use extension::*;
pub(crate) use http::*;
pub(crate) use listener::*;
pub(crate) use matcher::*;
pub(crate) use route::*;
pub(crate) use tcp::*;

/// Whether a field is left out of the output.
pub(crate) trait Absent {
    fn is_absent(&self) -> bool {
        false
    }
}

impl<T> Absent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T> Absent for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<K, V> Absent for std::collections::BTreeMap<K, V> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T> Absent for Box<T> {}

present!(
    String,
    &'static str,
    bool,
    u16,
    u32,
    i64,
    std::path::PathBuf
);
