//! What a prober is told, and what it tells.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::table::{Expected, Shown, Summary};

/// The hidden argument that makes this program a prober.
pub const ARGUMENT: &str = "probe-egress";

/// The blocks that hold the addresses of all probes.
pub const BLOCKS: [&str; 6] = [
    "192.0.2.0/24",
    "198.18.0.0/24",
    "198.19.0.0/24",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "2001:db8::/32",
];

/// Whether an address is in one of these blocks, which nobody else has use for.
pub fn is_probed(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => matches!(
            address.octets(),
            [192, 0, 2, _] | [198, 18 | 19, 0, _] | [198, 51, 100, _] | [203, 0, 113, _]
        ),
        IpAddr::V6(address) => address.segments()[..2] == [0x2001, 0xdb8],
    }
}

/// Whether this is what marks a probe, such as `cm01234567a07`.
pub fn is_marker(label: &str) -> bool {
    let rest = label.strip_prefix("cm").unwrap_or_default();
    let is_plain = rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    rest.len() == 11 && is_plain && rest[9..].bytes().all(|byte| byte.is_ascii_digit())
}

/// Everything a prober has to know, as JSON on its standard input.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    /// The network namespace's file.
    pub network: PathBuf,
    /// The app's process, by the machine's number: the rest of its namespaces
    /// are entered too. Without one the prober stays where it is.
    pub process: Option<u32>,
    /// Who it becomes.
    pub who: Who,
    /// Which run this is.
    pub run: Run,
    /// What marks everything that is sent, 8 letters or digits.
    pub token: String,
    /// Services that the app may reach; the first that it can resolve is used.
    pub services: Vec<Modelled>,
    /// The processes of sidecars, by every number that they have.
    pub sidecars: Vec<u32>,
    /// Sockets of the machine that are not for the app.
    pub sockets: Vec<PathBuf>,
    /// Whether the app's filter is put over the prober; without it, tests show
    /// that the probes bite.
    pub filtered: bool,
    /// The probes to try; all of the run when there are none.
    pub only: Vec<String>,
}

/// Who tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Who {
    /// The app's user, without any capability.
    App {
        /// Its number.
        user: u32,
        /// Its group's.
        group: u32,
    },
    /// Root, with every capability over the task's namespaces.
    Root,
}

/// One run of the probes. Each has addresses and markers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Run {
    /// In the app's own network, as its user.
    App,
    /// There, as root.
    Root,
    /// There, as root without even the app's filter: what sends.
    Bare,
    /// What would harm the app if it succeeded: in a copy of its network, as
    /// its user.
    AppInCopy,
    /// There, as root without the filter.
    RootInCopy,
}

/// A service that the app may reach over TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modelled {
    /// Its name, which is its server name too.
    pub name: String,
    /// Its address, when it is not to be asked of the app's resolver.
    pub address: Option<Ipv4Addr>,
    /// Its port.
    pub port: u16,
}

/// How one probe ended, as far as it can know: one JSON line each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// Which.
    pub probe: String,
    /// Whether it got what it must not get. Sending is not getting: what was
    /// sent is for the witness to say.
    pub reached: bool,
    /// What it saw.
    pub seen: String,
}

// === impl Run ===

impl Run {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::App,
        Self::AppInCopy,
        Self::Root,
        Self::Bare,
        Self::RootInCopy,
    ];

    /// Whether it is in a copy of the app's network.
    pub fn is_in_copy(self) -> bool {
        matches!(self, Self::AppInCopy | Self::RootInCopy)
    }

    /// Whether it is root's.
    pub fn is_roots(self) -> bool {
        matches!(self, Self::Root | Self::Bare | Self::RootInCopy)
    }

    /// Whether the app's filter is over it.
    pub fn is_filtered(self) -> bool {
        !matches!(self, Self::Bare | Self::RootInCopy)
    }

    /// Whether a probe belongs to it.
    pub fn has(self, probe: &Summary) -> bool {
        let sends = probe.shown == Shown::ByPackets && probe.expected == Expected::Refused;
        probe.in_copy == self.is_in_copy() && (sends || self != Self::Bare)
    }

    /// Who tries, in words.
    pub fn user(self) -> &'static str {
        match self {
            Self::App | Self::AppInCopy => "app",
            Self::Root => "root",
            Self::Bare | Self::RootInCopy => "root, unfiltered",
        }
    }

    /// The marker of one probe, by its place in the table.
    pub fn marker(self, token: &str, place: usize) -> String {
        let letter = match self {
            Self::App => 'a',
            Self::Root => 'r',
            Self::Bare => 'b',
            Self::AppInCopy => 'c',
            Self::RootInCopy => 'd',
        };
        format!("cm{token}{letter}{place:02}")
    }

    /// The address of one probe: in a block for documentation (or, the last,
    /// for benchmarks) that belongs to nobody, so that a leak harms nobody.
    pub fn foreign(self, place: usize) -> Ipv4Addr {
        let host = u8::try_from(place + 1).expect("there are less than 255 probes");
        let [a, b, c] = match self {
            Self::App => [198, 51, 100],
            Self::Root => [203, 0, 113],
            Self::Bare => [198, 19, 0],
            Self::AppInCopy => [192, 0, 2],
            Self::RootInCopy => [198, 18, 0],
        };
        Ipv4Addr::new(a, b, c, host)
    }

    /// The same of IPv6.
    pub fn foreign_v6(self, place: usize) -> Ipv6Addr {
        let place = u16::try_from(place + 1).expect("there are less than 255 probes");
        let run = match self {
            Self::App => 1,
            Self::Root => 2,
            Self::AppInCopy => 3,
            Self::RootInCopy => 4,
            Self::Bare => 5,
        };
        Ipv6Addr::new(0x2001, 0xdb8, run, 0, 0, 0, 0, place)
    }

    /// Both.
    pub fn addresses(self, place: usize) -> [IpAddr; 2] {
        [self.foreign(place).into(), self.foreign_v6(place).into()]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_probes_share_a_marker_or_an_address() {
        let (mut markers, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        for run in Run::ALL {
            for place in 0..99 {
                assert!(markers.insert(run.marker("0123abcd", place)));
                assert!(
                    run.addresses(place)
                        .into_iter()
                        .all(|a| addresses.insert(a))
                );
            }
        }
    }
}
