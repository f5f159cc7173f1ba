//! The ways out that an ordinary process can try, all at once, for `/egress`.
//!
//! Where nobody can look from outside, as on ECS, what the app itself sees is
//! the only word there is. It tries documentation addresses (RFC 5737, RFC
//! 3849), which belong to nobody, one documentation name (RFC 2606), and what
//! a cloud offers beside a container; and it asks for a name below a modelled
//! one. So nobody is harmed by what does get out; but silence then proves
//! nothing, and it is told apart from a refusal.

mod dns;
mod process;
mod seen;
mod tcp;

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::fetch::Client;
use crate::services::Settings;
use seen::Seen;

/// The host that no walkthrough models.
pub(crate) const UNMODELLED: &str = "www.example.com";
/// An address that belongs to nobody (TEST-NET-1, RFC 5737).
pub(crate) const UNMODELLED_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// A resolver that does not exist (TEST-NET-1).
const RESOLVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 53);
/// The same for IPv6 (RFC 3849).
const UNMODELLED_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
/// Where clouds tell a machine about itself, credentials included.
const INSTANCE_METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// Where ECS does so for a task.
const TASK_METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);

/// How long one step of a try may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long all of it may take.
const IN_ALL: Duration = Duration::from_secs(3);

type Try = Pin<Box<dyn Future<Output = Seen> + Send>>;

/// Tries them all; one JSON document.
pub(crate) async fn tried(client: &Client, settings: &Settings) -> String {
    let mut running = JoinSet::new();
    let probes = probes(client, settings);
    let mut told: Vec<(&str, Seen)> = Vec::new();
    for (place, (name, probe)) in probes.into_iter().enumerate() {
        told.push((name, Seen::unclear("it ended without a word")));
        running.spawn(async move {
            let seen = timeout(IN_ALL, probe).await;
            (place, seen.unwrap_or_else(|_| Seen::unclear("no answer")))
        });
    }
    while let Some(ended) = running.join_next().await {
        if let Ok((place, seen)) = ended {
            told[place].1 = seen;
        }
    }
    seen::document(&told)
}

fn probes(client: &Client, settings: &Settings) -> Vec<(&'static str, Try)> {
    let below = settings.external.values().find_map(|url| url.host());
    vec![
        (
            "TLS, foreign name",
            all([tcp::say(foreign(443), client.hello(Some(UNMODELLED)))]),
        ),
        (
            "TLS, foreign name, where the resolver has it",
            Box::pin(tcp::by_name(UNMODELLED, client.hello(Some(UNMODELLED)))),
        ),
        (
            "TLS without a name",
            all([tcp::say(foreign(443), client.hello(None))]),
        ),
        (
            "TLS on a port that is not modelled",
            all([tcp::say(foreign(8443), client.hello(Some(UNMODELLED)))]),
        ),
        (
            "plain text on ports 443 and 22",
            all([443, 22].map(|port| tcp::say(foreign(port), b"SSH-2.0-egress\r\n".to_vec()))),
        ),
        (
            "HTTP, foreign host",
            Box::pin(tcp::page(foreign(80), UNMODELLED, "/")),
        ),
        (
            "TCP over IPv6",
            all([tcp::say(
                (UNMODELLED_V6, 443).into(),
                client.hello(Some(UNMODELLED)),
            )]),
        ),
        (
            "UDP",
            all([9, 443].map(|port| dns::datagram(foreign(port)))),
        ),
        (
            "DNS to a foreign resolver, UDP",
            Box::pin(dns::by_udp((RESOLVER, 53).into())),
        ),
        (
            "DNS to a foreign resolver, TCP",
            Box::pin(dns::by_tcp((RESOLVER, 53).into())),
        ),
        (
            "a name that is not modelled",
            Box::pin(dns::look_up(UNMODELLED.to_owned())),
        ),
        (
            "a made-up name below a modelled one",
            Box::pin(dns::look_up_below(below.map(str::to_owned))),
        ),
        (
            "raw socket, ICMP",
            Box::pin(async { process::raw_socket() }),
        ),
        ("the proxy's user id", Box::pin(process::proxy_user())),
        (
            "instance metadata",
            Box::pin(tcp::page(
                (INSTANCE_METADATA, 80).into(),
                "169.254.169.254",
                "/latest/meta-data/",
            )),
        ),
        (
            "task metadata",
            Box::pin(tcp::page(
                (TASK_METADATA, 80).into(),
                "169.254.170.2",
                "/v2/metadata",
            )),
        ),
        ("the proxy's admin port", Box::pin(tcp::admin())),
    ]
}

fn foreign(port: u16) -> SocketAddr {
    (IpAddr::from(UNMODELLED_ADDRESS), port).into()
}

/// Several tries at once, as one.
fn all<F, const N: usize>(tries: [F; N]) -> Try
where
    F: Future<Output = Seen> + Send + 'static,
{
    let tries: JoinSet<Seen> = tries.into_iter().collect();
    Box::pin(async move { Seen::together(tries.join_all().await) })
}
