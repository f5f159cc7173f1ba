//! Services of every host below a domain.

use colormesh::envoy::log::{ACCESS_LOG, Allowed};

use super::Scene;
use super::fixture::resources;
use super::matching::{assert_reset, at};

#[test]
#[ignore = "needs root and Envoy"]
fn a_wildcard_reaches_the_host_that_was_asked_for_and_only_below_its_domain() {
    let scene = Scene::new();
    let services = [
        ("*.wild.example", 443, "tcp"),
        ("*.wild.example", 80, "http"),
        ("github.com", 443, "tcp"),
        ("a.example", 80, "http"),
    ];
    let proxy = scene.teller(&resources("DROP_ALL", &services));
    let client = scene.client();
    let wild = at(&proxy, "*.wild.example");
    for host in ["a.wild.example", "b.a.wild.example"] {
        let page = client.https(host, wild, 443).unwrap().get("/").unwrap();
        assert_eq!(page, format!("hello from {host}"));
        let page = client.http(host, wild, 80).unwrap().get("/").unwrap();
        assert_eq!(page, format!("hello from {host}"));
    }
    // The domain itself, its neighbours, and other ports are not below it.
    for host in ["wild.example", "example.com"] {
        assert_reset(&client, host, wild, 443);
        assert_eq!(
            client.http(host, wild, 80).unwrap().status("/").unwrap(),
            404
        );
    }
    assert_reset(&client, "a.wild.example", wild, 8443);
    for host in [
        "a.wild.example:443",
        "a.wild.example:",
        "example.com:80.wild.example",
        "me@a.wild.example",
        "example.com/.wild.example",
        ".wild.example",
        "*.wild.example.",
    ] {
        let status = client.http(host, wild, 80).and_then(|mut c| c.status("/"));
        assert!(matches!(status, Ok(400 | 404)), "{host}: {status:?}");
    }
    // A name of it that does not exist fails, and nothing else does.
    let missing = client
        .https("none.wild.example", wild, 443)
        .and_then(|mut c| c.get("/"));
    assert!(missing.is_err());
    let page = client
        .https("github.com", at(&proxy, "github.com"), 443)
        .unwrap()
        .get("/");
    assert_eq!(page.unwrap(), "hello from github.com");
    let page = client
        .http("a.example", at(&proxy, "a.example"), 80)
        .unwrap()
        .get("/");
    assert_eq!(page.unwrap(), "hello from a.example");

    let allowed: Vec<Allowed> = proxy.log(ACCESS_LOG, 6);
    let line = allowed
        .iter()
        .find(|line| line.server_name.as_deref() == Some("b.a.wild.example"))
        .unwrap_or_else(|| panic!("{allowed:?}"));
    assert_eq!(line.service.as_deref(), Some("*.wild.example"));
    assert_eq!(line.upstream.as_deref(), Some("198.51.100.72:443"));
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_wildcard_that_comes_or_goes_cuts_nobody_else_off() {
    let scene = Scene::new();
    let before = [("github.com", 443, "tcp"), ("a.example", 80, "http")];
    let mut after = before.to_vec();
    after.extend([
        ("*.wild.example", 443, "tcp"),
        ("*.wild.example", 80, "http"),
    ]);
    after.push(("a.wild.example", 3306, "plain"));
    let mut proxy = scene.teller(&resources("DROP_ALL", &before));
    let client = scene.client();
    let mut tls = client
        .https("github.com", at(&proxy, "github.com"), 443)
        .unwrap();
    let mut http = client
        .http("a.example", at(&proxy, "a.example"), 80)
        .unwrap();
    let mut all_well = || {
        tls.get("/").unwrap();
        http.get("/").unwrap();
    };
    all_well();
    scene.update(&mut proxy, &resources("DROP_ALL", &after));
    // A host with a service of its own on one port is the wildcard's on others.
    let (wild, near) = (at(&proxy, "*.wild.example"), at(&proxy, "a.wild.example"));
    for address in [wild, near] {
        client.eventually(|client| client.https("a.wild.example", address, 443)?.get("/"));
        client.eventually(|client| client.http("a.wild.example", address, 80)?.get("/"));
    }
    let mut gone = client.https("a.wild.example", near, 443).unwrap();
    gone.get("/").unwrap();
    all_well();
    scene.update(&mut proxy, &resources("DROP_ALL", &before));
    gone.wait_until_closed();
    assert_reset(&client, "a.wild.example", wild, 443);
    all_well();
    assert_eq!(proxy.counter("listener_manager.lds.update_rejected"), 0);
    assert_eq!(proxy.counter("cluster_manager.cds.update_rejected"), 0);
}

#[test]
#[ignore = "needs root and Envoy"]
fn the_nearer_of_two_names_wins() {
    let scene = Scene::new();
    let services = [
        ("*.wild.example", 443, "tcp"),
        ("a.wild.example", 443, "tcp"),
        ("*.a.wild.example", 443, "tcp"),
        ("*.wild.example", 80, "http"),
        ("a.wild.example", 80, "http"),
    ];
    let proxy = scene.teller(&resources("DROP_ALL", &services));
    let client = scene.client();
    let wild = at(&proxy, "*.wild.example");
    for host in ["a.wild.example", "b.a.wild.example"] {
        client.https(host, wild, 443).unwrap().get("/").unwrap();
        client.http(host, wild, 80).unwrap().get("/").unwrap();
    }
    let allowed: Vec<Allowed> = proxy.log(ACCESS_LOG, 6);
    let service = |name: &str, tls: bool| {
        let line = allowed.iter().find(|line| {
            let asked = if tls { &line.server_name } else { &line.host };
            asked.as_deref() == Some(name)
        });
        line.and_then(|line| line.service.clone())
            .unwrap_or_default()
    };
    assert_eq!(service("a.wild.example", true), "a.wild.example");
    assert_eq!(service("b.a.wild.example", true), "*.a.wild.example");
    assert_eq!(service("a.wild.example", false), "a.wild.example");
    assert_eq!(service("b.a.wild.example", false), "*.wild.example");
}
