//! What external services may not have in common: names, hosts on a port, and ports that nothing tells apart.
//!
//! Each rule reads the list once; a list of thousands takes no longer than its length says.

use std::collections::{HashMap, HashSet};

use super::external_services::Draft;
use super::reader::Reader;
use super::service::TLS_PORTS;
use super::values::SIDECAR_PORTS;
use super::{Invalid, Matching, Protocol};

pub(super) fn check(reader: &mut Reader<'_>, drafts: &[Draft], matching: Matching) {
    check_names(reader, drafts);
    let doubles = check_hosts(reader, drafts);
    check_ports(reader, drafts, matching, &doubles);
}

fn check_names(reader: &mut Reader<'_>, drafts: &[Draft]) {
    let named = |draft: &Draft| draft.name.as_ref().map(|name| name.value.unique_key());
    let mut taken: HashSet<String> = drafts.iter().filter_map(named).collect();
    let mut first: HashMap<String, &Draft> = HashMap::new();
    let mut numbers: HashMap<String, u32> = HashMap::new();
    for draft in drafts {
        let Some(name) = &draft.name else { continue };
        let key = name.value.unique_key();
        let Some(other) = first.get(&key) else {
            first.insert(key, draft);
            continue;
        };
        let number = numbers.entry(key.clone()).or_insert(1);
        let free = loop {
            *number += 1;
            if taken.insert(format!("{key}{number}")) {
                break format!("{}{number}", name.value);
            }
        };
        let host = other.host.as_ref().map_or_else(
            || "another service".to_owned(),
            |host| format!("`{}`", host.value),
        );
        let message = match &other.name {
            Some(earlier) if earlier.value != name.value => format!(
                "the name `{}` is too like `{}`, the name of {host}",
                name.value, earlier.value
            ),
            _ => format!("the name `{}` is taken by {host}", name.value),
        };
        reader.refuse(
            &name.place,
            Invalid::new(message, format_args!("choose another, such as `{free}`")),
        );
    }
}

/// Refuses a host that stands twice on one port, and says which drafts do.
fn check_hosts(reader: &mut Reader<'_>, drafts: &[Draft]) -> HashSet<usize> {
    let mut first: HashMap<(&str, u16), &Draft> = HashMap::new();
    let mut doubles = HashSet::new();
    for (index, draft) in drafts.iter().enumerate() {
        let (Some(host), Some(port)) = (&draft.host, draft.listen_port()) else {
            continue;
        };
        let Some(other) = first.get(&(host.value.as_str(), port)) else {
            first.insert((host.value.as_str(), port), draft);
            continue;
        };
        doubles.insert(index);
        let message = format!(
            "`{}` on port {port} is already {}",
            host.value,
            other.title()
        );
        reader.refuse(&host.place, Invalid::new(message, "delete one of the two"));
    }
    doubles
}

fn check_ports(
    reader: &mut Reader<'_>,
    drafts: &[Draft],
    matching: Matching,
    doubles: &HashSet<usize>,
) {
    let mut free = FreePorts::beside(drafts);
    let mut first: HashMap<u16, &Draft> = HashMap::new();
    for (index, draft) in drafts.iter().enumerate() {
        let (Some(port), Some(protocol)) = (draft.listen_port(), draft.protocol.value) else {
            continue;
        };
        if doubles.contains(&index) || draft.is_http_on_the_https_port() {
            continue;
        }
        let Some(other) = first.get(&port) else {
            first.insert(port, draft);
            continue;
        };
        if other.protocol.value == Some(protocol)
            && (protocol == Protocol::Http
                || (matching == Matching::Sni && is_tls(draft) && is_tls(other)))
        {
            continue;
        }
        let conflict = Conflict { port, draft, other };
        reader.refuse(
            draft.listen_place(),
            conflict.explain(free.take_after(port)),
        );
    }
}

fn is_tls(draft: &Draft) -> bool {
    draft
        .port
        .value
        .is_some_and(|port| TLS_PORTS.contains(&port))
}

/// Two services on one port that the mesh cannot tell apart.
struct Conflict<'a> {
    port: u16,
    draft: &'a Draft,
    other: &'a Draft,
}

