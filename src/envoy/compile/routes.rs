//! Virtual hosts and routes for requests.

use std::time::Duration;

use super::Output;
use super::exposure::{ExposedRoute, Exposure};
use super::{retry, wildcard};
use crate::envoy::api::{
    Empty, HeaderMatcher, Int64Range, QueryParameterMatcher, RegexMatcher, Route, RouteAction,
    RouteConfiguration, RouteMatch, Seconds, StringMatcher, VirtualHost,
};
use crate::mesh::{
    EgressFilter, HeaderMatch, NamedMatch, PathMatch, Protocol, QueryMatch, RequestMatch, Timeout,
};

/// What App Mesh and Envoy give a request that nobody set a limit for.
const PER_REQUEST: Duration = Duration::from_secs(15);

/// Every request to one cluster.
pub(super) fn catch_all(name: &str, cluster: String, timeout: Timeout) -> RouteConfiguration {
    let action = RouteAction {
        cluster: Some(cluster),
        ..timed(timeout)
    };
    let route = Route {
        name: None,
        r#match: path_match(&PathMatch::default()),
        route: action,
    };
    RouteConfiguration {
        name: name.to_owned(),
        virtual_hosts: vec![virtual_host("ingress", vec!["*".to_owned()], vec![route])],
    }
}

/// The services of one port, by host name.
pub(super) fn egress(
    output: &mut Output<'_>,
    name: &str,
    services: &[Exposure<'_>],
) -> RouteConfiguration {
    let mut virtual_hosts = Vec::new();
    for service in services {
        let host = service.service.name.as_str();
        let domains = wildcard::domains(host, service.port);
        let mut routes = Vec::new();
        for exposed in &service.routes {
            let action = action(output, exposed);
            let mut conditions = request_match(&exposed.matching, service.protocol);
            let of_host = wildcard::condition(host, service.port);
            conditions.headers.extend(of_host);
            routes.push(Route {
                name: Some(host.to_owned()),
                r#match: conditions,
                route: action,
            });
        }
        virtual_hosts.push(virtual_host(host, domains, routes));
    }
    match output.mesh.egress {
        EgressFilter::DropAll => {}
        EgressFilter::AllowAll => {
            let cluster = output.clusters.allow_all();
            let route = Route {
                name: None,
                r#match: path_match(&PathMatch::default()),
                route: RouteAction {
                    cluster: Some(cluster),
                    ..timed(Timeout::default())
                },
            };
            let domains = vec!["*".to_owned()];
            virtual_hosts.push(virtual_host("mesh-allow-all", domains, vec![route]));
        }
    }
    RouteConfiguration {
        name: name.to_owned(),
        virtual_hosts,
    }
}

pub(super) fn virtual_host(name: &str, domains: Vec<String>, routes: Vec<Route>) -> VirtualHost {
    VirtualHost {
        name: name.to_owned(),
        domains,
        routes,
    }
}

/// To the targets, with retries and limits.
pub(super) fn action(output: &mut Output<'_>, exposed: &ExposedRoute<'_>) -> RouteAction {
    let (cluster, weighted_clusters) = output.clusters.weighted(&exposed.targets).into_fields();
    RouteAction {
        cluster,
        weighted_clusters,
        retry_policy: retry::policy(exposed.retry),
        ..timed(exposed.timeout)
    }
}

fn timed(timeout: Timeout) -> RouteAction {
    RouteAction {
        timeout: Some(Seconds(timeout.per_request.unwrap_or(PER_REQUEST))),
        idle_timeout: timeout.idle.map(Seconds),
        ..RouteAction::default()
    }
}

/// The conditions of a route.
pub(super) fn request_match(matching: &RequestMatch, protocol: Protocol) -> RouteMatch {
    let pseudo = [(":method", &matching.method), (":scheme", &matching.scheme)];
    let pseudo = pseudo.into_iter().filter_map(|(name, value)| {
        Some(HeaderMatcher {
            name: name.to_owned(),
            string_match: Some(StringMatcher::Exact(value.clone()?)),
            ..HeaderMatcher::default()
        })
    });
    RouteMatch {
        headers: pseudo.chain(matching.headers.iter().map(header)).collect(),
        query_parameters: matching.query.iter().map(query_parameter).collect(),
        grpc: (protocol == Protocol::Grpc).then_some(Empty {}),
        ..path_match(&matching.path)
    }
}

fn path_match(path: &PathMatch) -> RouteMatch {
    let mut output = RouteMatch::default();
    match path {
        PathMatch::Prefix(prefix) => output.prefix = Some(prefix.clone()),
        PathMatch::Exact(path) => output.path = Some(path.clone()),
        PathMatch::Regex(regex) => {
            output.safe_regex = Some(RegexMatcher {
                regex: regex.clone(),
            });
        }
    }
    output
}

fn header(condition: &HeaderMatch) -> HeaderMatcher {
    let mut output = HeaderMatcher {
        name: condition.name.clone(),
        invert_match: condition.invert.then_some(true),
        ..HeaderMatcher::default()
    };
    let text = match &condition.value {
        None => {
            output.present_match = Some(true);
            return output;
        }
        Some(NamedMatch::Range { start, end }) => {
            output.range_match = Some(Int64Range::new(*start, *end));
            return output;
        }
        Some(NamedMatch::Exact(text)) => StringMatcher::Exact(text.clone()),
        Some(NamedMatch::Prefix(text)) => StringMatcher::Prefix(text.clone()),
        Some(NamedMatch::Suffix(text)) => StringMatcher::Suffix(text.clone()),
        Some(NamedMatch::Regex(text)) => StringMatcher::SafeRegex(RegexMatcher {
            regex: text.clone(),
        }),
    };
    output.string_match = Some(text);
    output
}

fn query_parameter(condition: &QueryMatch) -> QueryParameterMatcher {
    QueryParameterMatcher {
        name: condition.name.clone(),
        string_match: condition.exact.clone().map(StringMatcher::Exact),
        present_match: condition.exact.is_none().then_some(true),
    }
}
