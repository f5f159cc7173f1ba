//! Listeners and filter chains.

use super::{Address, CidrRange, Extension, Matcher, Seconds};

message!(Listener {
    name: String,
    address: Address,
    traffic_direction: &'static str,
    stat_prefix: Option<String>,
    listener_filters: Vec<Extension>,
    listener_filters_timeout: Option<Seconds>,
    continue_on_listener_filters_timeout: Option<bool>,
    filter_chains: Vec<FilterChain>,
    filter_chain_matcher: Option<Box<Matcher>>,
    default_filter_chain: Option<FilterChain>,
});

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
