//! EC2's security groups: shown, and changed rule by rule. Stacks make them.

use super::filters::Filters;
use super::require;
use crate::account::security_groups::{Peer, Rule, SecurityGroup, Way};
use crate::account::{Account, ApiError};
use crate::endpoint::query::{Fields, Query};
use crate::endpoint::xml::Xml;

pub(super) fn describe(account: &Account, query: &Query) -> Result<Xml, ApiError> {
    let is_known = |name: &str| matches!(name, "group-id" | "group-name" | "vpc-id");
    let filters = Filters::read(query, is_known)?;
    let ids = query.list("GroupId");
    let groups = account.security_groups();
    if let Some(id) = ids.iter().find(|id| groups.iter().all(|it| it.id != **id)) {
        let message = format!("The security group '{id}' does not exist");
        return Err(ApiError::new("InvalidGroup.NotFound", message));
    }
    let value = |group: &SecurityGroup, name: &str| match name {
        "group-id" => vec![group.id.clone()],
        "group-name" => vec![group.name.clone()],
        _ => group.vpc.clone().into_iter().collect(),
    };
    let taken = groups.iter().filter(|group| {
        let is_named = ids.is_empty() || ids.contains(&group.id.as_str());
        is_named && filters.take(|name| value(group, name))
    });
    let mut xml = Xml::new();
    xml.list_of("securityGroupInfo", "item", taken, |xml, group| {
        write(xml, account, group);
    });
    Ok(xml)
}

/// Adds the rules of a request.
pub(super) fn authorize(account: &Account, query: &Query, way: Way) -> Result<Xml, ApiError> {
    account.allow(require(query, "GroupId")?, way, &rules(query)?)?;
    Ok(done())
}

/// Takes the rules of a request away.
pub(super) fn revoke(account: &Account, query: &Query, way: Way) -> Result<Xml, ApiError> {
    account.forbid(require(query, "GroupId")?, way, &rules(query)?)?;
    Ok(done())
}

fn done() -> Xml {
    let mut xml = Xml::new();
    xml.text("return", "true");
    xml
}

/// The rules of a request: a list, or one that is spread over its parameters.
fn rules(query: &Query) -> Result<Vec<Rule>, ApiError> {
    let mut listed = query.members("IpPermissions");
    if listed.is_empty() {
        listed.push(query.fields());
    }
    let rules: Vec<Rule> = listed.iter().flat_map(of_permission).collect();
    if rules.is_empty() {
        let message = "The request must contain the parameter ipPermissions";
        return Err(ApiError::new("MissingParameter", message));
    }
    Ok(rules)
}

/// A rule for each of the peers of one permission.
fn of_permission(fields: &Fields<'_>) -> Vec<Rule> {
    let Some(protocol) = fields.get("IpProtocol") else {
        return Vec::new();
    };
    let port = |name: &str| fields.get(name).and_then(|text| text.parse().ok());
    let rule = |peer: Peer, description: Option<&str>| Rule {
        protocol: protocol.to_owned(),
        from_port: port("FromPort"),
        to_port: port("ToPort"),
        peer,
        description: description.map(str::to_owned),
    };
    let of = |list: &str, name: &str, peer: fn(String) -> Peer| {
        let members = fields.members(list).into_iter();
        let named = members.filter_map(|member| {
            let text = member.get(name)?.to_owned();
            Some(rule(peer(text), member.get("Description")))
        });
        named.collect::<Vec<_>>()
    };
    let mut rules = of("IpRanges", "CidrIp", Peer::Ipv4);
    rules.extend(of("Ipv6Ranges", "CidrIpv6", Peer::Ipv6));
    rules.extend(of("Groups", "GroupId", Peer::Group));
    let spread = fields.get("CidrIp").map(|text| Peer::Ipv4(text.to_owned()));
    rules.extend(spread.map(|peer| rule(peer, None)));
    rules
}

fn write(xml: &mut Xml, account: &Account, group: &SecurityGroup) {
    xml.text("ownerId", &account.options().account_id)
        .text("groupId", &group.id)
        .text("groupName", &group.name)
        .text("groupDescription", &group.description)
        .maybe("vpcId", group.vpc.as_ref());
    permissions(xml, "ipPermissions", &group.ingress);
    permissions(xml, "ipPermissionsEgress", &group.egress);
}

fn permissions(xml: &mut Xml, name: &str, rules: &[Rule]) {
    xml.list_of(name, "item", rules, |xml, rule| {
        let number = |port: Option<i64>| port.map(|port| port.to_string());
        xml.text("ipProtocol", &rule.protocol)
            .maybe("fromPort", number(rule.from_port))
            .maybe("toPort", number(rule.to_port));
        let (list, name, peer) = match &rule.peer {
            Peer::Ipv4(range) => ("ipRanges", "cidrIp", range),
            Peer::Ipv6(range) => ("ipv6Ranges", "cidrIpv6", range),
            Peer::Group(group) => ("groups", "groupId", group),
        };
        xml.list_of(list, "item", [peer], |xml, peer| {
            xml.text(name, peer)
                .maybe("description", rule.description.as_ref());
        });
    });
}
