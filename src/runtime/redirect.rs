//! The text that `ip` and `nft` are fed: addresses, routes and redirection of
//! each kind of namespace, from typed values. Runs nothing itself.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address an app sees as its own, and the one its packets come from.
pub(super) const APP_ADDRESS: Ipv4Addr = Ipv4Addr::new(169, 254, 100, 2);
/// Where everything that an app sends by TCP ends up.
pub(super) const EGRESS_PORT: u16 = 15001;
/// Where that ends up whose destination is told apart by address alone.
pub(super) const PLAIN_EGRESS_PORT: u16 = 15002;
/// Where every DNS question of an app ends up.
pub(super) const DNS_PORT: u16 = 15053;
/// Where the relay of a rootless world listens.
pub(super) const RELAY_PORT: u16 = 15004;

/// The address that packets by IPv6 come from in a rootless world.
const RELAYED_IPV6: Ipv6Addr = Ipv6Addr::new(0xfd63, 0x6f6c, 0x6f72, 1, 0, 0, 0, 1);

/// Every packet of an app's namespace stays on `lo`.
pub(super) fn app_addresses() -> String {
    format!("link set lo up\naddr add {APP_ADDRESS}/32 dev lo\nroute add default dev lo\n")
}

/// Without a redirection there is nowhere to go but to addresses of its own.
pub(super) fn app_addresses_alone() -> String {
    format!("link set lo up\naddr add {APP_ADDRESS}/32 dev lo\n")
}

/// All TCP and all DNS of an app's namespace goes to its listeners.
pub(super) fn app_redirection(egress_port: u16) -> String {
    let set = "  set plain {\n    type ipv4_addr . inet_service\n  }\n";
    let rules = format!(
        "udp dport 53 redirect to :{DNS_PORT}\n    tcp dport 53 redirect to :{DNS_PORT}\n    \
         ip daddr . tcp dport @plain redirect to :{PLAIN_EGRESS_PORT}\n    \
         meta l4proto tcp redirect to :{egress_port}"
    );
    nat(set, &rules)
}

/// Which addresses and ports are told apart by address alone, in one step.
pub(super) fn plain_destinations(plain: &BTreeSet<(Ipv4Addr, u16)>) -> String {
    let mut text = "flush set ip colormesh plain\n".to_owned();
    if !plain.is_empty() {
        let each = plain.iter();
        let elements: Vec<String> = each
            .map(|(address, port)| format!("{address} . {port}"))
            .collect();
        let elements = elements.join(", ");
        writeln!(text, "add element ip colormesh plain {{ {elements} }}")
            .expect("text can be written to");
    }
    text
}

/// A namespace with only `lo` in it.
pub(super) fn loopback() -> String {
    "link set lo up\n".to_owned()
}

/// One task's address in the shared namespace.
pub(super) fn add_address(address: Ipv4Addr) -> String {
    format!("addr replace {address}/32 dev lo\n")
}

/// Takes a task's address away.
pub(super) fn remove_address(address: Ipv4Addr) -> String {
    format!("addr del {address}/32 dev lo\n")
}

/// What comes to some ports of a task goes to another one of it, as ECS does
/// for a task with a proxy. The address stays, and with it whose it is.
pub(super) fn lead_in(address: Ipv4Addr, ports: &[u16], to: u16) -> String {
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    if ports.is_empty() {
        return String::new();
    }
    let (clean, table, ports) = (lead_in_no_more(address), table(address), ports.join(", "));
    format!(
        "{clean}table ip {table} {{\n  chain output {{\n    type nat hook output priority -100; \
         policy accept;\n    ip daddr {address} tcp dport {{ {ports} }} dnat to {address}:{to}\n  \
         }}\n}}\n"
    )
}

/// Ends that, and does nothing where it never was.
pub(super) fn lead_in_no_more(address: Ipv4Addr) -> String {
    let table = table(address);
    format!("add table ip {table}\ndelete table ip {table}\n")
}

fn table(address: Ipv4Addr) -> String {
    format!("task_{}", address.to_string().replace('.', "_"))
}

/// A whole block of addresses answers here.
pub(super) fn local_block(block: IpAddr, prefix: u8) -> String {
    format!("route add local {block}/{prefix} dev lo\n")
}

/// The blocks to which probes send, brought into a world or taken away again.
pub(super) fn foreign_addresses(action: &str) -> String {
    let routes = super::probe::BLOCKS.iter();
    routes
        .map(|block| format!("route {action} local {block} dev lo\n"))
        .collect()
}

/// A world whose TCP is carried to the outside by the relay.
pub(super) fn relay_addresses() -> String {
    app_addresses()
}

/// All TCP of such a world goes to the relay.
pub(super) fn relay_redirection() -> String {
    nat("", &format!("meta l4proto tcp redirect to :{RELAY_PORT}"))
}

/// The same for IPv6, which the world has an address for from here on.
pub(super) fn relay_ipv6_addresses() -> String {
    format!("addr add {RELAYED_IPV6}/128 dev lo nodad\nroute add ::/0 dev lo\n")
}

/// The same for IPv6.
pub(super) fn relay_ipv6_redirection() -> String {
    format!(
        "table ip6 colormesh {{\n  chain output {{\n    type nat hook output priority -100; \
         policy accept;\n    ip6 daddr ::1 accept\n    meta l4proto tcp redirect to \
         :{RELAY_PORT}\n  }}\n}}\n"
    )
}

fn nat(sets: &str, rules: &str) -> String {
    format!(
        "table ip colormesh {{\n{sets}  chain output {{\n    type nat hook output priority -100; \
         policy accept;\n    ip daddr 127.0.0.0/8 accept\n    {rules}\n  }}\n}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_reaches_its_listeners_and_nothing_else() {
        insta::assert_snapshot!(app_redirection(EGRESS_PORT), @r"
        table ip colormesh {
          set plain {
            type ipv4_addr . inet_service
          }
          chain output {
            type nat hook output priority -100; policy accept;
            ip daddr 127.0.0.0/8 accept
            udp dport 53 redirect to :15053
            tcp dport 53 redirect to :15053
            ip daddr . tcp dport @plain redirect to :15002
            meta l4proto tcp redirect to :15001
          }
        }
        ");
        insta::assert_snapshot!(app_addresses(), @r"
        link set lo up
        addr add 169.254.100.2/32 dev lo
        route add default dev lo
        ");
    }

    #[test]
    fn plain_destinations_replace_those_before() {
        let one = (Ipv4Addr::new(240, 1, 2, 3), 22);
        let two = (Ipv4Addr::new(240, 1, 2, 3), 5432);
        insta::assert_snapshot!(plain_destinations(&[one, two].into()), @r"
        flush set ip colormesh plain
        add element ip colormesh plain { 240.1.2.3 . 22, 240.1.2.3 . 5432 }
        ");
        let none = plain_destinations(&BTreeSet::new());
        assert_eq!(none, "flush set ip colormesh plain\n");
    }
}
