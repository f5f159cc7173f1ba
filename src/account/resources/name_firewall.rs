//! Route 53 Resolver's DNS firewall: lists of names, rules over them, and the
//! networks that they hold for. Recorded, and checked for what they refer to;
//! the tasks' own resolver answers modelled names only, whatever stands here.

use super::family::{Failure, Family, Physical, Request, number_of};
use super::network::must_exist;
use crate::account::store::State;
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) const LIST: &str = "AWS::Route53Resolver::FirewallDomainList";
pub(super) const GROUP: &str = "AWS::Route53Resolver::FirewallRuleGroup";
pub(super) const ASSOCIATION: &str = "AWS::Route53Resolver::FirewallRuleGroupAssociation";

pub(super) struct NameFirewall;

impl Family for NameFirewall {
    fn create(&self, state: &mut State, request: &Request<'_>) -> Result<Physical, Failure> {
        check(state, request)?;
        let (prefix, resource) = match request.resource_type {
            LIST => ("rslvr-fdl", "firewall-domain-list"),
            GROUP => ("rslvr-frg", "firewall-rule-group"),
            _ => ("rslvr-frgassoc", "firewall-rule-group-association"),
        };
        let id = request.prefixed(prefix);
        let arn = request.arn("route53resolver", &format!("{resource}/{id}"));
        let physical = Physical::new(id.clone()).with("Id", id).with("Arn", arn);
        Ok(with_status(physical, request))
    }

    fn update(
        &self,
        state: &mut State,
        request: &Request<'_>,
        id: &str,
    ) -> Result<Physical, Failure> {
        check(state, request)?;
        Ok(with_status(Physical::new(id), request))
    }

    fn delete(&self, state: &mut State, resource_type: &str, id: &str) -> Result<(), Failure> {
        let user = match resource_type {
            LIST => rule_with_list(state, id),
            GROUP => association_of_group(state, id),
            _ => None,
        };
        match user {
            Some(user) => Err(Failure::in_use(format!(
                "The resource '{id}' cannot be deleted: '{user}' uses it."
            ))),
            None => Ok(()),
        }
    }
}

fn with_status(physical: Physical, request: &Request<'_>) -> Physical {
    let physical = physical.with("Status", "COMPLETE");
    match request.resource_type {
        LIST => physical.with("DomainCount", items(request.properties, "Domains").len()),
        GROUP => physical.with(
            "RuleCount",
            items(request.properties, "FirewallRules").len(),
        ),
        _ => physical,
    }
}

fn check(state: &State, request: &Request<'_>) -> Result<(), Failure> {
    match request.resource_type {
        LIST => check_names(request),
        GROUP => check_rules(state, request),
        _ => check_association(state, request),
    }
}

fn items<'a>(properties: &'a Value, name: &str) -> &'a [Value] {
    let list = properties.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

fn check_names(request: &Request<'_>) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    for name in items(request.properties, "Domains") {
        let name = name.as_str().unwrap_or_default();
        if !is_name(name) {
            return Err(Failure::invalid(format!(
                "The domain name '{name}' is invalid."
            )));
        }
        if !seen.insert(name) {
            return Err(Failure::invalid(format!(
                "The domain name '{name}' is given twice."
            )));
        }
    }
    Ok(())
}

/// A name, with a wildcard only as its first label.
fn is_name(name: &str) -> bool {
    let rest = match name {
        "*" => return true,
        name => name.strip_prefix("*.").unwrap_or(name),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    name.len() <= 255 && !rest.is_empty() && rest.chars().all(allowed)
}

fn check_rules(state: &State, request: &Request<'_>) -> Result<(), Failure> {
    let mut priorities = BTreeSet::new();
    for rule in items(request.properties, "FirewallRules") {
        let list = text(rule, "FirewallDomainListId");
        must_exist(state, LIST, list, "firewall domain list")?;
        let priority = rule.get("Priority").and_then(number_of);
        let priority = priority.ok_or_else(|| Failure::invalid("A rule must have a Priority."))?;
        if !priorities.insert(priority) {
            return Err(Failure::invalid(format!(
                "Two rules have the priority {priority}."
            )));
        }
        let answer = text(rule, "BlockResponse");
        match (text(rule, "Action"), answer) {
            ("ALLOW" | "ALERT", "") | ("BLOCK", "NODATA" | "NXDOMAIN" | "OVERRIDE") => {}
            (action, answer) => {
                return Err(Failure::invalid(format!(
                    "The action '{action}' does not go with the BlockResponse '{answer}'."
                )));
            }
        }
    }
    Ok(())
}

fn text<'a>(rule: &'a Value, name: &str) -> &'a str {
    rule.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn check_association(state: &State, request: &Request<'_>) -> Result<(), Failure> {
    let (group, vpc) = (
        request.required("FirewallRuleGroupId")?,
        request.required("VpcId")?,
    );
    must_exist(state, GROUP, &group, "firewall rule group")?;
    must_exist(state, "AWS::EC2::VPC", &vpc, "vpc")?;
    let priority = request.properties.get("Priority").and_then(number_of);
    if !priority.is_some_and(|priority| (101..9900).contains(&priority)) {
        return Err(Failure::invalid(
            "The priority of an association must be greater than 100 and less than 9900.",
        ));
    }
    Ok(())
}

fn rule_with_list<'a>(state: &'a State, list: &str) -> Option<&'a str> {
    let uses = |rules: &[Value]| {
        rules
            .iter()
            .any(|rule| text(rule, "FirewallDomainListId") == list)
    };
    let mut groups = state.inventory.of(GROUP);
    groups
        .find(|(_, group)| uses(items(&group.properties, "FirewallRules")))
        .map(|(id, _)| id)
}

fn association_of_group<'a>(state: &'a State, group: &str) -> Option<&'a str> {
    let mut associations = state.inventory.of(ASSOCIATION);
    associations
        .find(|(_, each)| each.text("FirewallRuleGroupId") == Some(group))
        .map(|(id, _)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_only_for_whole_first_labels() {
        for name in ["*", "*.example.com", "github.com", "a-b.c_d.example"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "*.", "a.*.com", "*a.com", "a b.com", "https://a.com"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
