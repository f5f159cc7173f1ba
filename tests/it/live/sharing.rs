//! Services that share a filter chain: what gets through and what does not is
//! as with chains of their own, each has its line in the statistics, and
//! whoever has to cut connections is told of them.

use std::io::ErrorKind;
use std::net::Ipv4Addr;

use colormesh::envoy::log::{ACCESS_LOG, Allowed, DENIED_LOG, Denied};
use colormesh::envoy::{Led, Told};

use super::Scene;
use super::client::Client;
use super::fixture::resources;
use super::outside::address;
use super::proxy::{Proxy, SHARED};

fn page(client: &Client<'_>, host: &str) -> std::io::Result<String> {
    // Any address does: the server name decides.
    client.https(host, address("example.com"), 443)?.get("/")
}

fn assert_reset(client: &Client<'_>, host: &str) {
    let error = page(client, host).expect_err(host);
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{host}");
}

/// The connection to a host: its number, and where it leads.
fn opened(told: &[Told], host: &str) -> (u64, Led) {
    let connections = told.iter().filter_map(|told| match told {
        Told::Opened { connection, led } => Some((*connection, led.clone())),
        Told::Closed { .. } => None,
    });
    let mut to_host = connections.filter(|(_, led)| led.server_name == host);
    to_host.next().unwrap()
}

#[test]
#[ignore = "needs root and Envoy"]
fn services_that_share_a_chain_are_told_apart_like_others() {
    let scene = Scene::sharing();
    let services = [
        ("github.com", 443, "tcp"),
        ("go.dev", 443, "tcp"),
        ("*.wild.example", 443, "tcp"),
        ("a.wild.example", 443, "tcp"),
        ("a.example", 80, "http"),
        ("mysql.example", 3306, "tcp"),
    ];
    let proxy = scene.teller(&resources("DROP_ALL", &services));
    let client = scene.client();
    let at = |host: &str| proxy.configuration.names()[host];
    let shared: Vec<&str> = proxy
        .configuration
        .shared()
        .keys()
        .map(|(_, name)| name.as_str())
        .collect();
    assert_eq!(shared, ["a.wild.example", "github.com", "go.dev"]);

    for host in ["github.com", "go.dev", "a.wild.example", "b.a.wild.example"] {
        assert_eq!(page(&client, host).unwrap(), format!("hello from {host}"));
    }
    for host in ["example.com", "wild.example", "a.example"] {
        assert_reset(&client, host);
    }
    let other_port = client.https("github.com", address("github.com"), 8443);
    let error = other_port
        .and_then(|mut connection| connection.get("/"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    // In plain text there is no name, and no request is served on that port.
    let plain = client.http("github.com", address("github.com"), 443);
    assert!(
        plain
            .and_then(|mut connection| connection.get("/"))
            .is_err()
    );
    let mut requests = client.http("a.example", at("a.example"), 80).unwrap();
    assert_eq!(requests.get("/").unwrap(), "hello from a.example");
    assert_eq!(requests_status(&client, "b.example", at("a.example")), 404);
    let greeting = client.plain(at("mysql.example"), 3306).unwrap().line();
    assert_eq!(greeting.unwrap(), "hello from mysql.example");

    let denied: Vec<Denied> = proxy.log(DENIED_LOG, 5);
    assert!(
        denied
            .iter()
            .any(|line| line.server_name.as_deref() == Some("wild.example"))
    );
    let allowed: Vec<Allowed> = proxy.log(ACCESS_LOG, 9);
    let service = |name: &str| {
        let line = allowed
            .iter()
            .find(|line| line.server_name.as_deref() == Some(name));
        line.and_then(|line| line.service.as_deref())
            .unwrap_or_default()
    };
    assert_eq!(service("go.dev"), "go.dev");
    assert_eq!(service("a.wild.example"), "a.wild.example");
    assert_eq!(service("b.a.wild.example"), "*.wild.example");
}

fn requests_status(client: &Client<'_>, host: &str, address: Ipv4Addr) -> u16 {
    client.http(host, address, 80).unwrap().status("/").unwrap()
}

#[test]
#[ignore = "needs root and Envoy"]
fn each_service_that_shares_a_chain_has_its_own_statistics() {
    let scene = Scene::sharing();
    let services = [("github.com", 443, "tcp"), ("go.dev", 443, "tcp")];
    let proxy = scene.teller(&resources("DROP_ALL", &services));
    let client = scene.client();
    for host in ["github.com", "github.com", "go.dev"] {
        page(&client, host).unwrap();
    }
    let _closed: Vec<Allowed> = proxy.log(ACCESS_LOG, 6);
    let count = |counter: &str, service: &str| {
        proxy.counter(&format!("egress.{counter}.service.{service}").replace('.', "\\."))
    };
    assert_eq!(count("connections", "github.com"), 2);
    assert_eq!(count("connections", "go.dev"), 1);
    // A greeting of the client's, a certificate of the server's, and a page.
    for counter in ["bytes_sent", "bytes_received"] {
        let bytes = count(counter, "go.dev");
        assert!((200..20_000).contains(&bytes), "{counter}: {bytes}");
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_change_leaves_shared_chains_alone_and_tells_who_has_to_be_cut() {
    let scene = Scene::sharing();
    let before = [("github.com", 443, "tcp"), ("go.dev", 443, "tcp")];
    let after = [("github.com", 443, "tcp"), ("a.wild.example", 443, "tcp")];
    let mut proxy = scene.teller(&resources("DROP_ALL", &before));
    let client = scene.client();
    let open = |host: &str| {
        let mut connection = client.https(host, address("example.com"), 443).unwrap();
        connection.get("/").unwrap();
        connection
    };
    let (mut kept, gone) = (open("github.com"), open("go.dev"));
    let may_stay = |proxy: &Proxy, host: &str| {
        let (_, led) = opened(&proxy.log(SHARED, 2), host);
        assert_eq!(led.own.port(), 15001);
        led.may_stay(proxy.configuration.shared())
    };
    assert!(may_stay(&proxy, "github.com") && may_stay(&proxy, "go.dev"));

    scene.update(&mut proxy, &resources("DROP_ALL", &after));
    client.eventually(|client| page(client, "a.wild.example"));
    assert_reset(&client, "go.dev");
    assert!(may_stay(&proxy, "github.com"));
    assert!(!may_stay(&proxy, "go.dev"));
    kept.get("/").unwrap();
    drop(gone);
    // Three have opened, two have closed.
    let told: Vec<Told> = proxy.log(SHARED, 5);
    let (connection, _) = opened(&told, "go.dev");
    assert!(told.contains(&Told::Closed { connection }));

    // None at all, and back again.
    scene.update(&mut proxy, &resources("DROP_ALL", &[]));
    kept.wait_until_closed();
    scene.update(&mut proxy, &resources("DROP_ALL", &before));
    client.eventually(|client| page(client, "go.dev"));
    assert_eq!(proxy.counter("listener_manager\\.lds\\.update_rejected"), 0);
    assert_eq!(proxy.counter("cluster_manager\\.cds\\.update_rejected"), 0);
}
