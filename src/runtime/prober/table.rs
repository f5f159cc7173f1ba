//! The probes, one line each.

use super::scene::{Outcome, Scene};
use super::{datagram, files, kernel, names, network, process, proxy, raw, tcp};

/// What should come of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Nothing gets out.
    Refused,
    /// It gets to the modelled host, and to nobody else.
    Modelled,
}

/// What shows how a probe ended, besides its own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The packets that arrive in the namespaces outside.
    ByPackets,
    /// The state of the sidecar's processes, seen from outside.
    BySidecar,
    /// The state of the app's container, seen from outside.
    ByContainer,
    /// The switches and mounts of the machine.
    ByMachine,
}

/// One probe.
#[derive(Clone, Copy)]
pub(super) struct Probe {
    pub(super) name: &'static str,
    pub(super) expected: Expected,
    pub(super) shown: Shown,
    /// Whether it needs a copy of the app's network.
    pub(super) in_copy: bool,
    pub(super) attempt: fn(&Scene) -> Outcome,
}

/// A probe as others know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its name.
    pub name: &'static str,
    /// Its place in the table, from which its marker and address come.
    pub place: usize,
    /// What should come of it.
    pub expected: Expected,
    /// What shows it.
    pub shown: Shown,
    /// Whether it needs a copy of the app's network.
    pub in_copy: bool,
}

/// All probes.
pub fn all() -> impl Iterator<Item = Summary> {
    TABLE
        .iter()
        .enumerate()
        .map(|(place, probe)| probe.summary(place))
}

// === impl Probe ===

impl Probe {
    pub(super) fn summary(&self, place: usize) -> Summary {
        Summary {
            name: self.name,
            place,
            expected: self.expected,
            shown: self.shown,
            in_copy: self.in_copy,
        }
    }
}

const fn sends(name: &'static str, attempt: fn(&Scene) -> Outcome) -> Probe {
    Probe {
        name,
        expected: Expected::Refused,
        shown: Shown::ByPackets,
        in_copy: false,
        attempt,
    }
}

const fn through(name: &'static str, attempt: fn(&Scene) -> Outcome) -> Probe {
    Probe {
        expected: Expected::Modelled,
        ..sends(name, attempt)
    }
}

const fn changes(name: &'static str, attempt: fn(&Scene) -> Outcome) -> Probe {
    Probe {
        in_copy: true,
        ..sends(name, attempt)
    }
}

const fn local(name: &'static str, shown: Shown, attempt: fn(&Scene) -> Outcome) -> Probe {
    Probe {
        shown,
        ..sends(name, attempt)
    }
}

/// In the order in which they are shown. A probe's place is part of its
/// marker and its address.
pub(super) const TABLE: &[Probe] = &[
    through("TLS to a modelled service", tcp::modelled),
    through(
        "TLS, modelled name at a foreign address",
        tcp::modelled_elsewhere,
    ),
    sends("TLS, foreign name", tcp::foreign_name),
    sends(
        "TLS, foreign name at a modelled address",
        tcp::foreign_at_modelled,
    ),
    sends("TLS without a name", tcp::no_name),
    sends("TLS on ports that are not modelled", tcp::other_port),
    sends("plain text on ports 443 and 22", tcp::plain_text),
    sends("HTTP, foreign host", tcp::http),
    sends("IPv4-mapped TCP", tcp::mapped),
    sends("TCP over IPv6", tcp::v6),
    sends("multipath TCP", tcp::multipath),
    sends("TCP fast open", tcp::fast_open),
    sends("the proxy's user id", tcp::as_proxy),
    sends("UDP", datagram::v4),
    sends("UDP over IPv6", datagram::v6),
    sends("UDP-Lite", datagram::lite),
    sends("QUIC", datagram::quic),
    sends("broadcast and multicast", datagram::broadcast),
    sends("DNS to a foreign resolver, UDP", names::foreign_udp),
    sends("DNS to a foreign resolver, TCP", names::foreign_tcp),
    sends("DNS tunnel, name not modelled", names::tunnel),
    sends("DNS tunnel below a modelled name", names::tunnel_modelled),
    sends("/etc/resolv.conf rewritten", names::rewritten),
    sends("ICMP echo", raw::icmp),
    sends("ICMPv6 echo", raw::icmp_v6),
    sends("raw IP, other protocols", raw::other_protocol),
    sends("SCTP and DCCP", raw::other_streams),
    sends("packet socket, UDP frame", raw::frame_udp),
    sends("packet socket, TCP SYN", raw::frame_tcp),
    local(
        "sockets of other families, vsock",
        Shown::ByContainer,
        raw::other_families,
    ),
    sends("the proxy's listeners, directly", proxy::listeners),
    sends("the proxy's admin port", proxy::admin),
    local(
        "the proxy's admin socket",
        Shown::BySidecar,
        proxy::admin_socket,
    ),
    sends("metadata addresses", proxy::metadata),
    local(
        "unix sockets, abstract and by path",
        Shown::ByContainer,
        proxy::unix_sockets,
    ),
    local(
        "inherited descriptors",
        Shown::ByContainer,
        process::descriptors,
    ),
    local("/proc of others", Shown::ByContainer, process::others),
    local(
        "signals to Envoy, its memory",
        Shown::BySidecar,
        process::sidecar,
    ),
    local(
        "the container's first process",
        Shown::ByContainer,
        process::first,
    ),
    local("other namespaces", Shown::ByContainer, process::namespaces),
    local("mounts", Shown::ByMachine, files::mounts),
    local("devices of the machine", Shown::ByMachine, files::devices),
    local("kernel memory", Shown::ByContainer, files::kernel_memory),
    local("switches of the machine", Shown::ByMachine, files::switches),
    local(
        "cgroup release agent",
        Shown::ByMachine,
        files::release_agent,
    ),
    local(
        "the launcher's program, device modes",
        Shown::ByMachine,
        files::shared,
    ),
    local("the image's files", Shown::ByContainer, files::own_root),
    local("BPF", Shown::ByContainer, kernel::bpf),
    local("kernel modules", Shown::ByMachine, kernel::modules),
    local("files by handle", Shown::ByContainer, kernel::file_handles),
    local("keyrings", Shown::ByContainer, kernel::keys),
    local("io_uring", Shown::ByContainer, kernel::ring),
    local("the kernel's log", Shown::ByContainer, kernel::log),
    changes("redirection rules flushed", network::flush),
    changes("another address", network::address),
    changes("another route", network::default_route),
    changes("a veth to the proxy", network::cable),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_probe_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = TABLE.iter().map(|probe| probe.name).collect();
        assert_eq!(names.len(), TABLE.len());
        assert!(TABLE.len() < 99);
    }
}
