//! Requests that pretend to be for a modelled host, or to come with one.

use std::net::Ipv4Addr;
use std::thread;

use colormesh::envoy::log::{DENIED_LOG, Denied};

use super::Scene;
use super::client::{Answer, Client};
use super::fixture::resources;
use super::outside::address;

/// What `a.example` and nobody else answers.
const MODELLED: &str = "hello from a.example";

/// What comes back for a request to port 80.
fn ask(client: &Client<'_>, address: Ipv4Addr, request: &str) -> Answer {
    client.raw(address, 80, request.replace('\n', "\r\n").as_bytes())
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_modelled_host_is_reached_however_it_is_written() {
    let scene = Scene::new();
    let proxy = scene.teller(&resources("DROP_ALL", &[("a.example", 80, "http")]));
    let client = scene.client();
    let name = proxy.configuration.names()["a.example"];
    // The address that the client chose does not matter; neither does case.
    for address in [name, address("b.example"), Ipv4Addr::new(203, 0, 113, 7)] {
        for host in ["a.example", "a.example:80", "A.Example"] {
            let answer = ask(
                &client,
                address,
                &format!("GET / HTTP/1.1\nHost: {host}\n\n"),
            );
            assert_eq!(answer.status, Some(200), "{host} at {address}: {answer:?}");
            assert!(answer.text.contains(MODELLED), "{answer:?}");
        }
    }
    let absolute = "GET http://a.example/ HTTP/1.1\nHost: a.example\n\n";
    let upgrade = "GET / HTTP/1.1\nHost: a.example\nConnection: upgrade\nUpgrade: websocket\n\
        Sec-WebSocket-Version: 13\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\n\n";
    for request in [absolute, upgrade] {
        let answer = ask(&client, name, request);
        assert!(answer.text.contains(MODELLED), "{request}: {answer:?}");
    }
    let answer = client.raw(name, 80, &h2c("a.example"));
    assert!(answer.text.contains(MODELLED), "{answer:?}");
}

#[test]
#[ignore = "needs root and Envoy"]
fn no_request_reaches_a_host_that_is_not_modelled() {
    let scene = Scene::new();
    let proxy = scene.teller(&resources("DROP_ALL", &[("a.example", 80, "http")]));
    let client = scene.client();
    let name = proxy.configuration.names()["a.example"];
    let (evil, real) = ("b.example", address("b.example"));
    let requests = [
        format!("GET / HTTP/1.1\nHost: {evil}\n\n"),
        format!("GET / HTTP/1.1\nHost: {evil}:80\n\n"),
        format!("GET / HTTP/1.1\nHost: a.example\nHost: {evil}\n\n"),
        format!("GET / HTTP/1.1\nHost: {evil}\nHost: a.example\n\n"),
        format!("GET http://{evil}/ HTTP/1.1\nHost: a.example\n\n"),
        format!("GET http://a.example@{evil}/ HTTP/1.1\nHost: a.example\n\n"),
        format!("GET / HTTP/1.1\nHost: a.example@{evil}\n\n"),
        format!("GET / HTTP/1.1\nHost: {evil}@a.example\n\n"),
        format!("GET / HTTP/1.1\nHost: a.example, {evil}\n\n"),
        "GET / HTTP/1.1\nHost: a.example.\n\n".to_owned(),
        "GET / HTTP/1.1\nHost: a.example:8080\n\n".to_owned(),
        "GET / HTTP/1.1\nHost: x.a.example\n\n".to_owned(),
        format!("GET / HTTP/1.1\nHost: {real}\n\n"),
        "GET / HTTP/1.1\nHost: [::1]\n\n".to_owned(),
        "GET / HTTP/1.1\nHost:\n\n".to_owned(),
        "GET / HTTP/1.1\n\n".to_owned(),
        "GET / HTTP/1.0\nHost: a.example\n\n".to_owned(),
        "GET / HTTP/1.0\n\n".to_owned(),
        format!("CONNECT {evil}:443 HTTP/1.1\nHost: {evil}:443\n\n"),
        "CONNECT a.example:80 HTTP/1.1\nHost: a.example:80\n\n".to_owned(),
        format!(
            "GET / HTTP/1.1\nHost: {evil}\nConnection: upgrade\nUpgrade: websocket\n\
             Sec-WebSocket-Version: 13\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\n\n"
        ),
        format!("GET / HTTP/1.1\nHost: {evil}\nX-Forwarded-Host: a.example\n\n"),
    ];
    let tries: Vec<_> = requests
        .iter()
        .flat_map(|request| [(request, name), (request, real)])
        .collect();
    thread::scope(|scope| {
        let asked = tries.iter().map(|(request, address)| {
            let client = &client;
            (request, scope.spawn(move || ask(client, *address, request)))
        });
        for (request, answer) in asked.collect::<Vec<_>>() {
            let answer = answer.join().unwrap();
            let refused = matches!(answer.status, Some(400 | 404 | 426) | None);
            assert!(
                refused && !answer.text.contains("hello"),
                "{request}: {answer:?}"
            );
        }
    });
    let answer = client.raw(name, 80, &h2c(evil));
    assert!(!answer.text.contains("hello"), "{answer:?}");
    // Each of them is in the log of refusals.
    let denied: Vec<Denied> = proxy.log(DENIED_LOG, 2 * requests.len() + 1);
    for host in [evil, "a.example.", "x.a.example", "b.example:443"] {
        let noted = denied.iter().any(|line| line.host.as_deref() == Some(host));
        assert!(noted, "{host} in {denied:?}");
    }
}

/// A request inside of another, for those who count its length otherwise.
#[test]
#[ignore = "needs root and Envoy"]
fn a_request_cannot_be_smuggled_in_another() {
    let scene = Scene::new();
    let proxy = scene.teller(&resources("DROP_ALL", &[("a.example", 80, "http")]));
    let client = scene.client();
    let name = proxy.configuration.names()["a.example"];
    let inner = "GET /secret HTTP/1.1\nHost: b.example\n\n";
    let length = inner.replace('\n', "\r\n").len();
    for head in [
        format!("Content-Length: {}\nTransfer-Encoding: chunked", length + 5),
        format!("Transfer-Encoding: chunked\nContent-Length: {}", length + 5),
        format!("Transfer-Encoding: xchunked\nContent-Length: {length}"),
        format!("Transfer-Encoding : chunked\nContent-Length: {length}"),
        format!("Content-Length: {length}\nContent-Length: 0"),
        format!("Content-Length: +{length}"),
    ] {
        let request = format!("POST / HTTP/1.1\nHost: a.example\n{head}\n\n0\n\n{inner}");
        let answer = ask(&client, name, &request);
        assert!(!answer.text.contains("hello"), "{head}: {answer:?}");
        assert!(
            matches!(answer.status, Some(400 | 501)),
            "{head}: {answer:?}"
        );
    }
    // A second request on the connection is looked at as the first was.
    let both = format!("GET / HTTP/1.1\nHost: a.example\n\n{inner}");
    let answer = ask(&client, name, &both);
    assert!(
        answer.text.contains(MODELLED) && answer.text.contains("404"),
        "{answer:?}"
    );
    assert_eq!(answer.text.matches("hello").count(), 1, "{answer:?}");
}

/// A request in HTTP/2 from its first byte, its header fields as literals.
fn h2c(authority: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x86, 0x84, 0x01];
    block.push(u8::try_from(authority.len()).unwrap());
    block.extend(authority.as_bytes());
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    let length = u8::try_from(block.len()).unwrap();
    bytes.extend([0, 0, length, 1, 5, 0, 0, 0, 1]);
    bytes.extend(block);
    bytes
}
