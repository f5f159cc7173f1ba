//! Compiled configurations in a real Envoy, in network namespaces, with an
//! outside world of stand-ins: what is allowed gets through, everything else
//! is refused and noted, and a change of the mesh cuts nobody else off.
//!
//! - `world`: Envoys, the stand-ins on addresses of `lo`, and their DNS.
//! - `vpc`: the addresses of the tasks.
//! - `app`: the application, which has nothing but `lo`.

pub(crate) mod client;
mod fixture;
mod matching;
pub(crate) mod netns;
pub(crate) mod outside;
mod proxy;
mod requests;
mod sharing;
mod wildcards;

use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use colormesh::envoy::log::{ACCESS_LOG, Allowed, DENIED_LOG, Denied, Direction, Event};
use colormesh::mesh::{ProxyId, Resource, VirtualGatewayName, VirtualNodeName};

use client::Client;
use fixture::resources;
use netns::Netns;
use outside::Outside;
use proxy::Proxy;

pub(crate) const TELLER: Ipv4Addr = Ipv4Addr::new(10, 0, 10, 5);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 10, 6);
const PAINTER: Ipv4Addr = Ipv4Addr::new(10, 0, 10, 7);

/// Three namespaces, the stand-ins and the application, ready for Envoys.
struct Scene {
    world: Netns,
    vpc: Netns,
    app: Netns,
    outside: Outside,
    /// Whether services share chains that can.
    shares: bool,
}

impl Scene {
    fn new() -> Self {
        let (world, vpc, app) = (Netns::new(), Netns::new(), Netns::new());
        vpc.shell(&format!(
            "ip addr add {TELLER}/32 dev lo; ip addr add {GATEWAY}/32 dev lo; ip addr add {PAINTER}/32 dev lo"
        ));
        app.redirect();
        let outside = Outside::start(&world);
        outside::application(&app);
        Self {
            world,
            vpc,
            app,
            outside,
            shares: false,
        }
    }

    fn sharing() -> Self {
        Self {
            shares: true,
            ..Self::new()
        }
    }

    fn teller(&self, resources: &[Resource]) -> Proxy {
        self.sidecar(resources, "teller", TELLER, &self.app)
    }

    fn sidecar(&self, resources: &[Resource], node: &str, address: Ipv4Addr, app: &Netns) -> Proxy {
        let id = ProxyId::VirtualNode(VirtualNodeName::new(node));
        let app_and_form = Some((app, self.shares));
        let proxy = Proxy::start(&self.world, resources, id, address, &self.vpc, app_and_form);
        app.follow(&proxy.configuration);
        proxy
    }

    fn update(&self, proxy: &mut Proxy, resources: &[Resource]) {
        proxy.update(resources);
        self.app.follow(&proxy.configuration);
    }

    fn gateway(&self, resources: &[Resource]) -> Proxy {
        let id = ProxyId::VirtualGateway(VirtualGatewayName::new("gateway"));
        Proxy::start(&self.world, resources, id, GATEWAY, &self.vpc, None)
    }

    fn client(&self) -> Client<'_> {
        Client {
            app: &self.app,
            roots: self.outside.roots.clone(),
        }
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn what_is_modelled_gets_through_and_the_rest_is_refused_and_noted() {
    let scene = Scene::new();
    let services = [
        ("github.com", 443, "tcp"),
        ("go.dev", 443, "tcp"),
        ("a.example", 80, "http"),
        ("b.example", 80, "http"),
        ("mysql.example", 3306, "tcp"),
    ];
    let proxy = scene.teller(&resources("DROP_ALL", &services));
    let client = scene.client();
    let at = |host: &str| proxy.configuration.names()[host];

    for host in ["github.com", "go.dev"] {
        let page = client.https(host, at(host), 443).unwrap().get("/").unwrap();
        assert_eq!(page, format!("hello from {host}"));
    }
    // By server name, wherever the connection meant to go.
    let page = client
        .https("go.dev", outside::address("example.com"), 443)
        .unwrap()
        .get("/");
    assert_eq!(page.unwrap(), "hello from go.dev");

    let refused = |host: &str, address, port| {
        let error = client
            .https(host, address, port)
            .and_then(|mut c| c.get("/"))
            .unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::ConnectionReset,
            "{host} {address}:{port}: {error}"
        );
    };
    refused("example.com", outside::address("example.com"), 443);
    refused("example.com", at("github.com"), 443);
    refused("github.com", outside::address("github.com"), 8443);
    let error = client
        .plain(at("github.com"), 443)
        .and_then(|mut c| c.get("/"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);

    for host in ["a.example", "b.example"] {
        let mut connection = client.http(host, at(host), 80).unwrap();
        assert_eq!(connection.get("/").unwrap(), format!("hello from {host}"));
    }
    let mut connection = client.http("evil.example", at("a.example"), 80).unwrap();
    assert_eq!(connection.status("/secret").unwrap(), 404);

    // The server speaks first, and nobody waits for the client.
    let start = Instant::now();
    let greeting = client
        .plain(at("mysql.example"), 3306)
        .unwrap()
        .line()
        .unwrap();
    assert_eq!(greeting, "hello from mysql.example");
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );

