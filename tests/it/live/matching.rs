//! How connections and requests are told apart, and what is tried to be taken
//! for another.

use std::io::{ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use colormesh::envoy::log::{ACCESS_LOG, Allowed, DENIED_LOG, Denied};

use serde_json::json;

use super::client::Client;
use super::fixture::{caller, resources};
use super::netns::Netns;
use super::outside::address;
use super::proxy::Proxy;
use super::{GATEWAY, PAINTER, Scene};

/// Well below the silence that a TLS port allows a client.
const AT_ONCE: Duration = Duration::from_secs(2);

pub(super) fn at(proxy: &Proxy, host: &str) -> Ipv4Addr {
    proxy.configuration.names()[host]
}

/// The connection is cut before anything comes back.
pub(super) fn assert_reset(client: &Client<'_>, host: &str, address: Ipv4Addr, port: u16) {
    let start = Instant::now();
    let error = client
        .https(host, address, port)
        .and_then(|mut connection| connection.get("/"))
        .expect_err(host);
    assert_eq!(
        error.kind(),
        ErrorKind::ConnectionReset,
        "{host} {address}:{port}"
    );
    assert!(start.elapsed() < AT_ONCE, "{host}: {:?}", start.elapsed());
}

/// The first line of a server that speaks first, which comes without delay.
fn greeting(client: &Client<'_>, address: Ipv4Addr, port: u16) -> String {
    let start = Instant::now();
    let line = client.plain(address, port).unwrap().line().unwrap();
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    line
}

#[test]
#[ignore = "needs root and Envoy"]
fn servers_that_speak_first_are_told_apart_by_virtual_address() {
    let scene = Scene::new();
    let services = [
        ("mysql.example", 3306, "tcp"),
        ("mysql2.example", 3306, "tcp"),
    ];
    let proxy = scene.teller(&resources("DROP_ALL", &services));
    let client = scene.client();
    for (host, _, _) in services {
        let line = greeting(&client, at(&proxy, host), 3306);
        assert_eq!(line, format!("hello from {host}"));
    }
    // The real address is nobody's: only names are modelled.
    let nothing = client.plain(address("mysql.example"), 3306).unwrap().line();
    assert!(nothing.is_err() || nothing.unwrap().is_empty());
    let denied: Vec<Denied> = proxy.log(DENIED_LOG, 1);
    assert_eq!(denied[0].destination.as_deref(), Some("198.51.100.50:3306"));
}

#[test]
#[ignore = "needs root and Envoy"]
fn tls_and_other_services_share_ports_and_hosts() {
    let scene = Scene::new();
    let services = [
        ("github.com", 443, "tcp"),
        ("code.example", 443, "tcp"),
        ("mysql.example", 3306, "tcp"),
        ("go.dev", 3306, "tls"),
        ("code.example", 22, "tcp"),
        ("code.example", 587, "tcp"),
    ];
    let proxy = scene.teller(&resources("DROP_ALL", &services));
    let client = scene.client();
    let code = at(&proxy, "code.example");
    assert_eq!(greeting(&client, code, 22), "hello from code.example");
    let page = client.https("code.example", code, 443).unwrap().get("/");
    assert_eq!(page.unwrap(), "hello from code.example");
    // That one of its ports is told apart by address opens no other port.
    assert_reset(&client, "example.com", code, 443);
    let plain = client
        .http("code.example", code, 443)
        .and_then(|mut c| c.get("/"));
    assert_eq!(plain.unwrap_err().kind(), ErrorKind::ConnectionReset);

    // TLS that begins later is none of the mesh's business.
    let mut stream = client.connect(code, 587).unwrap();
    assert_eq!(line(&mut stream), "220 code.example");
    stream.write_all(b"STARTTLS\n").unwrap();
    assert_eq!(line(&mut stream), "220 go ahead");
    let page = client.upgrade("code.example", stream).get("/").unwrap();
    assert_eq!(page, "hello from code.example");

    // One port, TLS for one host and not for the other.
    assert_eq!(
        greeting(&client, at(&proxy, "mysql.example"), 3306),
        "hello from mysql.example"
    );
    assert_reset(&client, "example.com", at(&proxy, "go.dev"), 3306);
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_long_first_message_in_pieces_is_read_whole() {
    let scene = Scene::new();
    let _proxy = scene.teller(&resources("DROP_ALL", &[("github.com", 443, "tcp")]));
    let client = scene.client();
    let page = |host| {
        client
            .https_with_much_to_say(host, address("example.com"), 443)?
            .get("/")
    };
    assert_eq!(page("github.com").unwrap(), "hello from github.com");
    let refused = page("example.com").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionReset);
}

fn line(stream: &mut impl Read) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
}

