//! The one region and its zones.

use super::filters::Filters;
use crate::account::{Account, ApiError};
use crate::endpoint::query::Query;
use crate::endpoint::xml::Xml;

const ZONES: [&str; 3] = ["a", "b", "c"];

pub(super) fn zones(account: &Account, query: &Query) -> Result<Xml, ApiError> {
    let filters = Filters::read(query, |name| value_of(name, "", "").is_some())?;
    let region = &account.options().region;
    let named = query.list("ZoneName");
    let all = ZONES.map(|letter| (format!("{region}{letter}"), letter));
    if let Some(unknown) = named
        .iter()
        .find(|name| all.iter().all(|(zone, _)| zone != *name))
    {
        let message = format!("Invalid availability zone: [{unknown}]");
        return Err(ApiError::new("InvalidParameterValue", message));
    }
    let taken = all.iter().filter(|(zone, _)| {
        let of = |name: &str| value_of(name, region, zone).into_iter().collect();
        (named.is_empty() || named.contains(&zone.as_str())) && filters.take(of)
    });
    let mut xml = Xml::new();
    xml.list_of(
        "availabilityZoneInfo",
        "item",
        taken,
        |xml, (zone, letter)| {
            xml.text("zoneName", zone)
                .text("zoneId", zone_id(region, letter))
                .text("zoneState", "available")
                .text("regionName", region)
                .text("zoneType", "availability-zone")
                .text("optInStatus", "opt-in-not-required")
                .text("groupName", format!("{region}-zg-1"))
                .text("networkBorderGroup", region)
                .list_of("messageSet", "item", std::iter::empty::<()>(), |_, ()| {});
        },
    );
    Ok(xml)
}

pub(super) fn regions(account: &Account, query: &Query) -> Result<Xml, ApiError> {
    let region = &account.options().region;
    let named = query.list("RegionName");
    if let Some(unknown) = named.iter().find(|name| *name != region) {
        let message = format!("Invalid region name: {unknown}");
        return Err(ApiError::new("InvalidParameterValue", message));
    }
    let mut xml = Xml::new();
    xml.list_of("regionInfo", "item", [region], |xml, region| {
        xml.text("regionName", region)
            .text("regionEndpoint", format!("ec2.{region}.amazonaws.com"))
            .text("optInStatus", "opt-in-not-required");
    });
    Ok(xml)
}

/// A zone's value for a filter; nothing for a filter that there is not.
fn value_of(filter: &str, region: &str, zone: &str) -> Option<String> {
    match filter {
        "zone-name" => Some(zone.to_owned()),
        "region-name" => Some(region.to_owned()),
        "state" | "zone-state" => Some("available".to_owned()),
        "zone-type" => Some("availability-zone".to_owned()),
        "opt-in-status" => Some("opt-in-not-required".to_owned()),
        _ => None,
    }
}

/// `usw2-az1` for `us-west-2a`.
fn zone_id(region: &str, letter: &str) -> String {
    let mut parts = region.split('-');
    let area = parts.next().unwrap_or_default();
    let side = parts.next().unwrap_or_default();
    let number = parts.next().unwrap_or_default();
    let side = side.get(..1).unwrap_or_default();
    let place = ZONES.iter().position(|zone| *zone == letter).unwrap_or(0) + 1;
    format!("{area}{side}{number}-az{place}")
}
