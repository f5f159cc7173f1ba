//! A line as people read it, and as programs do.

use std::collections::HashMap;
use std::net::SocketAddr;

use serde::Serialize;

use super::entry::What;
use super::groups::Target;
use super::printable::{clipped, plain, printable};
use super::{Entry, Log};
use crate::cli::printer::{BAD, FAINT, GOOD, NAME, paint};
use crate::envoy::log::{Allowed, Attempt, Denied, Direction, Event, Protocol};
use crate::runtime::moment;

/// The most characters of a stranger's words in a row.
const MOST: usize = 120;

/// An entry in `--output json`. What does not apply is left out.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Document<'a> {
    time: String,
    task: &'a str,
    log: Option<Log>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<Direction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<Attempt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<Protocol>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_sent: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_received: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a str>,
}

/// The entry for programs.
pub(crate) fn document(entry: &Entry) -> Document<'_> {
    let common = Document {
        time: moment::timestamp(entry.at),
        task: &entry.task,
        log: Some(entry.log()),
        ..Document::default()
    };
    match &entry.what {
        What::App(text) | What::Envoy(text) => Document {
            text: Some(text),
            ..common
        },
        What::Allowed(allowed) => of_allowed(common, allowed),
        What::Denied(denied) => of_denied(common, denied),
    }
}

fn of_allowed<'a>(common: Document<'a>, allowed: &'a Allowed) -> Document<'a> {
    let destination = destination(allowed.destination.as_deref());
    Document {
        event: Some(event(allowed.event)),
        direction: Some(allowed.direction),
        service: allowed.service.as_deref(),
        server_name: allowed.server_name.as_deref(),
        host: allowed.host.as_deref(),
        address: destination.map(|destination| destination.ip().to_string()),
        port: destination.map(|destination| destination.port()),
        method: allowed.method.as_deref(),
        path: allowed.path.as_deref(),
        status: allowed.status,
        location: allowed.location.as_deref(),
        upstream: allowed.upstream.as_deref(),
        bytes_sent: Some(allowed.bytes_sent),
        bytes_received: Some(allowed.bytes_received),
        duration_ms: allowed.duration_ms,
        client: allowed.client.as_deref(),
        flags: flags(allowed.flags.as_deref()),
        details: allowed.details.as_deref(),
        ..common
    }
}

fn of_denied<'a>(common: Document<'a>, denied: &'a Denied) -> Document<'a> {
    let destination = destination(denied.destination.as_deref());
    Document {
        attempt: Some(denied.attempt()),
        protocol: Some(denied.protocol),
        server_name: denied.server_name.as_deref(),
        host: denied.host.as_deref(),
        address: destination.map(|destination| destination.ip().to_string()),
        port: destination.map(|destination| destination.port()),
        record: denied.record.as_deref(),
        method: denied.method.as_deref(),
        path: denied.path.as_deref(),
        duration_ms: denied.duration_ms,
        client: denied.client.as_deref(),
        flags: flags(denied.flags.as_deref()),
        details: denied.details.as_deref(),
        ..common
    }
}

fn destination(text: Option<&str>) -> Option<SocketAddr> {
    text.and_then(|text| text.parse().ok())
}

fn flags(flags: Option<&str>) -> Option<&str> {
    flags.filter(|flags| *flags != "-")
}

fn event(event: Event) -> &'static str {
    match event {
        Event::Open => "open",
        Event::Close => "close",
        Event::Request => "request",
    }
}

/// The entry for people; `width` is the longest task's name.
pub(crate) fn row(entry: &Entry, width: usize, whole_time: bool) -> String {
    let time = moment::timestamp(entry.at);
    // On a terminal the day goes without saying.
    let time = if whole_time {
        time.as_str()
    } else {
        time.get(11..23).unwrap_or(&time)
    };
    let (style, text) = match &entry.what {
        What::App(text) => (NAME, plain(text)),
        What::Envoy(text) => (FAINT, plain(text)),
        What::Allowed(allowed) => (GOOD, passed(allowed)),
        What::Denied(denied) => (BAD, refused(denied)),
    };
    let word = entry.log().word();
    format!(
        "{}  {}  {} {text}\n",
        paint(FAINT, time),
        paint(FAINT, &format!("{:<width$}", printable(&entry.task))),
        paint(style, &format!("{word:<7}")),
    )
}

