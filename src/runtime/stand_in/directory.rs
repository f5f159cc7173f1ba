//! Which host has which address and what it speaks on which port.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crate::runtime::dns::{Names, plain};

/// The host that no mesh models, so that a refusal can be told from a host
/// that is not there.
pub(crate) const UNMODELLED: &str = "www.example.com";

/// What a host speaks on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// TLS, with HTTP inside.
    Tls,
    /// HTTP.
    Http,
    /// Something else over TCP: a line with its name, then an echo.
    Tcp,
}

/// A host outside the mesh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutsideHost {
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) kind: Kind,
}

/// All hosts. An address that was given to a name stays its own.
#[derive(Debug)]
pub(crate) struct Directory {
    block: Ipv4Addr,
    given: BTreeMap<String, Ipv4Addr>,
    hosts: BTreeMap<String, BTreeMap<u16, Kind>>,
    by_address: BTreeMap<Ipv4Addr, String>,
}

// === impl Directory ===

impl Directory {
    pub(super) fn new(block: Ipv4Addr) -> Self {
        let (given, hosts, by_address) = Default::default();
        Self {
            block,
            given,
            hosts,
            by_address,
        }
    }

    pub(super) fn set(&mut self, hosts: &[OutsideHost]) {
        self.hosts.clear();
        let unmodelled = [(443, Kind::Tls), (80, Kind::Http)];
        self.hosts.insert(UNMODELLED.to_owned(), unmodelled.into());
        for host in hosts {
            let ports = self.hosts.entry(plain(&host.name)).or_default();
            ports.insert(host.port, host.kind);
        }
        for name in self.hosts.keys() {
            // The first address of a block is its name, so counting starts at 1.
            let next = u32::from(self.block) + 1 + u32::try_from(self.given.len()).unwrap_or(0);
            self.given
                .entry(name.clone())
                .or_insert(Ipv4Addr::from(next));
        }
        let present = self
            .given
            .iter()
            .filter(|(name, _)| self.hosts.contains_key(*name));
        self.by_address = present
            .map(|(name, address)| (*address, name.clone()))
            .collect();
    }

    pub(super) fn names(&self) -> Names {
        let all = self.by_address.iter();
        all.map(|(address, name)| (name.clone(), vec![*address]))
            .collect()
    }

    pub(super) fn ports(&self) -> BTreeSet<u16> {
        self.hosts
            .values()
            .flat_map(BTreeMap::keys)
            .copied()
            .collect()
    }

    pub(super) fn hosts(&self) -> BTreeSet<String> {
        self.hosts.keys().cloned().collect()
    }

    /// Whose address this is and what is spoken there on that port.
    pub(super) fn find(&self, address: Ipv4Addr, port: u16) -> Option<(String, Kind)> {
        let name = self.by_address.get(&address)?;
        let kind = self.hosts.get(name)?.get(&port)?;
        Some((name.clone(), *kind))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn host(name: &str, port: u16, kind: Kind) -> OutsideHost {
        OutsideHost {
            name: name.to_owned(),
            port,
            kind,
        }
    }

    #[test]
    fn an_address_stays_when_hosts_come_and_go() {
        let mut directory = Directory::new(Ipv4Addr::new(100, 64, 0, 0));
        directory.set(&[host("b.test", 443, Kind::Tls)]);
        let before = directory.names()["b.test"].clone();
        directory.set(&[
            host("a.test", 80, Kind::Http),
            host("b.test", 443, Kind::Tls),
        ]);
        assert_eq!(directory.names()["b.test"], before);
        directory.set(&[host("a.test", 80, Kind::Http)]);
        assert!(!directory.names().contains_key("b.test"));
        assert_eq!(directory.find(before[0], 443), None);
    }

    #[test]
    fn one_host_speaks_differently_on_different_ports() {
        let mut directory = Directory::new(Ipv4Addr::new(100, 64, 0, 0));
        directory.set(&[
            host("a.test", 80, Kind::Http),
            host("a.test", 3306, Kind::Tcp),
        ]);
        let address = directory.names()["a.test"][0];
        assert_eq!(directory.find(address, 3306).unwrap().1, Kind::Tcp);
        assert_eq!(directory.find(address, 80).unwrap().1, Kind::Http);
        assert_eq!(directory.find(address, 443), None);
    }

    #[test]
    fn the_unmodelled_host_is_always_there() {
        let mut directory = Directory::new(Ipv4Addr::new(100, 64, 0, 0));
        directory.set(&[]);
        assert_eq!(directory.ports(), [80, 443].into());
        assert!(directory.names().contains_key(UNMODELLED));
    }
}
