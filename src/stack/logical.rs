//! Logical ids of what is rendered.
//!
//! An id depends on one name alone, so that adding or removing a service moves
//! no other: `External<Service>VirtualNode` and `External<Service>Route` from
//! the service's name, `External<Host>VirtualService` and
//! `External<Host>VirtualRouter` from the host's. What App Mesh calls by the
//! service has its id from the service and what it calls by the host has its
//! id from the host: so an id never changes hands, and a change never creates
//! a second resource of a name that is still taken.

use sha2::{Digest, Sha256};

use crate::config::{Host, ServiceName};

/// Longest text taken from a host. Ids have at most 255 characters.
const LONGEST_PART: usize = 180;

pub(super) fn virtual_node(service: &ServiceName) -> String {
    format!("External{}VirtualNode", service.logical_part())
}

pub(super) fn route(service: &ServiceName) -> String {
    format!("External{}Route", service.logical_part())
}

pub(super) fn virtual_service(host: &Host) -> String {
    format!("External{}VirtualService", host_part(host.as_str()))
}

pub(super) fn virtual_router(host: &Host) -> String {
    format!("External{}VirtualRouter", host_part(host.as_str()))
}

/// `go.dev` is `GoDev`. A host whose words do not show where its dots were
/// (`a-b.test`, `a.1b.test`) gets a hash of its name behind them.
fn host_part(host: &str) -> String {
    let words = host.split(['.', '-', '_']).map(|word| match word {
        "*" => "Any".to_owned(),
        word => capitalized(word),
    });
    let words: String = words.collect();
    if words.len() <= LONGEST_PART && host.split('.').all(is_plain) {
        return words;
    }
    let kept = &words[..words.len().min(LONGEST_PART)];
    format!("{kept}{}", short_hash(host))
}

fn is_plain(label: &str) -> bool {
    label.starts_with(|c: char| c.is_ascii_lowercase())
        && label
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
        .unwrap_or_default()
}

fn short_hash(text: &str) -> String {
    let hash = format!("{:X}", Sha256::digest(text));
    hash[..12].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_hosts_read_well_and_others_stay_apart() {
        assert_eq!(host_part("go.dev"), "GoDev");
        assert_eq!(host_part("github.com"), "GithubCom");
        let awkward = [
            "a-b.test",
            "a.b.test",
            "ab.test",
            "a_b.test",
            "a--b.test",
            "a.1b.test",
            "a1b.test",
            "1password.com",
            "*.b.test",
            "any.b.test",
        ];
        let ids: std::collections::BTreeSet<String> = awkward.map(host_part).into();
        assert_eq!(ids.len(), awkward.len(), "{ids:?}");
        for id in ids {
            assert!(id.chars().all(|c| c.is_ascii_alphanumeric()), "{id}");
        }
    }

    #[test]
    fn the_longest_host_still_makes_an_id() {
        let host = vec!["a".repeat(62); 4].join(".");
        assert!(host_part(&host).len() + "ExternalVirtualService".len() <= 255);
    }
}
