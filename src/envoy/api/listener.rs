//! Listeners and filter chains.

use serde::Serialize;

use super::{Address, CidrRange, Extension, Matcher, Seconds, Typed};

message!(Listener {
    name: String,
    address: Address,
    traffic_direction: &'static str,
    stat_prefix: Option<String>,
    listener_filters: Vec<ListenerFilter>,
    listener_filters_timeout: Option<Seconds>,
    continue_on_listener_filters_timeout: Option<bool>,
    filter_chains: Vec<FilterChain>,
    filter_chain_matcher: Option<Box<Matcher>>,
    default_filter_chain: Option<FilterChain>,
});

message!(ListenerFilter {
    name: &'static str,
    typed_config: Typed,
    filter_disabled: Option<ConnectionMatch>,
});

message!(
    /// Sizes in bytes.
    TlsInspector {
        initial_read_buffer_size: u32,
    }
);

/// The connections that a listener filter leaves alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ConnectionMatch {
    DestinationPortRange(PortRange),
    OrMatch(ConnectionMatches),
}

message!(ConnectionMatches {
    rules: Vec<ConnectionMatch>,
});

message!(
    /// Without its end, which is one more than the last port.
    PortRange {
    start: u16,
    end: u32,
}
);

present!(ConnectionMatch);

// === impl ConnectionMatch ===

impl ConnectionMatch {
    /// Connections to any of these ports; `None` for none.
    pub(crate) fn ports(ports: impl IntoIterator<Item = u16>) -> Option<Self> {
        let mut rules: Vec<Self> = ports
            .into_iter()
            .map(|start| {
                let end = u32::from(start) + 1;
                Self::DestinationPortRange(PortRange { start, end })
            })
            .collect();
        match rules.len() {
            0 | 1 => rules.pop(),
            _ => Some(Self::OrMatch(ConnectionMatches { rules })),
        }
    }
}

message!(FilterChain {
    name: String,
    filter_chain_match: Option<FilterChainMatch>,
    filters: Vec<Extension>,
});

message!(
    #[derive(Default)]
    FilterChainMatch {
        destination_port: Option<u16>,
        prefix_ranges: Vec<CidrRange>,
        server_names: Vec<String>,
        transport_protocol: Option<&'static str>,
    }
);
