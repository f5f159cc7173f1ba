//! The rules between resources: names that must exist, and the order of routes.

use std::cmp::Reverse;

use super::{
    GatewayRoute, HostnameMatch, Mesh, PathMatch, Problem, Provider, RequestMatch, VirtualNodeName,
};

impl Mesh {
    /// What does not fit together. A stack that is being created passes
    /// through such states, so none of it keeps the rest from running: what
    /// leads nowhere is left out.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for node in self.nodes.values() {
            for backend in &node.backends {
                if self.services_of(backend).next().is_none() {
                    let message =
                        format!("backend `{backend}` is not a virtual service of the mesh");
                    problems.push(Problem::warning(node.name.as_str(), message));
                }
            }
        }
        for service in self.services.values() {
            let missing = match &service.provider {
                Some(Provider::Node(name)) => self.lacks_node(name),
                Some(Provider::Router(name)) => (!self.routers.contains_key(name))
                    .then(|| format!("there is no virtual router `{name}`")),
                None => None,
            };
            problems.extend(missing.map(|text| Problem::warning(service.name.as_str(), text)));
        }
        for route in self.routes.values() {
            problems.extend(self.check_route(route));
        }
        for route in self.gateway_routes.values() {
            if !self.services.contains_key(&route.target.service) {
                let message = format!("there is no virtual service `{}`", route.target.service);
                problems.push(Problem::warning(route.name.as_str(), message));
            }
        }
        problems
    }

    fn check_route(&self, route: &super::Route) -> Vec<Problem> {
        let warning = |text| Problem::warning(route.name.as_str(), text);
        let mut problems = Vec::new();
        if !self.routers.contains_key(&route.router) {
            problems.push(warning(format!(
                "there is no virtual router `{}`",
                route.router
            )));
        }
        for target in &route.targets {
            let Some(node) = self.nodes.get(&target.node) else {
                problems.extend(self.lacks_node(&target.node).map(warning));
                continue;
            };
            match node.listener(target.port) {
                None => problems.push(warning(match target.port {
                    Some(port) => {
                        format!("virtual node `{}` has no listener on {port}", target.node)
                    }
                    None => format!(
                        "virtual node `{}` does not have one listener: say which `Port`",
                        target.node
                    ),
                })),
                Some(listener) if listener.protocol != route.protocol => {
                    let (node, route) = (listener.protocol.as_str(), route.protocol.as_str());
                    problems.push(warning(format!(
                        "virtual node `{}` speaks `{node}`, the route `{route}`",
                        target.node
                    )));
                }
                Some(_) => {}
            }
        }
        problems
    }

    fn lacks_node(&self, name: &VirtualNodeName) -> Option<String> {
        (!self.nodes.contains_key(name)).then(|| format!("there is no virtual node `{name}`"))
    }
}

/// A sort key; equal keys keep the order of their names.
type Order = (u32, u8, u8, Reverse<usize>, Reverse<usize>);

/// The sort key of a gateway's route: as of any route, but after the priority
/// the one with the narrower host name comes first.
pub(super) fn gateway_order(route: &GatewayRoute) -> Order {
    let host = match route.hostname {
        Some(HostnameMatch::Exact(_)) => 0,
        Some(HostnameMatch::Suffix(_)) => 1,
        None => 2,
    };
    let (priority, _, kind, length, conditions) = order(route.priority, &route.matching);
    (priority, host, kind, length, conditions)
}

/// The sort key of a route: by priority, then the more exact path, then the
/// one with more conditions.
pub(super) fn order(priority: Option<u32>, matching: &RequestMatch) -> Order {
    let (kind, length) = match &matching.path {
        PathMatch::Exact(path) => (0, path.len()),
        PathMatch::Regex(path) => (1, path.len()),
        PathMatch::Prefix(path) => (2, path.len()),
    };
    let conditions = matching.headers.len()
        + matching.query.len()
        + usize::from(matching.method.is_some())
        + usize::from(matching.scheme.is_some());
    (
        priority.unwrap_or(1001),
        0,
        kind,
        Reverse(length),
        Reverse(conditions),
    )
}
