//! What can go wrong with a registry.

use hyper::{Method, StatusCode};

use super::{Digest, StoreError};

/// Why a registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The address is no address, or an unencrypted one of another machine.
    #[error("`{0}` is not the address of a registry (only this machine's may be http)")]
    Address(String),
    /// The token cannot stand in a header.
    #[error("the registry's authorization token has letters that cannot be sent")]
    Authorization,
    /// This machine has no certificates to check a registry with.
    #[error("cannot read this machine's certificate authorities")]
    Roots(#[source] std::io::Error),
    /// No connection, or it broke.
    #[error("cannot reach the registry at `{address}`")]
    Connection {
        /// What was asked.
        address: String,
        /// What happened.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer in time.
    #[error("the registry did not answer in time at `{0}`")]
    Timeout(String),
    /// The answer broke off, or is too long.
    #[error("cannot read the registry's answer")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It answered with an error.
    #[error("the registry refused {method} `{address}` with {status}{said}")]
    Refused {
        /// What was asked.
        method: Method,
        /// Where.
        address: String,
        /// The HTTP status.
        status: StatusCode,
        /// Its own words, from a colon on, or nothing.
        said: String,
    },
    /// It answered without saying where to go on.
    #[error("the registry did not say where to go on after `{0}`")]
    Location(String),
    /// It sends us around in circles.
    #[error("the registry redirects too often, last to `{0}`")]
    Redirects(String),
    /// It stored or sent something else.
    #[error("the registry has {actual} where {expected} was expected")]
    Digest {
        /// What we sent or asked for.
        expected: Digest,
        /// What it has.
        actual: Digest,
    },
    /// A document of the image is not as the specification has it.
    #[error("the registry sent a damaged document for `{0}`")]
    Document(String, #[source] serde_json::Error),
    /// The image runs on other machines only.
    #[error("the image `{image}` is not made for linux on {processors}")]
    Platform {
        /// The image.
        image: String,
        /// The processors that would do.
        processors: String,
    },
    /// What was pulled could not be stored.
    #[error("cannot store the image")]
    Store(#[from] StoreError),
}

// === impl RegistryError ===

impl RegistryError {
    /// Whether the same request may succeed a little later.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Connection { .. } | Self::Timeout(_) | Self::Body(_) => true,
            Self::Refused { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::Address(_)
            | Self::Authorization
            | Self::Roots(_)
            | Self::Location(_)
            | Self::Redirects(_)
            | Self::Digest { .. }
            | Self::Document(..)
            | Self::Platform { .. }
            | Self::Store(_) => false,
        }
    }

    /// Whether nothing was heard of the registry itself.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Connection { .. } | Self::Timeout(_) | Self::Body(_)
        )
    }

    /// Whether the registry wants to know who asks, or does not let this one.
    pub fn is_denied(&self) -> bool {
        let denied = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
        matches!(self, Self::Refused { status, .. } if denied.contains(status))
    }

    /// Whether the registry has no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::NOT_FOUND)
    }
}