fn passed(allowed: &Allowed) -> String {
    let service = allowed
        .service
        .as_deref()
        .or(allowed.server_name.as_deref());
    let service = service.or(allowed.host.as_deref()).unwrap_or("-");
    let port = destination(allowed.destination.as_deref());
    let port = port
        .map(|port| format!(":{}", port.port()))
        .unwrap_or_default();
    let place = format!("{}{port}", shown(service));
    let took = allowed.duration_ms.map(took).unwrap_or_default();
    let bytes = format!("{} out, {} in", allowed.bytes_received, allowed.bytes_sent);
    let way = match allowed.direction {
        Direction::Ingress => "in ",
        Direction::Egress => "",
    };
    match allowed.event {
        Event::Open => {
            let upstream = allowed.upstream.as_deref().map(shown).unwrap_or_default();
            format!("{way}open {place} -> {upstream}")
        }
        Event::Close => {
            let flags = flags(allowed.flags.as_deref()).map(|flags| format!(", {}", shown(flags)));
            format!(
                "{way}close {place}: {bytes} bytes, {took}{}",
                flags.unwrap_or_default()
            )
        }
        Event::Request => format!(
            "{way}{} {place}{} {}: {bytes} bytes, {took}",
            shown(allowed.method.as_deref().unwrap_or("-")),
            shown(allowed.path.as_deref().unwrap_or_default()),
            allowed
                .status
                .map_or_else(|| "-".to_owned(), |status| status.to_string()),
        ),
    }
}

fn refused(denied: &Denied) -> String {
    let target = Target::of(denied, &HashMap::new());
    let what = match denied.attempt() {
        Attempt::Http => format!(
            "{} {}",
            shown(denied.method.as_deref().unwrap_or("no HTTP")),
            shown(denied.path.as_deref().unwrap_or_default())
        ),
        Attempt::Dns => format!(
            "look-up of {}",
            shown(denied.record.as_deref().unwrap_or("-"))
        ),
        attempt @ (Attempt::Tls
        | Attempt::TlsWithoutName
        | Attempt::PlainText
        | Attempt::Silent
        | Attempt::Tcp) => words(attempt).to_owned(),
    };
    let at = denied
        .destination
        .as_deref()
        .filter(|_| target.name.is_some());
    let at = at
        .map(|at| format!(" at {}", shown(at)))
        .unwrap_or_default();
    let usual = |why: &&str| *why != "route_not_found";
    let why = denied.details.as_deref().filter(usual);
    let why = why
        .map(|why| format!(", {}", shown(why)))
        .unwrap_or_default();
    format!("{}  {}{at}{why}", place(&target), what.trim_end())
}

/// `www.github.com:443`, `192.0.2.1:22`, `www.github.com`.
pub(super) fn place(target: &Target) -> String {
    let host = target
        .name
        .as_deref()
        .or(target.address.as_deref())
        .unwrap_or("-");
    let port = target
        .port
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    format!("{}{port}", shown(host))
}

/// What was tried, in words.
pub(super) fn words(attempt: Attempt) -> &'static str {
    match attempt {
        Attempt::Tls => "TLS",
        Attempt::TlsWithoutName => "TLS without a server name",
        Attempt::PlainText => "no TLS",
        Attempt::Silent => "nothing said",
        Attempt::Tcp => "TCP",
        Attempt::Http => "HTTP",
        Attempt::Dns => "look-up",
    }
}

fn shown(text: &str) -> String {
    printable(&clipped(text, MOST))
}

fn took(milliseconds: u64) -> String {
    match milliseconds {
        0..1000 => format!("{milliseconds} ms"),
        _ => format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100),
    }
}
