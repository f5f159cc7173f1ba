//! Ports as AWS takes them: in ranges, few, and where they are led.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::Invalid;
use super::external_services::Draft;
use super::reader::Reader;

/// The rules of a security group in one direction: what AWS takes unless asked
/// for more.
const MOST_RULES: usize = 60;

/// Beside the ranges stand the rules for the app's own port and, with
/// `mesh.redirect: ports`, for Envoy's: whatever is written has to leave room
/// for both, for when it is changed they are there together for a moment.
const MOST_RANGES: usize = MOST_RULES - 2;

/// What tasks need whatever is modelled: images and logs come and go over HTTPS.
const HTTPS: u16 = 443;
const SSH: u16 = 22;

/// The ports as ranges, with neighbours together and no port that was not given.
pub fn port_ranges(ports: impl IntoIterator<Item = u16>) -> Vec<RangeInclusive<u16>> {
    let sorted: BTreeSet<u16> = ports.into_iter().collect();
    let mut ranges: Vec<RangeInclusive<u16>> = Vec::new();
    for port in sorted {
        match ranges.last_mut() {
            Some(range) if *range.end() + 1 == port => *range = *range.start()..=port,
            _ => ranges.push(port..=port),
        }
    }
    ranges
}

/// Refuses the first service whose port makes a range too many, beside those
/// of the registries that images come from.
pub(super) fn check(reader: &mut Reader<'_>, drafts: &[Draft], registries: &[u16]) {
    let always = || registries.iter().copied().chain([HTTPS]);
    let every = drafts.iter().filter_map(|draft| draft.port.value);
    let count = port_ranges(every.chain(always())).len();
    if count <= MOST_RANGES {
        return;
    }
    // Adding a port can also join two ranges, so the first one too many is
    // found by looking, and only when there is one.
    let mut seen: BTreeSet<u16> = always().collect();
    let crosses = |draft: &&Draft| {
        let new = draft.port.value.is_some_and(|port| seen.insert(port));
        new && port_ranges(seen.iter().copied()).len() > MOST_RANGES
    };
    let Some(draft) = drafts.iter().find(crosses) else {
        return;
    };
    let whose = if registries.is_empty() {
        "the services"
    } else {
        "the services and of the images' registries"
    };
    let message = format!(
        "the ports of {whose} make {count} ranges, and a security group of AWS has room for {MOST_RANGES}"
    );
    let place = draft.port.place.as_ref().unwrap_or(draft.host_place());
    reader.refuse(
        place,
        Invalid::new(message, "split the services between two environments"),
    );
}

/// Refuses services on port 22, which AWS's redirecting image never leads to
/// Envoy, whatever it is told.
pub(super) fn refuse_ssh(reader: &mut Reader<'_>, drafts: &[Draft]) {
    let is_ssh = |draft: &&Draft| {
        draft.port.value == Some(SSH) || draft.via_port.value.flatten() == Some(SSH)
    };
    for draft in drafts.iter().filter(is_ssh) {
        let message = "with `redirect: init-container` port 22 goes past Envoy, to any host";
        let help = "leave the service out, or write `redirect: ports`";
        let place = draft.port.place.as_ref().unwrap_or(draft.host_place());
        reader.refuse(place, Invalid::new(message, help));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_range_and_no_other_port_is_in_it() {
        assert_eq!(port_ranges([]), []);
        assert_eq!(
            port_ranges([445, 443, 444, 22, 443, 65535]),
            [22..=22, 443..=445, 65535..=65535]
        );
        assert_eq!(port_ranges([65534, 65535]), [65534..=65535]);
    }
}
