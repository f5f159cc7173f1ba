//! What a service of every host below a domain can and cannot be.

use super::external_services::{Draft, Surroundings};
use super::reader::{Placed, Reader};
use super::sharing::ToldApart;
use super::{Host, Invalid, IpPreference, Protocol, warnings};

pub(super) fn check(reader: &mut Reader<'_>, draft: &Draft, surroundings: &Surroundings<'_>) {
    let Some(host) = draft.host.as_ref() else {
        return;
    };
    if host.value.wildcard().is_none() {
        return;
    }
    warnings::wide_wildcard(reader, draft);
    let domain = surroundings.services_domain;
    if host.value.covers(domain) {
        let message = format!("`{}` covers the mesh's own domain, `{domain}`", host.value);
        let help = "name a domain outside the mesh, or give `services_domain` another value";
        reader.refuse(&host.place, Invalid::new(message, help));
    }
    match draft.protocol.value {
        Some(Protocol::Tcp) => check_connections(reader, draft, host, surroundings.told_apart),
        Some(Protocol::Http) => check_requests(reader, draft),
        None => {}
    }
}

/// Only a server name says which of the hosts a connection is for.
fn check_connections(
    reader: &mut Reader<'_>,
    draft: &Draft,
    host: &Placed<Host>,
    told_apart: ToldApart,
) {
    let name = &host.value;
    if draft.is_tls() == Some(false) {
        let message = format!(
            "`{name}` is many hosts, and without TLS nothing in a connection says which is meant"
        );
        let help =
            "write one entry for each host, or `tls: true` when the app begins with TLS there";
        reader.refuse(&host.place, Invalid::new(message, help));
    } else if told_apart == ToldApart::Not {
        let message = format!(
            "`{name}` is many hosts, and matching by port alone does not look at which is meant"
        );
        let help = "write one entry for each host, or set `mesh.matching` to `sni`";
        reader.refuse(&host.place, Invalid::new(message, help));
    }
}

/// The hosts of all requests are resolved by one filter.
fn check_requests(reader: &mut Reader<'_>, draft: &Draft) {
    let other = draft
        .ip_preference
        .value
        .filter(|it| *it != IpPreference::Ipv4Only);
    if let (Some(other), Some(place)) = (other, &draft.ip_preference.place) {
        let message = format!("an `http` service of many hosts cannot have `{other}`");
        let help = "leave `ip_preference` out: these hosts are reached by IPv4";
        reader.refuse(place, Invalid::new(message, help));
    }
}
