//! Resolves a virtual service to its ports, and each port to routes and nodes.
//!
//! What leads nowhere (a router, node or listener that does not exist) is
//! left out here, so that half a mesh runs; [`Mesh::check`] tells of it.

use crate::mesh::{
    Mesh, NodeListener, Protocol, Provider, RequestMatch, RetryPolicy, Route, Timeout, VirtualNode,
    VirtualRouter, VirtualService,
};

/// One port of a virtual service.
#[derive(Clone, Debug)]
pub(super) struct Exposure<'a> {
    pub(super) service: &'a VirtualService,
    pub(super) port: u16,
    pub(super) protocol: Protocol,
    pub(super) routes: Vec<ExposedRoute<'a>>,
}

/// Requests, or connections, and where they go.
#[derive(Clone, Debug)]
pub(super) struct ExposedRoute<'a> {
    /// For messages.
    pub(super) name: &'a str,
    pub(super) matching: RequestMatch,
    pub(super) targets: Vec<Target<'a>>,
    pub(super) retry: Option<&'a RetryPolicy>,
    pub(super) timeout: Timeout,
}

/// A listener of a node, and its share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) node: &'a VirtualNode,
    pub(super) listener: &'a NodeListener,
    pub(super) weight: u32,
}

/// The ports of a service.
pub(super) fn exposures<'a>(mesh: &'a Mesh, service: &'a VirtualService) -> Vec<Exposure<'a>> {
    match &service.provider {
        None => Vec::new(),
        Some(Provider::Node(name)) => match mesh.nodes.get(name) {
            Some(node) => of_node(service, node),
            None => Vec::new(),
        },
        Some(Provider::Router(name)) => match mesh.routers.get(name) {
            Some(router) => of_router(mesh, service, router),
            None => Vec::new(),
        },
    }
}

fn of_node<'a>(service: &'a VirtualService, node: &'a VirtualNode) -> Vec<Exposure<'a>> {
    let expose = |listener: &'a NodeListener| Exposure {
        service,
        port: listener.port,
        protocol: listener.protocol,
        routes: vec![ExposedRoute {
            name: node.name.as_str(),
            matching: RequestMatch::default(),
            targets: vec![Target {
                node,
                listener,
                weight: 100,
            }],
            retry: None,
            timeout: listener.timeout,
        }],
    };
    node.listeners.iter().map(expose).collect()
}

fn of_router<'a>(
    mesh: &'a Mesh,
    service: &'a VirtualService,
    router: &'a VirtualRouter,
) -> Vec<Exposure<'a>> {
    let all = mesh.routes_of(&router.name);
    let listeners = router.listeners.iter();
    listeners
        .map(|listener| Exposure {
            service,
            port: listener.port,
            protocol: listener.protocol,
            routes: all
                .iter()
                .filter(|route| route.protocol == listener.protocol)
                .filter(|route| route.matching.port.is_none_or(|port| port == listener.port))
                .filter_map(|route| expose_route(mesh, route))
                .collect(),
        })
        .collect()
}

fn expose_route<'a>(mesh: &'a Mesh, route: &'a Route) -> Option<ExposedRoute<'a>> {
    let targets: Vec<Target<'a>> = route
        .targets
        .iter()
        .filter_map(|target| {
            let node = mesh.nodes.get(&target.node)?;
            let listener = node.listener(target.port)?;
            (listener.protocol == route.protocol).then_some(Target {
                node,
                listener,
                weight: target.weight,
            })
        })
        .collect();
    if targets.iter().all(|target| target.weight == 0) {
        return None;
    }
    Some(ExposedRoute {
        name: route.name.as_str(),
        matching: route.matching.clone(),
        targets,
        retry: route.retry.as_ref(),
        timeout: route.timeout,
    })
}