impl Conflict<'_> {
    fn explain(&self, free: Option<u16>) -> Invalid {
        let (port, this, other) = (self.port, self.draft.title(), self.other.title());
        let via = free.map_or_else(
            || "`via_port` with a port that no other has".to_owned(),
            |free| format!("`via_port: {free}`"),
        );
        if self.draft.protocol.value != self.other.protocol.value {
            let tcp = if self.draft.protocol.value == Some(Protocol::Tcp) {
                &this
            } else {
                &other
            };
            return Invalid::new(
                format!("{this} and {other} share port {port}, and one is `tcp`, the other `http`"),
                format_args!("give {tcp} a port of its own: {via}"),
            );
        }
        let message = format!(
            "{this} and {other} are two `tcp` services on port {port}, and nothing tells them apart"
        );
        let both_tls = is_tls(self.draft) && is_tls(self.other);
        let or = if both_tls {
            ", or set `mesh.matching` to `sni`"
        } else {
            ""
        };
        Invalid::new(
            message,
            format_args!("let the app connect to {this} on a port of its own: {via}{or}"),
        )
    }
}

/// Ports that no service has. Each is given out once, so that all advice can be followed together.
struct FreePorts {
    /// For each port, one at or after it from which to look on; itself when it is free.
    next: Vec<usize>,
}

const PORTS: usize = 1 << 16;

impl FreePorts {
    fn beside(drafts: &[Draft]) -> Self {
        let mut ports = Self {
            next: (0..=PORTS).collect(),
        };
        let listened = drafts.iter().filter_map(Draft::listen_port);
        let targets = drafts.iter().filter_map(|draft| draft.port.value);
        for port in listened.chain(targets).chain(SIDECAR_PORTS).chain([0, 53]) {
            ports.next[usize::from(port)] = usize::from(port) + 1;
        }
        ports
    }

    fn take_after(&mut self, port: u16) -> Option<u16> {
        let found = self.find(usize::from(port)).or_else(|| self.find(1024))?;
        self.next[usize::from(found)] = usize::from(found) + 1;
        Some(found)
    }

