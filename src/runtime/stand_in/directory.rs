//! Which host has which address and what it speaks on which port.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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

/// The addresses that stand-ins have in their namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocks {
    /// IPv4: where it starts, and the length of its prefix.
    pub(crate) four: (Ipv4Addr, u8),
    /// IPv6, where the kernel has it: each stand-in's other address ends with
    /// its first one.
    pub(crate) six: Option<(Ipv6Addr, u8)>,
}

/// All hosts. An address that was given to a name stays its own.
#[derive(Debug)]
pub(crate) struct Directory {
    blocks: Blocks,
    given: BTreeMap<String, Ipv4Addr>,
    hosts: BTreeMap<String, BTreeMap<u16, Kind>>,
    by_address: BTreeMap<Ipv4Addr, String>,
}

// === impl Directory ===

impl Directory {
    pub(super) fn new(blocks: Blocks) -> Self {
        let (given, hosts, by_address) = Default::default();
        Self {
            blocks,
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
            let next =
                u32::from(self.blocks.four.0) + 1 + u32::try_from(self.given.len()).unwrap_or(0);
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
        all.map(|(address, name)| (name.clone(), self.both(*address)))
            .collect()
    }

    fn both(&self, address: Ipv4Addr) -> Vec<IpAddr> {
        let six = self.blocks.six.map(|(block, _)| {
            let six = u128::from(block) | u128::from(u32::from(address));
            IpAddr::V6(six.into())
        });
        [address.into()].into_iter().chain(six).collect()
    }

    /// The address by which a stand-in is known.
    fn known(&self, address: IpAddr) -> Option<Ipv4Addr> {
        match address.to_canonical() {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(address) => {
                let (block, _) = self.blocks.six?;
                let last = u128::from(address).checked_sub(block.into())?;
                Some(u32::try_from(last).ok()?.into())
            }
        }
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
    pub(super) fn find(&self, address: IpAddr, port: u16) -> Option<(String, Kind)> {
        let name = self.by_address.get(&self.known(address)?)?;
        let kind = self.hosts.get(name)?.get(&port)?;
        Some((name.clone(), *kind))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const BLOCKS: Blocks = Blocks {
        four: (Ipv4Addr::new(100, 64, 0, 0), 16),
        six: Some((Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0), 64)),
    };

    fn host(name: &str, port: u16, kind: Kind) -> OutsideHost {
        OutsideHost {
            name: name.to_owned(),
            port,
            kind,
        }
    }

    #[test]
    fn an_address_stays_when_hosts_come_and_go() {
        let mut directory = Directory::new(BLOCKS);
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
        let mut directory = Directory::new(BLOCKS);
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
    fn a_host_is_the_same_by_each_of_its_addresses() {
        let mut directory = Directory::new(BLOCKS);
        directory.set(&[host("a.test", 443, Kind::Tls)]);
        let addresses = directory.names()["a.test"].clone();
        assert_eq!(
            addresses,
            ["100.64.0.1", "fd00::6440:1"].map(|a| a.parse::<IpAddr>().unwrap())
        );
        let mapped = IpAddr::V6(Ipv4Addr::new(100, 64, 0, 1).to_ipv6_mapped());
        for address in addresses.into_iter().chain([mapped]) {
            assert_eq!(directory.find(address, 443).unwrap().0, "a.test");
        }
        for stranger in [
            "100.64.0.9",
            "fd00::6440:9",
            "fd00:0:0:1::6440:1",
            "fc00::1",
        ] {
            assert_eq!(directory.find(stranger.parse().unwrap(), 443), None);
        }
    }

    #[test]
    fn the_unmodelled_host_is_always_there() {
        let mut directory = Directory::new(BLOCKS);
        directory.set(&[]);
        assert_eq!(directory.ports(), [80, 443].into());
        assert!(directory.names().contains_key(UNMODELLED));
    }
}