    let start = Instant::now();
    let nothing = client
        .plain(outside::address("example.com"), 443)
        .unwrap()
        .line();
    assert!(nothing.is_err() || nothing.unwrap().is_empty());
    assert!(start.elapsed() > Duration::from_secs(4));

    check_denied(&proxy);
    check_allowed(&proxy);
}

/// The refusals have their destination and what was asked for.
fn check_denied(proxy: &Proxy) {
    let denied: Vec<Denied> = proxy.log(DENIED_LOG, 6);
    let noted = |destination: &str, server_name: Option<&str>| {
        denied.iter().any(|line| {
            line.destination.as_deref() == Some(destination)
                && line.server_name.as_deref() == server_name
        })
    };
    assert!(
        noted("198.51.100.30:443", Some("example.com")),
        "{denied:?}"
    );
    assert!(
        noted("198.51.100.10:8443", Some("github.com")),
        "{denied:?}"
    );
    assert!(noted("198.51.100.30:443", None), "{denied:?}");
    let request = denied
        .iter()
        .find(|line| line.host.as_deref() == Some("evil.example"));
    let request = request.unwrap_or_else(|| panic!("{denied:?}"));
    assert_eq!(request.path.as_deref(), Some("/secret"));
    assert_eq!(request.details.as_deref(), Some("route_not_found"));
}

/// What got through is noted with its service.
fn check_allowed(proxy: &Proxy) {
    let allowed: Vec<Allowed> = proxy.log(ACCESS_LOG, 9);
    let find = |service: &str, event| {
        let line = allowed
            .iter()
            .find(|line| line.service.as_deref() == Some(service) && line.event == event);
        line.unwrap_or_else(|| panic!("{service} {event:?} in {allowed:?}"))
    };
    let open = find("github.com", Event::Open);
    assert_eq!(open.direction, Direction::Egress);
    assert_eq!(open.server_name.as_deref(), Some("github.com"));
    assert_eq!(open.upstream.as_deref(), Some("198.51.100.10:443"));
    assert!(find("github.com", Event::Close).bytes_sent > 0);
    let request = find("a.example", Event::Request);
    assert_eq!(request.status, Some(200));
    assert!(
        allowed
            .iter()
            .all(|line| line.host.as_deref() != Some("evil.example"))
    );
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_change_of_the_mesh_cuts_off_only_what_is_gone() {
    let scene = Scene::new();
    let before = [
        ("github.com", 443, "tcp"),
        ("go.dev", 443, "tcp"),
        ("a.example", 80, "http"),
        ("b.example", 80, "http"),
    ];
    let after = [
        ("github.com", 443, "tcp"),
        ("example.com", 443, "tcp"),
        ("a.example", 80, "http"),
        ("mysql.example", 3306, "tcp"),
    ];
    let mut proxy = scene.teller(&resources("DROP_ALL", &before));
    let client = scene.client();
    let names = proxy.configuration.names().clone();
    let at = |host: &str| names[host];
    let mut kept = client.https("github.com", at("github.com"), 443).unwrap();
    let mut gone = client.https("go.dev", at("go.dev"), 443).unwrap();
    let mut http = client.http("a.example", at("a.example"), 80).unwrap();
    kept.get("/").unwrap();
    gone.get("/").unwrap();
    http.get("/").unwrap();

    let start = Instant::now();
    scene.update(&mut proxy, &resources("DROP_ALL", &after));
    gone.wait_until_closed();
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    let error = client
        .https("go.dev", at("go.dev"), 443)
        .and_then(|mut c| c.get("/"));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::ConnectionReset);
    kept.get("/").unwrap();
    http.get("/").unwrap();

    let added = proxy.configuration.names()["example.com"];
    client.eventually(|client| client.https("example.com", added, 443)?.get("/"));
    let added = proxy.configuration.names()["mysql.example"];
    client.eventually(|client| client.plain(added, 3306)?.line());
    let status = client
        .http("b.example", at("b.example"), 80)
        .unwrap()
        .status("/")
        .unwrap();
    assert_eq!(status, 404);

    scene.update(&mut proxy, &resources("DROP_ALL", &before));
    client.eventually(|client| client.https("go.dev", at("go.dev"), 443)?.get("/"));
    client.eventually(|client| client.http("b.example", at("b.example"), 80)?.get("/"));
    kept.get("/").unwrap();
    http.get("/").unwrap();
    assert_eq!(proxy.counter("listener_manager.lds.update_rejected"), 0);
    assert_eq!(proxy.counter("cluster_manager.cds.update_rejected"), 0);
}

