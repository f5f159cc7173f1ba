//! The part that does not change while a proxy runs: who it is, its admin
//! interface, and the view of it that others may have.

use crate::envoy::api::{
    Address, Admin, Bootstrap, Cluster, ConfigSource, DynamicResources, Empty, Extension,
    FilterChain, HeaderMatcher, HttpConnectionManager, Listener, LoadAssignment, Node,
    PathConfigSource, Pipe, Route, RouteAction, RouteConfiguration, RouteMatch, Seconds,
    SocketAddress, StaticResources, StringMatcher, Typed, VirtualHost,
};
use crate::envoy::configuration::{CDS, LDS};
use crate::envoy::surroundings::Surroundings;
use crate::mesh::{Mesh, ProxyId};

const ADMIN: &str = "static_cluster_admin";

/// What others may ask the admin interface for.
const VIEWS: &[&str] = &["/ready", "/server_info", "/stats", "/clusters"];

pub(super) fn bootstrap(mesh: &Mesh, proxy: &ProxyId, placement: &Surroundings) -> Bootstrap {
    let watch = |file: &str| ConfigSource {
        path_config_source: PathConfigSource {
            path: placement.xds.join(file),
        },
    };
    let pipe = |mode| {
        Address::Pipe(Pipe {
            path: placement.admin.clone(),
            mode,
        })
    };
    Bootstrap {
        node: Node {
            id: format!("mesh/{}/{proxy}", mesh.name),
            cluster: proxy.name().to_owned(),
        },
        admin: Admin {
            address: pipe(Some(0o600)),
        },
        dynamic_resources: Some(DynamicResources {
            lds_config: watch(LDS),
            cds_config: watch(CDS),
        }),
        static_resources: StaticResources {
            listeners: vec![listener(placement)],
            clusters: vec![Cluster {
                name: ADMIN.to_owned(),
                r#type: Some("STATIC"),
                connect_timeout: Some(Seconds::whole(1)),
                load_assignment: Some(LoadAssignment::single(ADMIN, pipe(None))),
                ..Cluster::default()
            }],
        },
    }
}

fn listener(placement: &Surroundings) -> Listener {
    let address = SocketAddress::new(placement.address.to_string(), placement.readiness_port)
        .within(placement.network.as_deref());
    let router = Extension {
        name: "envoy.filters.http.router",
        typed_config: Typed::Router(Empty {}),
    };
    let manager = HttpConnectionManager {
        stat_prefix: "readiness".to_owned(),
        rds: None,
        route_config: Some(RouteConfiguration {
            name: "readiness".to_owned(),
            virtual_hosts: vec![VirtualHost {
                name: "readiness".to_owned(),
                domains: vec!["*".to_owned()],
                routes: VIEWS.iter().map(|path| view(path)).collect(),
            }],
        }),
        http_filters: vec![router],
        access_log: Vec::new(),
        upgrade_configs: Vec::new(),
        normalize_path: Some(true),
        merge_slashes: None,
        path_with_escaped_slashes_action: None,
    };
    Listener {
        name: "readiness".to_owned(),
        address: Address::SocketAddress(address),
        additional_addresses: Vec::new(),
        traffic_direction: "INBOUND",
        stat_prefix: Some("readiness".to_owned()),
        listener_filters: Vec::new(),
        listener_filters_timeout: None,
        continue_on_listener_filters_timeout: None,
        filter_chains: vec![FilterChain {
            name: "readiness".to_owned(),
            filter_chain_match: None,
            filters: vec![Extension {
                name: "envoy.filters.network.http_connection_manager",
                typed_config: Typed::HttpConnectionManager(Box::new(manager)),
            }],
        }],
        filter_chain_matcher: None,
        default_filter_chain: None,
    }
}

fn view(path: &str) -> Route {
    let get = HeaderMatcher {
        name: ":method".to_owned(),
        string_match: Some(StringMatcher::Exact("GET".to_owned())),
        ..HeaderMatcher::default()
    };
    Route {
        name: None,
        r#match: RouteMatch {
            path: Some(path.to_owned()),
            headers: vec![get],
            ..RouteMatch::default()
        },
        route: RouteAction {
            cluster: Some(ADMIN.to_owned()),
            ..RouteAction::default()
        },
    }
}