#[test]
#[ignore = "needs root and Envoy"]
fn each_node_reaches_its_own_backends_and_the_gateway_none() {
    let scene = Scene::new();
    let services = [("github.com", 443, "tcp")];
    let mut all = resources("DROP_ALL", &services);
    all.extend(resources("DROP_ALL", &[("go.dev", 443, "tcp")]).split_off(5));
    all.push(caller("painter", &["go.dev"]));
    let teller = scene.teller(&all);
    let (studio, client) = (Netns::new(), scene.client());
    studio.redirect();
    let painter = scene.sidecar(&all, "painter", PAINTER, &studio);
    let other = Client {
        app: &studio,
        roots: scene.outside.roots.clone(),
    };
    let names = |proxy: &Proxy| {
        proxy
            .configuration
            .names()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&teller), ["github.com"]);
    assert_eq!(names(&painter), ["go.dev"]);
    let page = client
        .https("github.com", address("github.com"), 443)
        .unwrap()
        .get("/");
    assert_eq!(page.unwrap(), "hello from github.com");
    let page = other
        .https("go.dev", address("go.dev"), 443)
        .unwrap()
        .get("/");
    assert_eq!(page.unwrap(), "hello from go.dev");
    assert_reset(&client, "go.dev", address("go.dev"), 443);
    assert_reset(&other, "github.com", address("github.com"), 443);

    let gateway = scene.gateway(&all);
    let rendering = gateway.configuration.static_rendering();
    assert!(!rendering.contains("github.com") && !rendering.contains("go.dev"));
    assert!(!rendering.contains("lds_egress"));
    let outsider = Client {
        app: &scene.vpc,
        roots: scene.outside.roots.clone(),
    };
    let page = outsider.eventually(|client| client.http("github.com", GATEWAY, 80)?.get("/"));
    assert_eq!(page, "hello from teller.internal");
    let connect = outsider.raw(
        GATEWAY,
        80,
        b"CONNECT github.com:443 HTTP/1.1\r\nhost: github.com:443\r\n\r\n",
    );
    assert_eq!(connect.status, Some(404));
}