#[test]
#[ignore = "needs root and Envoy"]
fn the_gateway_reaches_the_application_and_others_may_look_but_not_touch() {
    let scene = Scene::new();
    let resources = resources("DROP_ALL", &[("github.com", 443, "tcp")]);
    // The gateway is first: it finds the teller as soon as that one is there.
    let gateway = scene.gateway(&resources);
    let outsider = Client {
        app: &scene.vpc,
        roots: scene.outside.roots.clone(),
    };
    let early = outsider
        .http("any.example", GATEWAY, 80)
        .unwrap()
        .status("/")
        .unwrap();
    assert_eq!(early, 503);
    let teller = scene.teller(&resources);
    let start = Instant::now();
    let page = outsider.eventually(|client| client.http("any.example", GATEWAY, 80)?.get("/"));
    assert_eq!(page, "hello from teller.internal");
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );

    for proxy in [&gateway, &teller] {
        let address = proxy.address;
        let mut view = outsider.http("any", address, 9901).unwrap();
        assert_eq!(view.get("/ready").unwrap().trim(), "LIVE");
        assert_eq!(view.status("/config_dump").unwrap(), 404);
        assert_eq!(view.post("/quitquitquit").unwrap(), 404);
        let mode = std::fs::metadata(&proxy.admin)
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let requests: Vec<Allowed> = teller.log(ACCESS_LOG, 1);
    // Health checks are not noted.
    assert!(
        requests
            .iter()
            .all(|line| line.path.as_deref() == Some("/")),
        "{requests:?}"
    );
    assert_eq!(requests[0].direction, Direction::Ingress);
}

#[test]
#[ignore = "needs root and Envoy"]
fn where_all_is_allowed_what_is_not_modelled_answers_too() {
    let scene = Scene::new();
    let services = [("github.com", 443, "tcp"), ("a.example", 80, "http")];
    let proxy = scene.teller(&resources("ALLOW_ALL", &services));
    let client = scene.client();
    assert!(proxy.configuration.names().is_empty());
    for host in ["github.com", "example.com"] {
        let page = client
            .https(host, outside::address(host), 443)
            .unwrap()
            .get("/");
        assert_eq!(page.unwrap(), format!("hello from {host}"));
    }
    for host in ["a.example", "b.example"] {
        let page = client
            .http(host, outside::address(host), 80)
            .unwrap()
            .get("/");
        assert_eq!(page.unwrap(), format!("hello from {host}"));
    }
    let allowed: Vec<Allowed> = proxy.log(ACCESS_LOG, 6);
    let services: Vec<_> = allowed
        .iter()
        .filter_map(|line| line.service.as_deref())
        .collect();
    assert!(
        services.contains(&"github.com") && services.contains(&"a.example"),
        "{allowed:?}"
    );
    assert!(allowed.iter().any(|line| {
        line.service.is_none() && line.server_name.as_deref() == Some("example.com")
    }));
}
