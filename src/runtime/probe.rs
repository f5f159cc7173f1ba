//! Whether there is an outside world: a way out, a resolver, and one of the
//! hosts that the mesh models behind them. Nobody else is asked.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::dns::{Forwarder, Transport};

/// How long finding out may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many hosts are tried: one of them suffices.
const TRIED: usize = 4;

/// Whether one of these hosts can be reached from here, each with its port, by
/// the resolvers that a `resolv.conf` names; the error says why it seems not.
pub async fn reach(settings: &Path, hosts: &[(String, u16)]) -> Result<(), String> {
    reach_by(&Forwarder::following(settings.to_owned()), hosts).await
}

pub(super) async fn reach_by(forwarder: &Forwarder, hosts: &[(String, u16)]) -> Result<(), String> {
    if !routes() {
        return Err("this machine has no default route".to_owned());
    }
    if !forwarder.knows_a_resolver() {
        return Err("this machine names no DNS server".to_owned());
    }
    let found = timeout(PATIENCE, async {
        match hosts {
            // The one question that names nobody.
            [] => ask(forwarder, ".", RecordType::NS).await.map(drop),
            hosts => any(forwarder, &hosts[..hosts.len().min(TRIED)]).await,
        }
    });
    found.await.unwrap_or_else(|_| {
        let who = hosts.first().map_or("the DNS server", |(host, _)| host);
        let seconds = PATIENCE.as_secs();
        Err(format!("`{who}` does not answer within {seconds} seconds"))
    })
}

/// The first host that answers settles it; else the first's failure counts.
async fn any(forwarder: &Forwarder, hosts: &[(String, u16)]) -> Result<(), String> {
    let each = hosts.iter().enumerate().map(|(index, (host, port))| {
        let (forwarder, host, port) = (forwarder.clone(), host.clone(), *port);
        async move { (index, one(&forwarder, &host, port).await) }
    });
    let mut trying: JoinSet<_> = each.collect();
    let mut failures = Vec::new();
    while let Some(tried) = trying.join_next().await {
        match tried {
            Ok((_, Ok(()))) => return Ok(()),
            Ok((index, Err(why))) => failures.push((index, why)),
            Err(_) => {}
        }
    }
    let first = failures.into_iter().min();
    Err(first.map_or_else(|| "nobody could be asked".to_owned(), |(_, why)| why))
}

async fn one(forwarder: &Forwarder, host: &str, port: u16) -> Result<(), String> {
    let mut addresses = ask(forwarder, host, RecordType::A).await?;
    if addresses.is_empty() {
        addresses = ask(forwarder, host, RecordType::AAAA).await?;
    }
    let mut why = format!("the DNS server knows no address of `{host}`");
    for address in addresses {
        match TcpStream::connect(SocketAddr::new(address, port)).await {
            Ok(_) => return Ok(()),
            Err(error) => why = format!("`{host}` cannot be reached at port {port}: {error}"),
        }
    }
    Err(why)
}

async fn ask(forwarder: &Forwarder, name: &str, kind: RecordType) -> Result<Vec<IpAddr>, String> {
    let parsed = Name::from_ascii(name).map_err(|error| format!("`{name}`: {error}"))?;
    let mut question = Message::query();
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(parsed, kind));
    let bytes = question
        .to_vec()
        .map_err(|error| format!("`{name}`: {error}"))?;
    let answer = forwarder.ask(&bytes, Transport::Udp).await;
    let answer = answer.ok_or("no DNS server answers")?;
    let answer = Message::from_vec(&answer).map_err(|_| "the DNS server answers nonsense")?;
    match answer.metadata.response_code {
        ResponseCode::NoError => Ok(addresses(&answer)),
        ResponseCode::NXDomain => Err(format!("the DNS server does not know `{name}`")),
        code => Err(format!("the DNS server cannot find `{name}`: {code}")),
    }
}

fn addresses(answer: &Message) -> Vec<IpAddr> {
    let data = answer.answers.iter().map(|record| &record.data);
    data.filter_map(|data| match data {
        RData::A(address) => Some(address.0.into()),
        RData::AAAA(address) => Some(address.0.into()),
        _ => None,
    })
    .collect()
}

fn routes() -> bool {
    let read = |name| std::fs::read_to_string(format!("/proc/thread-self/net/{name}"));
    has_default_route(&read("route").unwrap_or_default()) || has_ipv6()
}

/// Whether this machine has a default route by IPv6.
pub(super) fn has_ipv6() -> bool {
    let table = std::fs::read_to_string("/proc/thread-self/net/ipv6_route");
    has_default_ipv6_route(&table.unwrap_or_default())
}

/// A route that is in use.
const UP: u32 = 0x1;
/// A route that refuses.
const REJECT: u32 = 0x200;

/// Whether the kernel's table of routes has one for everything.
fn has_default_route(table: &str) -> bool {
    table.lines().skip(1).any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let everything = fields.get(1) == Some(&"00000000") && fields.get(7) == Some(&"00000000");
        everything && leads_out(fields.get(3))
    })
}

/// The same of the table for IPv6, which has another form.
fn has_default_ipv6_route(table: &str) -> bool {
    table.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let target = fields
            .first()
            .is_some_and(|to| to.bytes().all(|b| b == b'0'));
        target && fields.get(1) == Some(&"00") && leads_out(fields.get(8))
    })
}

fn leads_out(flags: Option<&&str>) -> bool {
    let flags = flags.and_then(|flags| u32::from_str_radix(flags, 16).ok());
    flags.is_some_and(|flags| flags & UP != 0 && flags & REJECT == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_route_is_recognised() {
        let head = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n";
        let lan = "eth0 000A0A0A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n";
        let default = "eth0 00000000 010A0A0A 0003 0 0 0 00000000 0 0 0\n";
        assert!(!has_default_route(&format!("{head}{lan}")));
        assert!(has_default_route(&format!("{head}{lan}{default}")));
        assert!(!has_default_route(""));
    }

    #[test]
    fn a_default_route_by_ipv6_is_told_from_the_one_that_refuses() {
        let none = "00000000000000000000000000000000";
        let refuses =
            format!("{none} 00 {none} 00 {none} ffffffff 00000001 00000000 00200200 lo\n");
        let gateway = "fe80000000000000000000000000000001";
        let default = format!("{none} 00 {none} 00 {gateway} 00000400 00000001 0 00000003 eth0\n");
        assert!(!has_default_ipv6_route(&refuses));
        assert!(has_default_ipv6_route(&format!("{refuses}{default}")));
    }

    #[tokio::test]
    async fn a_resolver_that_does_not_answer_is_no_internet() {
        let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await;
        let silent = silent.expect("a socket");
        let address = silent.local_addr().expect("an address");
        let forwarder = Forwarder::new(vec![address]);
        let asked = ask(&forwarder, "a.test", RecordType::A);
        assert!(timeout(PATIENCE, asked).await.is_err());
    }
}
