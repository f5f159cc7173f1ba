//! Small values of the file, and what one setting refuses of a type that others take.

use std::str::FromStr;

use super::{Cidr, Invalid};

/// A port number from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Port(u16);

/// `true` or `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Switch(pub(super) bool);

/// The ports of a task that the sidecar listens on.
pub(super) const SIDECAR_PORTS: [u16; 4] = [9901, 15000, 15001, 15053];

/// Ranges that no network of one's own can have, and who has them.
const TAKEN_RANGES: [(&str, &str); 6] = [
    ("0.0.0.0/8", "this very host"),
    ("127.0.0.0/8", "the loopback"),
    ("169.254.0.0/16", "link-local addresses"),
    (
        "198.18.0.0/15",
        "the virtual addresses of modelled services",
    ),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "nobody: it is reserved"),
];

// === impl Port ===

impl FromStr for Port {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        if let Some(port) = text.parse().ok().filter(|port| plain && *port > 0) {
            return Ok(Self(port));
        }
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        let help = match digits.parse::<u16>() {
            Ok(port) if port > 0 => format!("write `{port}`"),
            Ok(_) | Err(_) => "write a number from 1 to 65535".to_owned(),
        };
        Err(Invalid::new(format!("`{text}` is not a port"), help))
    }
}

impl From<Port> for u16 {
    fn from(Port(port): Port) -> Self {
        port
    }
}

// === impl Switch ===

impl FromStr for Switch {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let help = match text.to_ascii_lowercase().as_str() {
            "true" => return Ok(Self(true)),
            "false" => return Ok(Self(false)),
            "yes" | "on" | "1" | "y" => "write `true`",
            "no" | "off" | "0" | "n" => "write `false`",
            _ => "write `true` or `false`",
        };
        Err(Invalid::new(
            format!("`{text}` is neither true nor false"),
            help,
        ))
    }
}

// === the checks ===

/// The sidecar shares the task with the app.
pub(super) fn check_app_port(Port(port): Port) -> Result<(), Invalid> {
    if SIDECAR_PORTS.contains(&port) {
        return Err(Invalid::new(
            format!("the sidecar listens on port {port} itself"),
            "let the app listen on another, such as `8080`",
        ));
    }
    Ok(())
}

/// Public SSH is what Session Manager is there to avoid.
pub(super) fn check_ssh_from(cidr: Cidr) -> Result<(), Invalid> {
    if cidr.prefix() == 0 {
        return Err(Invalid::new(
            "this opens SSH to the whole internet",
            "write your own address as `a.b.c.d/32`, or leave `ssh_from` out and come in through Session Manager",
        ));
    }
    Ok(())
}

/// Four subnets of 32 addresses and more have to fit, and AWS takes no network larger than /16.
pub(super) fn check_vpc(cidr: Cidr) -> Result<(), Invalid> {
    if !(16..=24).contains(&cidr.prefix()) {
        return Err(Invalid::new(
            format!(
                "a network of /{} cannot hold the four subnets",
                cidr.prefix()
            ),
            format_args!(
                "write a range from /16 to /24, such as `{}`",
                cidr.with_prefix(cidr.prefix().clamp(16, 24))
            ),
        ));
    }
    for (range, owner) in TAKEN_RANGES {
        let range: Cidr = range.parse().expect("the ranges here are well formed");
        if cidr.overlaps(range) {
            return Err(Invalid::new(
                format!("`{cidr}` lies in `{range}`, which belongs to {owner}"),
                "write a private range, such as `10.0.0.0/16`",
            ));
        }
    }
    Ok(())
}
