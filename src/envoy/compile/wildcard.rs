//! Services of any name below a domain: the name that the client asks for is
//! the one that is resolved.
//!
//! For TLS that is the server name, for requests the host. Both are checked
//! against the service's own name before; the port is always the node's.

use super::backends::is_plain;
use super::exposure::{ExposedRoute, Exposure};
use super::{CompileError, Output};
use crate::envoy::api::{
    DynamicForwardProxy, Extension, HeaderMatcher, RegexMatcher, SniDynamicForwardProxy,
    StringMatcher, Typed,
};
use crate::mesh::{Matching, ServiceDiscovery};

/// The port of a host that names none.
const HTTP_PORT: u16 = 80;

/// The filter that resolves the server name, for a service that needs it.
pub(super) fn by_server_name(
    output: &mut Output<'_>,
    connection: &Exposure<'_>,
    route: &ExposedRoute<'_>,
) -> Result<Option<Extension>, CompileError> {
    let refuse = |reason| refused(connection, reason);
    if is_plain(connection) && is_wildcard(connection.service.name.as_str()) {
        return Err(refuse(
            "a service of many names that is not TLS: nothing in the connection says which of them is meant",
        ));
    }
    if !leads_anywhere(route) {
        return Ok(None);
    }
    let [target] = route.targets.as_slice() else {
        return Err(refuse(
            "a node of many names cannot share connections with other nodes",
        ));
    };
    if is_plain(connection) {
        return Err(refuse(
            "a node of many names that is not TLS: nothing in the connection says which of them is meant",
        ));
    }
    if output.mesh.matching == Matching::Port {
        return Err(refuse(
            "a node of many names needs matching by `sni`: by port alone, any name would do",
        ));
    }
    let cache = output.clusters.names_of(target.node, target.listener);
    Ok(Some(Extension {
        name: "envoy.filters.network.sni_dynamic_forward_proxy",
        typed_config: Typed::SniDynamicForwardProxy(SniDynamicForwardProxy {
            dns_cache_config: cache,
            port_value: target.listener.port,
        }),
    }))
}

/// Requests name their port themselves, so it has to be the node's.
pub(super) fn check_requests(service: &Exposure<'_>) -> Result<(), CompileError> {
    let targets = service.routes.iter().flat_map(|route| &route.targets);
    let other_port = targets
        .filter(|target| is_dynamic(target.node.discovery.as_ref()))
        .any(|target| target.listener.port != service.port);
    if other_port {
        return Err(refused(
            service,
            "requests to a node of many names keep their port: leave the virtual router out",
        ));
    }
    Ok(())
}

/// Puts the filter that resolves hosts into a connection manager. It is there
/// whether or not a service needs it now, since adding it later would cut off
/// everybody's connections; it leaves requests to other services alone.
pub(super) fn resolving(output: &Output<'_>, mut manager: Extension) -> Extension {
    if let Typed::HttpConnectionManager(http) = &mut manager.typed_config {
        let filter = Extension {
            name: "envoy.filters.http.dynamic_forward_proxy",
            typed_config: Typed::DynamicForwardProxy(DynamicForwardProxy {
                dns_cache_config: output.clusters.names_of_requests(),
            }),
        };
        http.http_filters.insert(0, filter);
    }
    manager
}

/// The host names of a virtual host of that name: one with its port is the
/// same, and one without only where clients leave the port out.
pub(super) fn domains(name: &str, port: u16) -> Vec<String> {
    let with_port = format!("{name}:{port}");
    if is_wildcard(name) && port != HTTP_PORT {
        return vec![with_port];
    }
    vec![name.to_owned(), with_port]
}

/// What a host has to be below a wildcard: names have labels, and nothing
/// besides.
pub(super) fn condition(name: &str, port: u16) -> Option<HeaderMatcher> {
    let ending = name.strip_prefix('*')?;
    let ending = ending.to_ascii_lowercase().replace('.', "\\.");
    let label = "[a-z0-9_-]+";
    Some(HeaderMatcher {
        name: ":authority".to_owned(),
        string_match: Some(StringMatcher::SafeRegex(RegexMatcher {
            regex: format!("(?i){label}(\\.{label})*{ending}(:{port})?"),
        })),
        ..HeaderMatcher::default()
    })
}

pub(super) fn is_dynamic(discovery: Option<&ServiceDiscovery>) -> bool {
    discovery.is_some_and(ServiceDiscovery::is_wildcard)
}

fn leads_anywhere(route: &ExposedRoute<'_>) -> bool {
    let mut targets = route.targets.iter();
    targets.any(|target| is_dynamic(target.node.discovery.as_ref()))
}

fn is_wildcard(name: &str) -> bool {
    name.starts_with("*.")
}

fn refused(exposure: &Exposure<'_>, reason: &'static str) -> CompileError {
    CompileError::Wildcard {
        service: exposure.service.name.to_string(),
        port: exposure.port,
        reason,
    }
}
