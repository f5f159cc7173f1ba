//! Clusters whose endpoints come from DNS.

use super::{Address, Extension, Seconds};

message!(DnsCluster {
    dns_refresh_rate: Seconds,
    dns_failure_refresh_rate: RefreshRate,
    respect_dns_ttl: bool,
    dns_lookup_family: &'static str,
    all_addresses_in_single_endpoint: bool,
    typed_dns_resolver_config: Box<Extension>,
});

message!(
    /// Names that are resolved when they are asked for.
    DnsCacheConfig {
        name: String,
        max_hosts: Option<u32>,
        dns_lookup_family: &'static str,
        dns_refresh_rate: Seconds,
        dns_failure_refresh_rate: RefreshRate,
        typed_dns_resolver_config: Box<Extension>,
    }
);

message!(DynamicForwardCluster {
    dns_cache_config: DnsCacheConfig,
});

message!(DynamicForwardProxy {
    dns_cache_config: DnsCacheConfig,
});

message!(SniDynamicForwardProxy {
    dns_cache_config: DnsCacheConfig,
    port_value: u16,
});

message!(RefreshRate {
    base_interval: Seconds,
    max_interval: Seconds,
});

message!(CaresDnsResolverConfig {
    resolvers: Vec<Address>,
    query_timeout_seconds: u32,
    query_tries: u32,
    dns_resolver_options: DnsResolverOptions,
});

message!(DnsResolverOptions {
    no_default_search_domain: bool,
});
