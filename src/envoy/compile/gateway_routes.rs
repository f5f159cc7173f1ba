//! Makes one route of a gateway's route and each route of its service.
//!
//! The service's route is tried on the path that the gateway's route has
//! rewritten, so the two conditions are joined on the path as it comes in.

use super::exposure::{ExposedRoute, Exposure, exposures};
use super::{CompileError, Output, routes};
use crate::envoy::api::{
    RegexMatcher, RegexRewrite, Route, RouteAction, RouteConfiguration, VirtualHost,
};
use crate::mesh::{
    GatewayListener, GatewayRoute, HostnameMatch, HostnameRewrite, PathMatch, PathRewrite,
    RequestMatch, VirtualGateway,
};

pub(super) fn compile(
    output: &mut Output<'_>,
    gateway: &VirtualGateway,
    listener: &GatewayListener,
    name: &str,
) -> Result<RouteConfiguration, CompileError> {
    let gateway_routes: Vec<&GatewayRoute> = output
        .mesh
        .gateway_routes_of(&gateway.name)
        .into_iter()
        .filter(|route| route.protocol == listener.protocol)
        .filter(|route| route.matching.port.is_none_or(|port| port == listener.port))
        .collect();
    let mut made = Vec::new();
    for route in &gateway_routes {
        made.push((route.hostname.as_ref(), flatten(output, route)?));
    }
    Ok(RouteConfiguration {
        name: name.to_owned(),
        virtual_hosts: virtual_hosts(&made, listener.port),
    })
}

/// Envoy looks for routes only in the virtual host that fits best, so each
/// host name also gets the routes of the wider ones.
fn virtual_hosts(made: &[(Option<&HostnameMatch>, Vec<Route>)], port: u16) -> Vec<VirtualHost> {
    let mut patterns: Vec<Option<&HostnameMatch>> = Vec::new();
    for (pattern, _) in made {
        if !patterns.iter().any(|known| same_host(*known, *pattern)) {
            patterns.push(*pattern);
        }
    }
    let host = |pattern: Option<&HostnameMatch>| {
        let routes = made.iter().filter(|(wider, _)| covers(*wider, pattern));
        let routes = routes.flat_map(|(_, routes)| routes.clone()).collect();
        let domains = domains(pattern, port);
        let name = domains[0].clone();
        routes::virtual_host(&name, domains, routes)
    };
    patterns.into_iter().map(host).collect()
}

fn same_host(one: Option<&HostnameMatch>, other: Option<&HostnameMatch>) -> bool {
    domains(one, 0) == domains(other, 0)
}

fn domains(pattern: Option<&HostnameMatch>, port: u16) -> Vec<String> {
    let host = match pattern {
        None => return vec!["*".to_owned()],
        Some(HostnameMatch::Exact(host)) => host.to_ascii_lowercase(),
        Some(HostnameMatch::Suffix(suffix)) => format!("*{}", ending(suffix)),
    };
    let with_port = format!("{host}:{port}");
    vec![host, with_port]
}

/// The suffix without a star and in lower case: `.example.com`.
fn ending(suffix: &str) -> String {
    suffix.trim_start_matches('*').to_ascii_lowercase()
}

fn covers(wider: Option<&HostnameMatch>, pattern: Option<&HostnameMatch>) -> bool {
    match (wider, pattern) {
        (None, _) => true,
        (Some(_), None) | (Some(HostnameMatch::Exact(_)), Some(HostnameMatch::Suffix(_))) => false,
        (Some(HostnameMatch::Exact(one)), Some(HostnameMatch::Exact(other))) => {
            one.eq_ignore_ascii_case(other)
        }
        (Some(HostnameMatch::Suffix(suffix)), Some(HostnameMatch::Exact(host))) => {
            host.to_ascii_lowercase().ends_with(&ending(suffix))
        }
        (Some(HostnameMatch::Suffix(one)), Some(HostnameMatch::Suffix(other))) => {
            ending(other).ends_with(&ending(one))
        }
    }
}

