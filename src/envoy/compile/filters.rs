//! The filters that chains are made of, and their logs.

use std::collections::BTreeSet;

use super::clusters::Destination;
use crate::envoy::api::{
    AccessLog, AccessLogFilter, CelFilter, ConfigSource, ConnectionMatch, Empty, Extension,
    FileAccessLog, FilterChain, FilterChainMatch, HeaderFilter, HeaderMatcher,
    HttpConnectionManager, InlineString, JsonFormat, ListenerFilter, LogFormat, LogTypeFilter,
    PathConfigSource, Rds, Seconds, Stat, StatTag, StatsAccessLog, StatsCounter, StatsScope,
    StringMatcher, TcpAccessLogOptions, TcpProxy, TlsInspector, Typed, UpgradeConfig,
};
use crate::envoy::configuration::rds_path;
use crate::envoy::log::{self, ACCESS_LOG, DENIED_LOG, MESH_LOG, ToldApartBy};
use crate::envoy::shared;
use crate::envoy::surroundings::{Shares, Surroundings};
use crate::mesh;

/// What tells a request that was passed on from one that was refused, be it
/// for its host or because it is not one.
const PASSED_ON: &str = "has(xds.cluster_name)";

/// The bytes of a client's first message that are made room for at once, as
/// many as one with a post-quantum key has; a longer one gets more room.
/// Envoy's own 64 KiB, cleared for each connection, cost more than reading the
/// name itself.
const CLIENT_HELLO: u32 = 2048;

/// The type of log entries of connections that have opened.
const OPENED: &str = "TcpUpstreamConnected";
/// The type of those of connections that have closed.
const CLOSED: &str = "TcpConnectionEnd";

/// What a connection adds to the counters of its service when it ends.
const BYTES: &[(&str, Option<&str>)] = &[
    ("bytes_sent", Some("%BYTES_SENT%")),
    ("bytes_received", Some("%BYTES_RECEIVED%")),
];

/// Which way requests go, as App Mesh's names have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Ingress,
    Egress,
}