    /// The first free port from this one on. Shortens the way for the next to ask.
    fn find(&mut self, from: usize) -> Option<u16> {
        let mut at = from;
        while at < PORTS && self.next[at] != at {
            let after = self.next[self.next[at]];
            self.next[at] = after;
            at = after;
        }
        u16::try_from(at).ok()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::testing::{load_file, mistakes};
    use insta::assert_snapshot;

    fn file(services: &str) -> String {
        format!("external_services:\n{services}")
    }

    #[test]
    fn services_that_may_share_a_port() {
        for services in [
            "- { name: a, host: a.example }\n- { name: b, host: b.example }",
            "- { name: a, host: a.example, port: 80, protocol: http }\n- { name: b, host: b.example, port: 80, protocol: http }",
            "- { name: a, host: a.example, port: 5432 }\n- { name: b, host: b.example, port: 5432, via_port: 5433 }",
            "- { name: a, host: a.example }\n- { name: b, host: a.example, port: 80, protocol: http }",
            "- { name: a, host: a.example, via_port: 444 }\n- { name: b, host: b.example, via_port: 444 }",
        ] {
            assert_eq!(
                load_file(&file(services)).unwrap().external_services.len(),
                2,
                "{services}"
            );
        }
    }

    #[test]
    fn names_and_hosts_that_stand_twice() {
        let services = "
- { name: api, host: a.example }
- { name: api, host: b.example }
- { name: A-P-I, host: c.example }
- { name: api2, host: a.example }
";
        assert_snapshot!(mistakes(&file(services)), @r"
        error: the name `api` is taken by `a.example`
         --> colormesh.yaml:4:11
          |
        4 | - { name: api, host: b.example }
          |           ^^^
          |
          = help: choose another, such as `api3`

        error: the name `A-P-I` is too like `api`, the name of `a.example`
         --> colormesh.yaml:5:11
          |
        5 | - { name: A-P-I, host: c.example }
          |           ^^^^^
          |
          = help: choose another, such as `A-P-I4`

        error: `a.example` on port 443 is already `api`
         --> colormesh.yaml:6:23
          |
        6 | - { name: api2, host: a.example }
          |                       ^^^^^^^^^
          |
          = help: delete one of the two
        ");
    }

    #[test]
    fn ports_that_nothing_tells_apart() {
        let services = "
- { name: one, host: a.example, port: 5432 }
- { name: two, host: b.example, port: 5432 }
- { name: three, host: c.example, port: 5432 }
- { name: four, host: d.example, port: 5433 }
- { name: five, host: e.example, port: 80, protocol: http }
- { name: six, host: f.example, port: 80 }
- { name: seven, host: g.example, port: 6379, via_port: 5433 }
";
        assert_snapshot!(mistakes(&file(services)), @r"
        error: `two` and `one` are two `tcp` services on port 5432, and nothing tells them apart
         --> colormesh.yaml:4:39
          |
        4 | - { name: two, host: b.example, port: 5432 }
          |                                       ^^^^
          |
          = help: let the app connect to `two` on a port of its own: `via_port: 5434`

        error: `three` and `one` are two `tcp` services on port 5432, and nothing tells them apart
         --> colormesh.yaml:5:41
          |
        5 | - { name: three, host: c.example, port: 5432 }
          |                                         ^^^^
          |
          = help: let the app connect to `three` on a port of its own: `via_port: 5435`

        error: `six` and `five` share port 80, and one is `tcp`, the other `http`
         --> colormesh.yaml:8:39
          |
        8 | - { name: six, host: f.example, port: 80 }
          |                                       ^^
          |
          = help: give `six` a port of its own: `via_port: 81`

        error: `seven` and `four` are two `tcp` services on port 5433, and nothing tells them apart
         --> colormesh.yaml:9:57
          |
        9 | - { name: seven, host: g.example, port: 6379, via_port: 5433 }
          |                                                         ^^^^
          |
          = help: let the app connect to `seven` on a port of its own: `via_port: 5436`
        ");
    }

    #[test]
    fn matching_by_port_alone_tells_no_tls_apart() {
        let services = "- { name: one, host: a.example }\n- { name: two, host: b.example }\n";
        let text = format!("mesh: {{ matching: port }}\n{}", file(services));
        assert_snapshot!(mistakes(&text), @r"
        error: `two` and `one` are two `tcp` services on port 443, and nothing tells them apart
         --> colormesh.yaml:4:22
          |
        4 | - { name: two, host: b.example }
          |                      ^^^^^^^^^
          |
          = help: let the app connect to `two` on a port of its own: `via_port: 444`, or set `mesh.matching` to `sni`
        ");
    }

    #[test]
    fn all_advice_can_be_followed_together() {
        let services = |via: &dyn Fn(u16) -> String| -> String {
            (0..50)
                .map(|n| {
                    format!(
                        "- {{ name: s{n}, host: h{n}.example, port: 65530{} }}\n",
                        via(n)
                    )
                })
                .collect()
        };
        let problems = load_file(&file(&services(&|_| String::new()))).unwrap_err();
        assert_eq!(problems.0.len(), 49);
        let advice: Vec<&str> = problems
            .0
            .iter()
            .filter_map(|problem| problem.help.as_deref()?.split('`').nth(3))
            .collect();
        let mended = services(&|n| {
            n.checked_sub(1)
                .map_or_else(String::new, |n| format!(", {}", advice[usize::from(n)]))
        });
        assert_eq!(
            load_file(&file(&mended)).unwrap().external_services.len(),
            50,
            "{mended}"
        );
    }

    #[test]
    fn five_thousand_services_are_read_and_checked() {
        let services: String = (0..5000).map(|n| format!("- {{ name: s{n}, host: h{n}.example, port: 443, protocol: tcp, ip_preference: IPv4_ONLY }}\n")).collect();
        assert_eq!(
            load_file(&file(&services)).unwrap().external_services.len(),
            5000
        );
        let all_wrong = services.replace("443", "5432").replace(": s", ": 1s");
        assert_eq!(
            load_file(&file(&all_wrong)).unwrap_err().0.len(),
            5000 + 4999
        );
    }
}
