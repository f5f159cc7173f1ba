//! Host names, domain names and address ranges.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use super::Invalid;

/// The full name of a host outside the mesh: lower case, at least two labels, no address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host(String);

/// A DNS domain, such as the private one in which the mesh's own services have their names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(String);

/// A range of IPv4 addresses, with no bit set beyond its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    address: Ipv4Addr,
    prefix: u8,
}

/// The path of a URL: it starts with `/` and has no query.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UrlPath(String);

// === impl Host ===

impl Host {
    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the host is the domain or has its name in it.
    pub fn is_within(&self, domain: &DomainName) -> bool {
        self.0
            .strip_suffix(&domain.0)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl FromStr for Host {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        without_url_parts(text)?;
        if text.parse::<IpAddr>().is_ok() || looks_like_an_address(text) {
            return Err(Invalid::new(
                format!("`{text}` is an address, and services are told apart by name"),
                "write the host's name, such as `github.com`",
            ));
        }
        if text.contains('*') {
            let bare = text.trim_start_matches("*.");
            return Err(Invalid::new(
                format!("`{text}` has a wildcard, and a service is one host"),
                format_args!("write one entry for each host, such as `www.{bare}`"),
            ));
        }
        let name = dns_name(text)?;
        if !name.contains('.') {
            return Err(Invalid::new(
                format!("`{text}` is not a full host name"),
                format_args!("write it with its domain, such as `{name}.com`"),
            ));
        }
        Ok(Self(name))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Refuses what a URL or an address with a port has beyond the host, and names the host.
fn without_url_parts(text: &str) -> Result<(), Invalid> {
    if let Some((scheme, rest)) = text.split_once("://") {
        let host = host_of(rest);
        return Err(Invalid::new(
            format!("a host has no scheme, and this one has `{scheme}://`"),
            format_args!("write `{host}`"),
        ));
    }
    if let Some((before, _)) = text.split_once(['/', '?', '#']) {
        let host = host_of(before);
        return Err(Invalid::new(
            format!("`{text}` has a path, and a service is a whole host"),
            format_args!("write `{host}`"),
        ));
    }
    if text.contains('@') {
        let host = host_of(text);
        return Err(Invalid::new(
            format!("`{text}` has a user, and a service is a host"),
            format_args!("write `{host}`"),
        ));
    }
    let Some((host, port)) = text.split_once(':') else {
        return Ok(());
    };
    if text.parse::<IpAddr>().is_ok() || text.starts_with('[') {
        return Ok(());
    }
    Err(Invalid::new(
        format!("`{text}` has a port in its host"),
        format_args!("write `host: {host}` and `port: {port}`"),
    ))
}

fn host_of(text: &str) -> &str {
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.split(':').next().unwrap_or_default()
}

/// IPv4 in all its spellings: a last label of digits is never a top-level domain.
fn looks_like_an_address(text: &str) -> bool {
    let last = text.rsplit('.').next().unwrap_or_default();
    text.starts_with('[') || (!last.is_empty() && last.chars().all(|c| c.is_ascii_digit()))
}

/// A DNS name in lower case, or what is wrong with it.
fn dns_name(text: &str) -> Result<String, Invalid> {
    let wrong = |why: &str, help: &str| {
        Err(Invalid::new(
            format!("`{text}` is not a DNS name: {why}"),
            help,
        ))
    };
    if text.is_empty() {
        return wrong("it is empty", "write a name, such as `github.com`");
    }
    if !text.is_ascii() {
        return wrong(
            "it has letters outside ASCII",
            "write its ASCII form, which starts with `xn--`",
        );
    }
    if let Some(bare) = text.strip_suffix('.') {
        return wrong("it ends with a dot", &format!("write `{bare}`"));
    }
    if text.len() > 253 {
        return wrong(
            "it has more than 253 characters",
            "write the name that DNS has for it",
        );
    }
    for label in text.split('.') {
        if let Some(why) = label_is_wrong(label) {
            return wrong(
                why,
                "use labels of letters, digits and hyphens, with dots between, such as `github.com`",
            );
        }
    }
    Ok(text.to_ascii_lowercase())
}

fn label_is_wrong(label: &str) -> Option<&'static str> {
    if label.is_empty() {
        return Some("it has an empty label");
    }
    if label.len() > 63 {
        return Some("it has a label of more than 63 characters");
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Some("a label starts or ends with a hyphen");
    }
    let strange = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
    label
        .contains(strange)
        .then_some("it has a character that no host name has")
}

// === impl DomainName ===

impl DomainName {
    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DomainName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let bare = text.trim_start_matches("*.").trim_start_matches('.');
        if bare != text {
            return Err(Invalid::new(
                format!("`{text}` is not a domain"),
                format_args!("write `{bare}`"),
            ));
        }
        if looks_like_an_address(text) {
            return Err(Invalid::new(
                format!("`{text}` is an address, not a domain"),
                "write a domain, such as `default.svc.cluster.local`",
            ));
        }
        dns_name(text).map(Self)
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl UrlPath ===

impl UrlPath {
    /// The path, with its leading `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UrlPath {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = |help: String| {
            Err(Invalid::new(
                format!("`{text}` is not the path of a URL"),
                help,
            ))
        };
        if text.contains("://") || text.contains(['?', '#', '\\', '*']) || text.len() > 1024 {
            return wrong("write the path alone, such as `/ping`".to_owned());
        }
        if text.contains(|c: char| !c.is_ascii_graphic()) {
            return wrong(
                "write spaces and letters outside ASCII as `%20` and the like".to_owned(),
            );
        }
        if !text.starts_with('/') {
            return wrong(format!("write `/{text}`"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for UrlPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
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