fn flatten(
    output: &mut Output<'_>,
    gateway_route: &GatewayRoute,
) -> Result<Vec<Route>, CompileError> {
    let mesh = output.mesh;
    let Some(service) = mesh.services.get(&gateway_route.target.service) else {
        return Ok(Vec::new());
    };
    let exposures = exposures(mesh, service);
    let Some(exposure) = target(gateway_route, &exposures) else {
        return Ok(Vec::new());
    };
    let mut made = Vec::new();
    for exposed in &exposure.routes {
        for way in Way::all(gateway_route) {
            let joined = way.join(&exposed.matching.path).map_err(|Inseparable| {
                CompileError::Unflattenable {
                    gateway_route: gateway_route.name.to_string(),
                    route: exposed.name.to_owned(),
                }
            })?;
            if let Some(way) = joined {
                made.push(route(output, gateway_route, exposed, way));
            }
        }
    }
    Ok(made)
}

/// The port that a gateway route leads to.
fn target<'e, 'a>(
    gateway_route: &GatewayRoute,
    exposures: &'e [Exposure<'a>],
) -> Option<&'e Exposure<'a>> {
    let mut fitting = exposures
        .iter()
        .filter(|exposure| exposure.protocol.has_requests());
    match gateway_route.target.port {
        Some(port) => fitting.find(|exposure| exposure.port == port),
        None => fitting.next(),
    }
}

fn route(
    output: &mut Output<'_>,
    gateway_route: &GatewayRoute,
    exposed: &ExposedRoute<'_>,
    way: Way,
) -> Route {
    let service = gateway_route.target.service.as_str();
    let (mut matching, inner) = (gateway_route.matching.clone(), &exposed.matching);
    matching.method = matching.method.or_else(|| inner.method.clone());
    matching.scheme = matching.scheme.or_else(|| inner.scheme.clone());
    matching.headers.extend(inner.headers.iter().cloned());
    matching.query.extend(inner.query.iter().cloned());
    let matching = RequestMatch {
        path: way.path,
        ..matching
    };
    let mut action = RouteAction {
        host_rewrite_literal: match gateway_route.hostname_rewrite {
            HostnameRewrite::Service => Some(service.to_owned()),
            HostnameRewrite::Keep => None,
        },
        ..routes::action(output, exposed)
    };
    match way.rewrite {
        PathRewrite::Keep => {}
        PathRewrite::Prefix(prefix) => action.prefix_rewrite = Some(prefix),
        PathRewrite::Exact(path) => {
            action.regex_rewrite = Some(RegexRewrite {
                pattern: RegexMatcher {
                    regex: "^/.*$".to_owned(),
                },
                substitution: path.replace('\\', "\\\\"),
            });
        }
    }
    Route {
        name: Some(service.to_owned()),
        r#match: routes::request_match(&matching, gateway_route.protocol),
        route: action,
    }
}

/// A condition on the path, and what the path then becomes.
#[derive(Clone, Debug, PartialEq)]
struct Way {
    path: PathMatch,
    rewrite: PathRewrite,
}

/// Two conditions that cannot be joined.
#[derive(Debug, PartialEq)]
struct Inseparable;

// === impl Way ===

