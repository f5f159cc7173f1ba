//! The services outside the mesh that its containers may reach.

use std::collections::BTreeSet;

use super::words::words;
use super::{Host, ServiceName};
use crate::ports::starts_with_tls;

/// One service outside the mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalService {
    /// What the colour app calls it: `/external_<name>`.
    pub name: ServiceName,
    /// The host that is reached, or every host below a domain.
    pub host: Host,
    /// The port of the host.
    pub port: u16,
    /// How the mesh reads what is sent.
    pub protocol: Protocol,
    /// Whether the app begins with TLS, and so says the server's name.
    pub tls: bool,
    /// Which addresses of the host are used.
    pub ip_preference: IpPreference,
    /// The port that the app connects to instead, through a virtual router.
    pub via_port: Option<u16>,
    /// The port on loopback at which the app finds it, where nothing is
    /// redirected.
    pub local_port: Option<u16>,
    /// Who in the mesh may call it.
    pub nodes: BTreeSet<Caller>,
}

// === impl ExternalService ===

impl ExternalService {
    /// The port that the app connects to.
    pub fn listen_port(&self) -> u16 {
        self.via_port.unwrap_or(self.port)
    }

    /// Whether it is TLS, where its port would have one believe otherwise.
    pub fn tls_unlike_its_port(&self) -> Option<bool> {
        (self.tls != usual_tls(self.protocol, self.port)).then_some(self.tls)
    }

    /// The address that the app fetches: `https://go.dev:444/`,
    /// `http://example.com/`, `tcp://db.example.com:5432`. Of a wildcard's
    /// hosts it is the likeliest.
    pub fn url(&self) -> String {
        let (host, port) = (self.host.sample(), self.listen_port());
        match (self.protocol, self.tls, port) {
            (Protocol::Http, _, 80) => format!("http://{host}/"),
            (Protocol::Http, _, _) => format!("http://{host}:{port}/"),
            (Protocol::Tcp, true, 443) => format!("https://{host}/"),
            (Protocol::Tcp, true, _) => format!("https://{host}:{port}/"),
            (Protocol::Tcp, false, _) => format!("tcp://{host}:{port}"),
        }
    }
}

/// Whether a service that does not say so begins with TLS.
pub(super) fn usual_tls(protocol: Protocol, port: u16) -> bool {
    protocol == Protocol::Tcp && starts_with_tls(port)
}

words! {
    /// Who may call a service.
    Caller is "a node that can call services outside" {
        /// The app's node.
        App = "app",
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
            tls: usual_tls(protocol, port),
            ip_preference: IpPreference::Ipv4Only,
            via_port,
            local_port: None,
            nodes: [Caller::App].into(),
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
        let odd = ExternalService {
            tls: true,
            ..service(Protocol::Tcp, 5432, None)
        };
        assert_eq!(odd.url(), "https://go.dev:5432/");
        assert_eq!(odd.tls_unlike_its_port(), Some(true));
        let any = ExternalService {
            host: "*.go.dev".parse().unwrap(),
            ..service(Protocol::Tcp, 443, None)
        };
        assert_eq!(any.url(), "https://www.go.dev/");
        assert_eq!(any.tls_unlike_its_port(), None);
    }
}
