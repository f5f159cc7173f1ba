//! Envoy's extensions: a name and a message that says its own type.

use serde::Serialize;

use super::{
    CaresDnsResolverConfig, CelFilter, Cluster, DnsCluster, DynamicForwardCluster,
    DynamicForwardProxy, Empty, FileAccessLog, HttpConnectionManager, HttpProtocolOptions,
    Listener, RouteConfiguration, ServerNameMatcher, SniDynamicForwardProxy, StatsAccessLog,
    StringValue, TcpProxy, TlsInspector,
};

message!(Extension {
    name: &'static str,
    typed_config: Typed,
});

/// The messages that stand where any message may.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "@type")]
pub(crate) enum Typed {
    #[serde(rename = "type.googleapis.com/envoy.config.listener.v3.Listener")]
    Listener(Listener),
    #[serde(rename = "type.googleapis.com/envoy.config.cluster.v3.Cluster")]
    Cluster(Box<Cluster>),
    #[serde(rename = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration")]
    RouteConfiguration(RouteConfiguration),
    #[serde(
        rename = "type.googleapis.com/envoy.extensions.filters.listener.original_dst.v3.OriginalDst"
    )]
    OriginalDst(Empty),
    #[serde(
        rename = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
    )]
    TlsInspector(TlsInspector),
    #[serde(rename = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy")]
    TcpProxy(TcpProxy),
    #[serde(
        rename = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    )]
    HttpConnectionManager(Box<HttpConnectionManager>),
    #[serde(rename = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router")]
    Router(Empty),
    #[serde(rename = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog")]
    FileAccessLog(FileAccessLog),
    #[serde(
        rename = "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter"
    )]
    Cel(CelFilter),
    #[serde(
        rename = "type.googleapis.com/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig"
    )]
    DynamicForwardCluster(DynamicForwardCluster),
    #[serde(
        rename = "type.googleapis.com/envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig"
    )]
    DynamicForwardProxy(DynamicForwardProxy),
    #[serde(
        rename = "type.googleapis.com/envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig"
    )]
    SniDynamicForwardProxy(SniDynamicForwardProxy),
    #[serde(
        rename = "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.DestinationPortInput"
    )]
    DestinationPortInput(Empty),
    #[serde(
        rename = "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.TransportProtocolInput"
    )]
    TransportProtocolInput(Empty),
    #[serde(
        rename = "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.ServerNameInput"
    )]
    ServerNameInput(Empty),
    #[serde(rename = "type.googleapis.com/xds.type.matcher.v3.ServerNameMatcher")]
    ServerNameMatcher(ServerNameMatcher),
    #[serde(rename = "type.googleapis.com/google.protobuf.StringValue")]
    StringValue(StringValue),
    #[serde(rename = "type.googleapis.com/envoy.extensions.access_loggers.stats.v3.Config")]
    StatsAccessLog(StatsAccessLog),
    #[serde(rename = "type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster")]
    DnsCluster(DnsCluster),
    #[serde(
        rename = "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig"
    )]
    Cares(CaresDnsResolverConfig),
    #[serde(rename = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions")]
    HttpProtocolOptions(HttpProtocolOptions),
    #[serde(
        rename = "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
    )]
    PreviousHosts(Empty),
}

present!(Typed);