#[test]
#[ignore = "needs root and Envoy"]
fn what_does_not_begin_as_it_should_is_refused_and_noted() {
    let scene = Scene::new();
    let services = [("github.com", 443, "tcp"), ("*.wild.example", 8443, "tcp")];
    let proxy = scene.teller(&resources("DROP_ALL", &services));
    let client = scene.client();
    let name = at(&proxy, "github.com");
    for bytes in [
        b"GET / HTTP/1.1\r\nhost: github.com\r\n\r\n".to_vec(),
        b"SSH-2.0-client\r\n".to_vec(),
        hello(None),
        hello(Some(b"example.com")),
        hello(Some(b"github.com.example.com")),
        hello(Some(b"")),
        hello(Some(b"github.com\0.example.com")),
    ] {
        let start = Instant::now();
        let answer = client.raw(name, 443, &bytes);
        assert!(answer.text.is_empty(), "{answer:?}");
        assert!(
            start.elapsed() < AT_ONCE,
            "{bytes:?}: {:?}",
            start.elapsed()
        );
    }
    // A name that ends for one reader where it goes on for another.
    let answer = client.raw(name, 8443, &hello(Some(b"example.com\0.wild.example")));
    assert!(answer.text.is_empty(), "{answer:?}");
    // The same bytes with the right name get an answer: the greeting is well formed.
    let answer = client.raw(name, 443, &hello(Some(b"GitHub.com")));
    assert!(!answer.text.is_empty(), "{answer:?}");

    let start = Instant::now();
    let silent = client.plain(name, 443).unwrap().line();
    assert!(silent.is_err() || silent.unwrap().is_empty());
    let waited = start.elapsed();
    assert!(
        waited > Duration::from_secs(4) && waited < Duration::from_secs(8),
        "{waited:?}"
    );
    let denied: Vec<Denied> = proxy.log(DENIED_LOG, 9);
    for name in ["example.com", "github.com.example.com"] {
        let named = denied
            .iter()
            .filter(|line| line.server_name.as_deref() == Some(name));
        assert_eq!(named.count(), 1, "{denied:?}");
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn by_port_alone_whatever_goes_to_the_port_goes_to_the_service() {
    let scene = Scene::new();
    let services = [
        ("github.com", 443, "tcp"),
        ("mysql.example", 3306, "tcp"),
        ("a.example", 80, "http"),
    ];
    let mut by_port = resources("DROP_ALL", &services);
    by_port[0].properties["Tags"] = json!([{"Key": "colormesh:matching", "Value": "port"}]);
    let mut proxy = scene.teller(&by_port);
    let client = scene.client();
    let page = client
        .https("github.com", at(&proxy, "github.com"), 443)
        .unwrap()
        .get("/");
    assert_eq!(page.unwrap(), "hello from github.com");
    // Another host's name and address: github.com answers, as its certificate tells.
    let error = client
        .https("example.com", address("example.com"), 443)
        .and_then(|mut connection| connection.get("/"))
        .unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    assert_eq!(
        greeting(&client, at(&proxy, "mysql.example"), 3306),
        "hello from mysql.example"
    );
    let mut http = client
        .http("a.example", at(&proxy, "a.example"), 80)
        .unwrap();
    assert_eq!(http.get("/").unwrap(), "hello from a.example");
    assert_eq!(
        client
            .http("b.example", address("b.example"), 80)
            .unwrap()
            .status("/")
            .unwrap(),
        404
    );
    assert_reset(&client, "github.com", address("github.com"), 8443);

    // Where nothing waits for names, it shows in the log what came along.
    let allowed: Vec<Allowed> = proxy.log(ACCESS_LOG, 3);
    let misled = allowed
        .iter()
        .find(|line| line.server_name.as_deref() == Some("example.com"));
    assert_eq!(
        misled.and_then(|line| line.service.as_deref()),
        Some("github.com"),
        "{allowed:?}"
    );

    // And back, without a new Envoy.
    scene.update(&mut proxy, &resources("DROP_ALL", &services));
    client.eventually(|client| {
        let asked = client.https("example.com", address("example.com"), 443);
        match asked.and_then(|mut connection| connection.get("/")) {
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(()),
            other => Err(std::io::Error::other(format!("{other:?}"))),
        }
    });
}

/// A TLS greeting with that server name, or none.
fn hello(name: Option<&[u8]>) -> Vec<u8> {
    let sized = |bytes: &[u8]| {
        let mut all = u16::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
        all.extend(bytes);
        all
    };
    let mut extensions = Vec::new();
    let mut extension = |kind: u16, body: &[u8]| {
        extensions.extend(kind.to_be_bytes());
        extensions.extend(sized(body));
    };
    if let Some(name) = name {
        let mut entry = vec![0];
        entry.extend(sized(name));
        extension(0, &sized(&entry));
    }
    extension(10, &sized(&[0, 29, 0, 23]));
    extension(11, &[1, 0]);
    extension(13, &sized(&[4, 3, 8, 4, 4, 1]));
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.push(0);
    body.extend(sized(&[0xc0, 0x2b, 0xc0, 0x2f]));
    body.extend([1, 0]);
    body.extend(sized(&extensions));
    let mut message = vec![1, 0];
    message.extend(sized(&body));
    let mut record = vec![22, 3, 1];
    record.extend(sized(&message));
    record
}
