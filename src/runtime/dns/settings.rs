//! The resolvers that a `resolv.conf` names.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

use rustix::net::{AddressFamily, SocketType, netdevice, socket};

/// The port at which resolvers are asked.
const PORT: u16 = 53;

/// The resolvers, in order.
pub(super) fn resolvers(text: &str) -> Vec<SocketAddr> {
    let mut fields = text.lines().map(str::split_whitespace);
    let named = fields.by_ref().filter_map(|mut line| {
        let is_resolver = line.next() == Some("nameserver");
        line.next().filter(|_| is_resolver)
    });
    named.filter_map(address).collect()
}

/// An address; one of a single link names that after a `%`.
fn address(text: &str) -> Option<SocketAddr> {
    let Some((address, link)) = text.split_once('%') else {
        return Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, PORT));
    };
    let address = address.parse::<Ipv6Addr>().ok()?;
    let scope = link.parse().ok().or_else(|| number(link))?;
    Some(SocketAddrV6::new(address, PORT, 0, scope).into())
}

fn number(link: &str) -> Option<u32> {
    let any = socket(AddressFamily::INET, SocketType::DGRAM, None).ok()?;
    netdevice::name_to_index(any, link).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_are_read_in_order_and_what_is_none_is_left_out() {
        let text = "# note\nsearch a.test\nnameserver 192.0.2.53 # first\n\
                    nameserver\t2001:db8::53\nnameserver x\nnameservers 192.0.2.54\nnameserver";
        let expected: Vec<SocketAddr> = ["192.0.2.53:53", "[2001:db8::53]:53"]
            .into_iter()
            .filter_map(|address| address.parse().ok())
            .collect();
        assert_eq!(resolvers(text), expected);
    }

    #[test]
    fn a_resolver_of_one_link_is_asked_through_it() {
        let found = resolvers("nameserver fe80::1%lo\nnameserver fe80::2%no-such-link\n");
        let loopback = SocketAddrV6::new("fe80::1".parse().expect("one"), PORT, 0, 1);
        assert_eq!(found, [SocketAddr::V6(loopback)]);
    }
}
