//! The services outside the mesh that its containers may reach.

use super::words::words;
use super::{Host, ServiceName};

/// One service outside the mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalService {
    /// What the colour app calls it: `/external_<name>`.
    pub name: ServiceName,
    /// The host that is reached.
    pub host: Host,
    /// The port of the host.
    pub port: u16,
    /// How the mesh reads what is sent.
    pub protocol: Protocol,
    /// Which addresses of the host are used.
    pub ip_preference: IpPreference,
    /// The port that the app connects to instead, through a virtual router.
    pub via_port: Option<u16>,
}

/// Ports whose protocol starts with a TLS handshake, so that a server name
/// tells services on them apart.
pub(super) const TLS_PORTS: [u16; 15] = [
    443, 465, 636, 853, 989, 990, 992, 993, 995, 5671, 6443, 6514, 8443, 8883, 9093,
];

// === impl ExternalService ===

impl ExternalService {
    /// The port that the app connects to.
    pub fn listen_port(&self) -> u16 {
        self.via_port.unwrap_or(self.port)
    }

    /// Whether the service speaks TLS from the first byte.
    pub fn is_tls(&self) -> bool {
        self.protocol == Protocol::Tcp && TLS_PORTS.contains(&self.port)
    }

    /// The address that the app fetches: `https://go.dev:444/`,
    /// `http://example.com/`, `tcp://db.example.com:5432`.
    pub fn url(&self) -> String {
        let (host, port) = (&self.host, self.listen_port());
        match (self.protocol, self.is_tls(), port) {
            (Protocol::Http, _, 80) => format!("http://{host}/"),
            (Protocol::Http, _, _) => format!("http://{host}:{port}/"),
            (Protocol::Tcp, true, 443) => format!("https://{host}/"),
            (Protocol::Tcp, true, _) => format!("https://{host}:{port}/"),
            (Protocol::Tcp, false, _) => format!("tcp://{host}:{port}"),
        }
    }
}

words! {
    /// How the mesh reads what is sent to a service.
    Protocol is "a protocol of a service outside" {
        /// Bytes, among them HTTPS that the app makes itself.
        Tcp = "tcp",
        /// HTTP without TLS, told apart by host name.
        Http = "http",
    }
}

words! {
    /// Which addresses of a host are used, in App Mesh's words.
    IpPreference is "a preference of addresses" {
        /// IPv4 and nothing else.
        Ipv4Only = "IPv4_ONLY",
        /// IPv6 and nothing else.
        Ipv6Only = "IPv6_ONLY",
        /// IPv4 where there is one.
        Ipv4Preferred = "IPv4_PREFERRED",
        /// IPv6 where there is one.
        Ipv6Preferred = "IPv6_PREFERRED",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_the_app_fetches() {
        let service = |protocol, port, via_port| ExternalService {
            name: "x".parse().unwrap(),
            host: "go.dev".parse().unwrap(),
            port,
            protocol,
            ip_preference: IpPreference::Ipv4Only,
            via_port,
        };
        for (protocol, port, via_port, url) in [
            (Protocol::Tcp, 443, None, "https://go.dev/"),
            (Protocol::Tcp, 443, Some(444), "https://go.dev:444/"),
            (Protocol::Tcp, 8443, Some(443), "https://go.dev/"),
            (Protocol::Tcp, 5432, None, "tcp://go.dev:5432"),
            (Protocol::Tcp, 80, None, "tcp://go.dev:80"),
            (Protocol::Http, 80, None, "http://go.dev/"),
            (Protocol::Http, 8080, None, "http://go.dev:8080/"),
        ] {
            assert_eq!(service(protocol, port, via_port).url(), url);
        }
    }
}
