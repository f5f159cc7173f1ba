//! Connections over a filter chain that many services share.
//!
//! Envoy cuts the connections of a chain that goes, and of no other. So when
//! a service goes that has no chain of its own, somebody else has to cut its
//! connections: Envoy tells of each as it opens and closes, one JSON object a
//! line ([`Told`]), and [`Configuration::shared`](super::Configuration::shared)
//! says which may stay.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use serde::Deserialize;

use super::api::JsonFormat;

/// Which services have a chain together: the chain by port and server name.
pub type Shared = BTreeMap<(u16, String), String>;

/// What is told of a connection, by Envoy's number of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "change")]
pub enum Told {
    /// It leads to a service from now on.
    #[serde(rename = "TcpUpstreamConnected")]
    Opened {
        /// Its number.
        connection: u64,
        /// Where it leads.
        #[serde(flatten)]
        led: Led,
    },
    /// It is over, or never led anywhere.
    #[serde(rename = "TcpConnectionEnd")]
    Closed {
        /// Its number.
        connection: u64,
    },
}

/// Where a connection leads.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Led {
    /// The chain.
    pub chain: String,
    /// The server name.
    pub server_name: String,
    /// Where the application meant to connect to.
    pub destination: SocketAddrV4,
    /// The address of Envoy's socket.
    pub own: SocketAddrV4,
    /// The address of the application's socket.
    pub peer: SocketAddrV4,
}

const CHANGE: &[(&str, &str)] = &[
    ("change", "%ACCESS_LOG_TYPE%"),
    ("connection", "%CONNECTION_ID%"),
];
const LED: &[(&str, &str)] = &[
    ("chain", "%FILTER_CHAIN_NAME%"),
    ("server_name", "%REQUESTED_SERVER_NAME%"),
    ("destination", "%DOWNSTREAM_LOCAL_ADDRESS%"),
    ("own", "%DOWNSTREAM_DIRECT_LOCAL_ADDRESS%"),
    ("peer", "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%"),
];

// === impl Led ===

impl Led {
    /// Whether the connection still leads to where it would be led now.
    pub fn may_stay(&self, shared: &Shared) -> bool {
        let key = (self.destination.port(), self.server_name.clone());
        shared.get(&key) == Some(&self.chain)
    }
}

/// How Envoy writes of a connection that opens.
pub(super) fn opened() -> JsonFormat {
    JsonFormat::new([CHANGE, LED])
}

/// How Envoy writes of one that closes.
pub(super) fn closed() -> JsonFormat {
    JsonFormat::new([CHANGE])
}
