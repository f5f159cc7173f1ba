//! Which lines are wanted.

use std::net::SocketAddr;
use std::str::FromStr;

use super::entry::What;
use super::{Entry, Log};

/// What a line must be to be shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Only these logs; all when there are none.
    pub(crate) logs: Vec<Log>,
    /// Not before this, in milliseconds since 1970.
    pub(crate) since: Option<u64>,
    pub(crate) destination: Option<Destination>,
}

/// `github.com`, `github.com:443`, `192.0.2.1`, `:5432`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    host: Option<String>,
    port: Option<u16>,
}

// === impl Filter ===

impl Filter {
    /// Whether anything of a log can pass.
    pub(crate) fn wants(&self, log: Log) -> bool {
        let named = self.logs.is_empty() || self.logs.contains(&log);
        // What programs say leads nowhere.
        named && (self.destination.is_none() || matches!(log, Log::Allowed | Log::Denied))
    }

    pub(crate) fn passes(&self, entry: &Entry) -> bool {
        self.wants(entry.log())
            && self.since.is_none_or(|since| entry.at >= since)
            && self
                .destination
                .as_ref()
                .is_none_or(|destination| destination.is_of(entry))
    }
}

// === impl Destination ===

impl Destination {
    fn is_of(&self, entry: &Entry) -> bool {
        let (names, address): ([Option<&str>; 3], Option<&str>) = match &entry.what {
            What::Denied(denied) => {
                let names = [denied.server_name.as_deref(), denied.host.as_deref(), None];
                (names, denied.destination.as_deref())
            }
            What::Allowed(allowed) => {
                let names = [
                    allowed.service.as_deref(),
                    allowed.server_name.as_deref(),
                    allowed.host.as_deref(),
                ];
                (names, allowed.destination.as_deref())
            }
            What::App(_) | What::Envoy(_) => return false,
        };
        let address: Option<SocketAddr> = address.and_then(|address| address.parse().ok());
        let port_fits = match (self.port, address) {
            (None, _) => true,
            (Some(port), Some(address)) => port == address.port(),
            (Some(_), None) => false,
        };
        let host_fits = self.host.as_ref().is_none_or(|host| {
            names
                .into_iter()
                .flatten()
                .any(|name| is_or_under(name, host))
                || address.is_some_and(|address| address.ip().to_string() == *host)
        });
        port_fits && host_fits
    }
}

/// Whether a name is a host, or lies under it.
fn is_or_under(name: &str, host: &str) -> bool {
    let name = name.split(':').next().unwrap_or(name).trim_end_matches('.');
    let name = name.to_ascii_lowercase();
    name.strip_suffix(host)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "write a host, an address, or either with `:` and a port".to_owned();
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        if host.is_empty() && port.is_none() {
            return Err(wrong());
        }
        Ok(Self {
            host: Some(host).filter(|host| !host.is_empty()),
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn destinations_are_hosts_addresses_and_ports() {
        let line = br#"{"time":"2026-11-23T09:00:00.000Z","protocol":"tcp",
            "destination":"192.0.2.1:443","server_name":"www.GitHub.com"}"#;
        let entry = Entry::read(Log::Denied, &"t".into(), line, 0).unwrap();
        for (text, fits) in [
            ("github.com", true),
            ("github.com:443", true),
            ("github.com:80", false),
            ("hub.com", false),
            ("192.0.2.1", true),
            ("192.0.2", false),
            (":443", true),
            (":44", false),
        ] {
            let filter = Filter {
                destination: Some(text.parse().unwrap()),
                ..Filter::default()
            };
            assert_eq!(filter.passes(&entry), fits, "{text}");
        }
        assert!("".parse::<Destination>().is_err());
        assert!("a:b".parse::<Destination>().is_err());
    }
}
