//! Ranges of addresses.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use super::Invalid;

/// A range of IPv4 addresses, with no bit set beyond its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    address: Ipv4Addr,
    prefix: u8,
}

// === impl Cidr ===

impl Cidr {
    /// The first address.
    pub fn address(self) -> Ipv4Addr {
        self.address
    }

    /// The number of leading bits that all its addresses share.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// The range of this length that has the first address of this one.
    pub(super) fn with_prefix(self, prefix: u8) -> Self {
        Self {
            address: network(self.address, prefix),
            prefix,
        }
    }

    /// Whether some address is in both.
    pub fn overlaps(self, other: Self) -> bool {
        let prefix = self.prefix.min(other.prefix);
        network(self.address, prefix) == network(other.address, prefix)
    }
}

fn network(address: Ipv4Addr, prefix: u8) -> Ipv4Addr {
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
    Ipv4Addr::from_bits(address.to_bits() & mask)
}

impl FromStr for Cidr {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let not_a_range =
            |help: String| Invalid::new(format!("`{text}` is not a range of IPv4 addresses"), help);
        let form = || not_a_range("write it as `10.0.0.0/16`".to_owned());
        let Some((address, prefix)) = text.split_once('/') else {
            return Err(match text.parse::<Ipv4Addr>() {
                Ok(_) => not_a_range(format!("write `{text}/32` for the one address")),
                Err(_) => form(),
            });
        };
        if address.contains(':') {
            return Err(not_a_range(
                "only IPv4 is supported here; write it as `10.0.0.0/16`".to_owned(),
            ));
        }
        let address: Ipv4Addr = address.parse().map_err(|_| form())?;
        let prefix: u8 = prefix
            .parse()
            .ok()
            .filter(|prefix| *prefix <= 32)
            .ok_or_else(form)?;
        let first = network(address, prefix);
        if first != address {
            return Err(Invalid::new(
                format!("`{text}` has bits set beyond its prefix of {prefix}"),
                format_args!(
                    "write `{first}/{prefix}` for the range, or `{address}/32` for the one address"
                ),
            ));
        }
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn ranges() {
        for text in ["10.0.0.0/16", "0.0.0.0/0", "192.0.2.1/32"] {
            assert_eq!(text.parse::<Cidr>().unwrap().to_string(), text);
        }
        for (text, part) in [
            (
                "10.0.1.5/16",
                "write `10.0.0.0/16` for the range, or `10.0.1.5/32`",
            ),
            ("192.0.2.1", "write `192.0.2.1/32`"),
            ("10.0.0.0/33", "`10.0.0.0/16`"),
            ("10.0.0/16", "`10.0.0.0/16`"),
            ("2001:db8::/32", "only IPv4"),
            ("", "`10.0.0.0/16`"),
        ] {
            let help = text.parse::<Cidr>().unwrap_err().help;
            assert!(help.contains(part), "`{text}`: {help}");
        }
        let cidr = |text: &str| text.parse::<Cidr>().unwrap();
        assert!(cidr("10.0.0.0/8").overlaps(cidr("10.9.0.0/16")));
        assert!(cidr("10.9.0.0/16").overlaps(cidr("0.0.0.0/0")));
        assert!(!cidr("10.8.0.0/16").overlaps(cidr("10.9.0.0/16")));
    }
}
