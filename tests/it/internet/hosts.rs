//! The hosts of the fake internet and the authority that vouches for them,
//! through another, as real ones do.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::names::{Dns, Says};
use crate::live::netns::Netns;
use crate::live::outside::{pages, provider, serve};

/// Where the resolver is.
pub(crate) const RESOLVER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 53);

/// Hosts with pages, by HTTPS and by HTTP, and the last number of their
/// addresses.
const PAGES: [(&str, u8); 5] = [
    ("github.com", 10),
    ("go.dev", 20),
    ("www.example.com", 30),
    ("example.com", 31),
    ("mirror.example.org", 40),
];
/// A host whose server speaks first.
const DATABASE: (&str, u8) = ("db.example.org", 50);

/// The internet: a namespace with a resolver and hosts.
pub(crate) struct Internet {
    pub(crate) netns: Netns,
    pub(crate) dns: Dns,
    /// The root certificate, as PEM.
    pub(crate) root: String,
    authority: Authority,
    reached: Arc<Mutex<Vec<String>>>,
}

/// The IPv4 address with this last number.
pub(crate) fn four(last: u8) -> IpAddr {
    Ipv4Addr::new(198, 51, 100, last).into()
}

/// The IPv6 address with this last number.
pub(crate) fn six(last: u8) -> IpAddr {
    Ipv6Addr::new(0x2001, 0xdb8, 0x51, 0, 0, 0, 0, last.into()).into()
}

// === impl Internet ===

impl Internet {
    pub(crate) fn start() -> Self {
        let netns = Netns::new();
        let (dns, reached) = <(Dns, Arc<Mutex<Vec<String>>>)>::default();
        let authority = Authority::new();
        let root = authority.root.clone();
        netns.shell(&format!("ip addr add {RESOLVER}/32 dev lo"));
        dns.serve(&netns.path(), RESOLVER);
        let internet = Self {
            netns,
            dns,
            root,
            authority,
            reached,
        };
        for (host, last) in PAGES {
            internet.pages(host, &[four(last), six(last)]);
        }
        internet.database();
        internet
    }

    /// A host with pages at these addresses, which everybody can know.
    ///
    /// A page tells the address that it came from.
    pub(crate) fn pages(&self, host: &'static str, addresses: &[IpAddr]) {
        let config = self.authority.server(host);
        for address in addresses {
            let (config, text) = (Arc::clone(&config), format!("{host} at {address}"));
            let plain = text.clone();
            self.give(*address);
            self.listen(host, (*address, 443), move |stream| {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                pages(StreamOwned::new(connection, stream), &text);
            });
            self.listen(host, (*address, 80), move |stream| pages(stream, &plain));
        }
        self.says(host, addresses, 60);
    }

    fn database(&self) {
        let (host, last) = DATABASE;
        for address in [four(last), six(last)] {
            self.give(address);
            self.listen(host, (address, 5432), move |mut stream| {
                let greeting = format!("hello from {host} at {address}\n");
                let _ = stream.write_all(greeting.as_bytes());
                let _ = std::io::copy(&mut stream, &mut std::io::sink());
            });
        }
        self.says(host, &[four(last), six(last)], 60);
    }

    /// What the DNS says of a host from here on.
    pub(crate) fn says(&self, host: &str, addresses: &[IpAddr], seconds: u32) {
        self.dns
            .say(host, Says::Addresses(addresses.to_vec(), seconds));
    }

    fn give(&self, address: IpAddr) {
        // Who else has it need not be found out first.
        let more = if address.is_ipv6() { "nodad" } else { "" };
        self.netns
            .shell(&format!("ip addr replace {address} dev lo {more}"));
    }

    /// Which hosts were reached, as `host:port`.
    pub(crate) fn reached(&self) -> Vec<String> {
        self.reached.lock().unwrap().clone()
    }

    /// Every packet from the machine is swallowed.
    pub(crate) fn swallow(&self) {
        self.netns.shell(
            "nft 'table inet hole { chain input { type filter hook input priority 0; \
             iifname isp drop; }; }'",
        );
    }

    /// Connections to this port are refused.
    pub(crate) fn refuse(&self, port: u16) {
        self.netns.shell(&format!(
            "nft 'table inet hole {{ chain input {{ type filter hook input priority 0; \
             tcp dport {port} reject with tcp reset; }}; }}'",
        ));
    }

    /// Packets come through again.
    pub(crate) fn let_through(&self) {
        self.netns.shell("nft delete table inet hole");
    }

    fn listen(
        &self,
        host: &'static str,
        (address, port): (IpAddr, u16),
        answer: impl Fn(TcpStream) + Send + Sync + 'static,
    ) {
        let reached = Arc::clone(&self.reached);
        serve(&self.netns, address, port, move |stream| {
            reached.lock().unwrap().push(format!("{host}:{port}"));
            answer(stream);
        });
    }
}

struct Authority {
    root: String,
    intermediate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

// === impl Authority ===

impl Authority {
    fn new() -> Self {
        let (root_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let root_settings = authority("test root");
        let root = root_settings.self_signed(&root_key).unwrap().pem();
        let root_issuer = Issuer::new(root_settings, root_key);
        let settings = authority("test intermediate");
        let intermediate = settings.signed_by(&key, &root_issuer).unwrap();
        Self {
            root,
            intermediate: intermediate.der().clone(),
            issuer: Issuer::new(settings, key),
        }
    }

    fn server(&self, host: &str) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let settings = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let leaf = settings.signed_by(&key, &self.issuer).unwrap();
        let chain = vec![leaf.der().clone(), self.intermediate.clone()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key);
        Arc::new(config.unwrap())
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut settings = CertificateParams::new(Vec::new()).unwrap();
    settings.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    settings.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    settings.distinguished_name.push(DnType::CommonName, name);
    settings
}