impl Way {
    /// The ways of a gateway route. A prefix that becomes another is taken
    /// with its slash first, so that `/colour/x` becomes `/x` and not `//x`.
    fn all(route: &GatewayRoute) -> Vec<Self> {
        let way = |path, rewrite| Self { path, rewrite };
        let path = route.matching.path.clone();
        let (prefix, to) = match (&path, &route.path_rewrite) {
            (PathMatch::Prefix(prefix), PathRewrite::Prefix(to)) => (prefix.clone(), to.clone()),
            (PathMatch::Exact(_) | PathMatch::Regex(_), PathRewrite::Prefix(_)) => {
                return vec![way(path, PathRewrite::Keep)];
            }
            (_, PathRewrite::Keep | PathRewrite::Exact(_)) => {
                return vec![way(path, route.path_rewrite.clone())];
            }
        };
        if prefix == to {
            return vec![way(path, PathRewrite::Keep)];
        }
        let rewrite = PathRewrite::Prefix(to.clone());
        match prefix.strip_suffix('/') {
            Some("") => vec![way(path, rewrite)],
            Some(bare) if to.ends_with('/') => vec![
                way(path.clone(), rewrite.clone()),
                way(PathMatch::Exact(bare.to_owned()), PathRewrite::Exact(to)),
            ],
            None if to.ends_with('/') => vec![
                way(PathMatch::Prefix(format!("{prefix}/")), rewrite.clone()),
                way(path, rewrite),
            ],
            Some(_) | None => vec![way(path, rewrite)],
        }
    }

    /// Joins it with a condition on the rewritten path; `None` when no path
    /// fulfils both.
    fn join(self, inner: &PathMatch) -> Result<Option<Self>, Inseparable> {
        if *inner == PathMatch::default() {
            return Ok(Some(self));
        }
        match (&self.path, &self.rewrite) {
            (_, PathRewrite::Exact(to)) => fixed(&to.clone(), inner, self),
            (PathMatch::Exact(path), PathRewrite::Keep) => fixed(&path.clone(), inner, self),
            (PathMatch::Prefix(prefix), PathRewrite::Keep) => {
                let (from, to) = (prefix.clone(), prefix.clone());
                self.join_prefix(&from, &to, inner)
            }
            (PathMatch::Prefix(prefix), PathRewrite::Prefix(to)) => {
                let (from, to) = (prefix.clone(), to.clone());
                self.join_prefix(&from, &to, inner)
            }
            (PathMatch::Exact(_), PathRewrite::Prefix(_)) | (PathMatch::Regex(_), _) => {
                Err(Inseparable)
            }
        }
    }

    /// `from` becomes `to`, and then `inner` must hold.
    fn join_prefix(
        self,
        from: &str,
        to: &str,
        inner: &PathMatch,
    ) -> Result<Option<Self>, Inseparable> {
        let changes = |path: PathMatch, becomes: &str| {
            let rewrite = match (&self.rewrite, &path) {
                (PathRewrite::Keep, _) => PathRewrite::Keep,
                (_, PathMatch::Exact(_)) => PathRewrite::Exact(becomes.to_owned()),
                (_, PathMatch::Prefix(_) | PathMatch::Regex(_)) => {
                    PathRewrite::Prefix(becomes.to_owned())
                }
            };
            Self { path, rewrite }
        };
        Ok(match inner {
            PathMatch::Prefix(prefix) if to.starts_with(prefix.as_str()) => Some(self),
            PathMatch::Prefix(prefix) => prefix
                .strip_prefix(to)
                .map(|rest| changes(PathMatch::Prefix(format!("{from}{rest}")), prefix)),
            PathMatch::Exact(path) => path
                .strip_prefix(to)
                .map(|rest| changes(PathMatch::Exact(format!("{from}{rest}")), path)),
            PathMatch::Regex(_) if from == "/" && to == "/" => Some(Self {
                path: inner.clone(),
                rewrite: PathRewrite::Keep,
            }),
            PathMatch::Regex(_) => return Err(Inseparable),
        })
    }
}

/// The rewritten path is known: the condition holds or it does not.
fn fixed(path: &str, inner: &PathMatch, way: Way) -> Result<Option<Way>, Inseparable> {
    let holds = match inner {
        PathMatch::Prefix(prefix) => path.starts_with(prefix.as_str()),
        PathMatch::Exact(exact) => path == exact,
        PathMatch::Regex(_) => return Err(Inseparable),
    };
    Ok(holds.then_some(way))
}
