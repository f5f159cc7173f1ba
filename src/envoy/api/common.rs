//! Addresses, durations and matchers.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Serialize, Serializer};

/// A duration as protobuf's JSON has it: `0.250s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) Duration);

impl Seconds {
    pub(crate) fn whole(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    pub(crate) fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (seconds, millis) = (self.0.as_secs(), self.0.subsec_millis());
        if millis == 0 {
            serializer.collect_str(&format_args!("{seconds}s"))
        } else {
            serializer.collect_str(&format_args!("{seconds}.{millis:03}s"))
        }
    }
}

present!(Seconds, Address);

/// Where to listen or to connect to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Address {
    SocketAddress(SocketAddress),
    Pipe(Pipe),
}

message!(SocketAddress {
    address: String,
    port_value: u16,
    network_namespace_filepath: Option<PathBuf>,
});

message!(Pipe {
    path: PathBuf,
    mode: Option<u32>,
});

impl SocketAddress {
    pub(crate) fn new(address: impl Into<String>, port: u16) -> Self {
        Self {
            address: address.into(),
            port_value: port,
            network_namespace_filepath: None,
        }
    }

    pub(crate) fn within(mut self, network: Option<&Path>) -> Self {
        self.network_namespace_filepath = network.map(Path::to_owned);
        self
    }
}

impl From<SocketAddr> for SocketAddress {
    fn from(address: SocketAddr) -> Self {
        Self::new(address.ip().to_string(), address.port())
    }
}

message!(CidrRange {
    address_prefix: String,
    prefix_len: u32,
});

impl CidrRange {
    pub(crate) fn host(address: IpAddr) -> Self {
        Self {
            address_prefix: address.to_string(),
            prefix_len: if address.is_ipv4() { 32 } else { 128 },
        }
    }
}

/// A condition on text.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StringMatcher {
    Exact(String),
    Prefix(String),
    Suffix(String),
    SafeRegex(RegexMatcher),
}

message!(RegexMatcher { regex: String });

message!(Percent { value: u32 });

message!(Int64Range {
    start: String,
    end: String,
});

impl Int64Range {
    /// From `start` to before `end`; 64-bit numbers are text in protobuf's JSON.
    pub(crate) fn new(start: i64, end: i64) -> Self {
        Self {
            start: start.to_string(),
            end: end.to_string(),
        }
    }
}

present!(StringMatcher);