impl Direction {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

pub(super) fn original_dst() -> ListenerFilter {
    ListenerFilter {
        name: "envoy.filters.listener.original_dst",
        typed_config: Typed::OriginalDst(Empty {}),
        filter_disabled: None,
    }
}

/// Waits for the client's first bytes, but not on ports on which the server
/// may speak first.
pub(super) fn tls_inspector(plain_ports: &BTreeSet<u16>) -> ListenerFilter {
    ListenerFilter {
        name: "envoy.filters.listener.tls_inspector",
        typed_config: Typed::TlsInspector(TlsInspector {
            initial_read_buffer_size: CLIENT_HELLO,
        }),
        filter_disabled: ConnectionMatch::ports(plain_ports.iter().copied()),
    }
}

pub(super) fn chain(
    name: String,
    filter_chain_match: Option<FilterChainMatch>,
    filter: Extension,
) -> FilterChain {
    FilterChain {
        name,
        filter_chain_match,
        filters: vec![filter],
    }
}

/// Connections that are passed on, noted when they open and when they close.
pub(super) fn tcp_proxy(
    placement: &Surroundings,
    direction: Direction,
    service: Option<&str>,
    destination: Destination,
    idle_timeout: Option<Seconds>,
) -> Extension {
    let format = log::connections(direction.as_str(), service);
    let (cluster, weighted_clusters) = destination.into_fields();
    tcp(TcpProxy {
        stat_prefix: direction.as_str().to_owned(),
        cluster,
        weighted_clusters,
        idle_timeout,
        access_log: vec![file_log(placement, ACCESS_LOG, format, None)],
        access_log_options: Some(TcpAccessLogOptions {
            flush_access_log_on_connected: true,
        }),
    })
}

/// Connections of many services that share a chain: besides, each is counted
/// for its service, and told of to whoever cuts those of a service that goes.
pub(super) fn shared_tcp_proxy(
    placement: &Surroundings,
    shares: &Shares,
    destination: Destination,
) -> Extension {
    let direction = Direction::Egress;
    let mut extension = tcp_proxy(placement, direction, None, destination, None);
    if let Typed::TcpProxy(proxy) = &mut extension.typed_config {
        let format = log::shared_connections(direction.as_str());
        proxy.access_log = vec![
            file_log(placement, ACCESS_LOG, format, None),
            counts(OPENED, &[("connections", None)]),
            counts(CLOSED, BYTES),
        ];
        if let Some(pipe) = shares.pipe() {
            let telling = [(OPENED, shared::opened()), (CLOSED, shared::closed())];
            let log = |(entries, format)| AccessLog {
                name: "envoy.access_loggers.file",
                filter: Some(only(entries)),
                typed_config: Box::new(Typed::FileAccessLog(FileAccessLog {
                    path: pipe.to_owned(),
                    log_format: Some(LogFormat::JsonFormat(format)),
                })),
            };
            proxy.access_log.extend(telling.map(log));
        }
    }
    extension
}

/// Log entries of a type.
fn only(entries: &'static str) -> AccessLogFilter {
    AccessLogFilter::LogTypeFilter(LogTypeFilter {
        types: vec![entries],
    })
}

/// Counters of each service, by log entries of a type: of the entries, or of
/// what stands in them.
fn counts(entries: &'static str, counters: &[(&'static str, Option<&'static str>)]) -> AccessLog {
    let counter = |(name, field): &(&'static str, Option<&'static str>)| StatsCounter {
        stat: Stat {
            name,
            tags: vec![StatTag {
                name: "service",
                value_format: "%REQUESTED_SERVER_NAME%",
            }],
        },
        value_fixed: field.is_none().then_some(1),
        value_format: *field,
    };
    AccessLog {
        name: "envoy.access_loggers.stats",
        filter: Some(only(entries)),
        typed_config: Box::new(Typed::StatsAccessLog(StatsAccessLog {
            stats_scope: StatsScope { prefix: "egress" },
            counters: counters.iter().map(counter).collect(),
        })),
    }
}

/// Connections that are refused and noted.
pub(super) fn tcp_refusal(
    placement: &Surroundings,
    cluster: String,
    told_apart_by: ToldApartBy,
) -> Extension {
    tcp(TcpProxy {
        stat_prefix: "drop_all".to_owned(),
        cluster: Some(cluster),
        access_log: vec![file_log(
            placement,
            DENIED_LOG,
            log::refused_connections(told_apart_by),
            None,
        )],
        ..TcpProxy::default()
    })
}

fn tcp(config: TcpProxy) -> Extension {
    Extension {
        name: "envoy.filters.network.tcp_proxy",
        typed_config: Typed::TcpProxy(config),
    }
}

/// Requests, routed by a route configuration of its own file, so that a
/// change of routes leaves the connections alone.
pub(super) fn http(
    placement: &Surroundings,
    direction: Direction,
    route_config: &str,
    mesh_log: Option<&mesh::AccessLog>,
) -> Extension {
    let router = Extension {
        name: "envoy.filters.http.router",
        typed_config: Typed::Router(Empty {}),
    };
    let mut access_log = match direction {
        Direction::Ingress => vec![ingress_log(placement)],
        Direction::Egress => egress_logs(placement),
    };
    access_log.extend(mesh_log.map(|log| declared_log(placement, log)));
    let manager = HttpConnectionManager {
        stat_prefix: direction.as_str().to_owned(),
        rds: Some(Rds {
            config_source: ConfigSource {
                path_config_source: PathConfigSource {
                    path: rds_path(&placement.xds, route_config),
                },
            },
            route_config_name: route_config.to_owned(),
        }),
        route_config: None,
        http_filters: vec![router],
        access_log,
        upgrade_configs: vec![UpgradeConfig {
            upgrade_type: "websocket",
        }],
        normalize_path: Some(true),
        merge_slashes: Some(true),
        path_with_escaped_slashes_action: Some("KEEP_UNCHANGED"),
    };
    Extension {
        name: "envoy.filters.network.http_connection_manager",
        typed_config: Typed::HttpConnectionManager(Box::new(manager)),
    }
}

/// All but the health checks of other proxies.
fn ingress_log(placement: &Surroundings) -> AccessLog {
    let header = HeaderMatcher {
        name: "user-agent".to_owned(),
        string_match: Some(StringMatcher::Exact("Envoy/HC".to_owned())),
        invert_match: Some(true),
        // Else a request without the header would not be noted either.
        treat_missing_header_as_empty: Some(true),
        ..HeaderMatcher::default()
    };
    let filter = AccessLogFilter::HeaderFilter(HeaderFilter { header });
    file_log(
        placement,
        ACCESS_LOG,
        log::requests("ingress"),
        Some(filter),
    )
}

fn egress_logs(placement: &Surroundings) -> Vec<AccessLog> {
    let when = |expression: String| {
        Some(AccessLogFilter::ExtensionFilter(Box::new(Extension {
            name: "envoy.access_loggers.extension_filters.cel",
            typed_config: Typed::Cel(CelFilter { expression }),
        })))
    };
    vec![
        file_log(
            placement,
            ACCESS_LOG,
            log::requests("egress"),
            when(PASSED_ON.to_owned()),
        ),
        file_log(
            placement,
            DENIED_LOG,
            log::refused_requests(),
            when(format!("!{PASSED_ON}")),
        ),
    ]
}

fn file_log(
    placement: &Surroundings,
    file: &str,
    format: JsonFormat,
    filter: Option<AccessLogFilter>,
) -> AccessLog {
    access_log(placement, file, Some(LogFormat::JsonFormat(format)), filter)
}

/// The log that the mesh asks for. Its path is one of a container; here it
/// goes to a file beside the other logs, wherever the path leads.
fn declared_log(placement: &Surroundings, log: &mesh::AccessLog) -> AccessLog {
    let format = log.format.as_ref().map(|format| match format {
        mesh::LogFormat::Text(text) => LogFormat::TextFormatSource(InlineString {
            inline_string: format!("{text}\n"),
        }),
        mesh::LogFormat::Json(pairs) => {
            let mut format = JsonFormat::new([]);
            for (key, value) in pairs {
                format.set(key, value);
            }
            LogFormat::JsonFormat(format)
        }
    });
    access_log(placement, MESH_LOG, format, None)
}

fn access_log(
    placement: &Surroundings,
    file: &str,
    log_format: Option<LogFormat>,
    filter: Option<AccessLogFilter>,
) -> AccessLog {
    AccessLog {
        name: "envoy.access_loggers.file",
        filter,
        typed_config: Box::new(Typed::FileAccessLog(FileAccessLog {
            path: placement.log(file),
            log_format,
        })),
    }
}
