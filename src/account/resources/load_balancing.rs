//! Application load balancers. Each listener is a port on loopback; the first
//! listener's port is a part of the load balancer's DNS name, because a name
//! cannot say a port and loopback has no other.

use super::family::{Failure, Family, Physical, Request};
use super::network::must_exist;
use crate::account::store::State;
use serde_json::Value;

/// The attribute with the port on loopback. No template can ask for it.
pub(in crate::account) const PORT: &str = "colormesh:port";
pub(in crate::account) const BALANCER: &str = "AWS::ElasticLoadBalancingV2::LoadBalancer";
const GROUP: &str = "AWS::ElasticLoadBalancingV2::TargetGroup";
pub(in crate::account) const LISTENER: &str = "AWS::ElasticLoadBalancingV2::Listener";
const RULE: &str = "AWS::ElasticLoadBalancingV2::ListenerRule";

pub(super) struct LoadBalancing;

impl Family for LoadBalancing {
    fn create(&self, state: &mut State, request: &Request<'_>) -> Result<Physical, Failure> {
        check_groups(state, request)?;
        match request.resource_type {
            BALANCER => balancer(state, request),
            GROUP => group(state, request),
            LISTENER => listener(state, request),
            _ => rule(state, request),
        }
    }

    fn update(
        &self,
        state: &mut State,
        request: &Request<'_>,
        id: &str,
    ) -> Result<Physical, Failure> {
        check_groups(state, request)?;
        Ok(Physical::new(id))
    }

    fn delete(&self, state: &mut State, resource_type: &str, id: &str) -> Result<(), Failure> {
        let listeners = || state.inventory.of(LISTENER).map(|(_, listener)| listener);
        let rules = || state.inventory.of(RULE).map(|(_, rule)| rule);
        if resource_type == GROUP
            && listeners()
                .chain(rules())
                .any(|user| names(&user.properties, id))
        {
            return Err(Failure::in_use(format!(
                "Target group '{id}' is currently in use by a listener or a rule"
            )));
        }
        Ok(())
    }
}

fn balancer(state: &State, request: &Request<'_>) -> Result<Physical, Failure> {
    let subnets = request.properties.get("Subnets").and_then(Value::as_array);
    for subnet in subnets.into_iter().flatten().filter_map(Value::as_str) {
        must_exist(state, "AWS::EC2::Subnet", subnet, "subnet")?;
    }
    if subnets.is_some_and(|subnets| subnets.len() < 2) {
        return Err(Failure::invalid(
            "At least two subnets in two different Availability Zones must be specified",
        ));
    }
    let name = request.name("Name", 32);
    if state
        .inventory
        .of(BALANCER)
        .any(|(_, other)| other.attribute("LoadBalancerName") == Some(&name))
    {
        return Err(Failure::exists(format!(
            "A load balancer with the name '{name}' exists already"
        )));
    }
    let full = format!("app/{name}/{}", request.options.ids.hex(16));
    let arn = request.arn("elasticloadbalancing", &format!("loadbalancer/{full}"));
    let port = port(request)?;
    let groups = request
        .properties
        .get("SecurityGroups")
        .cloned()
        .unwrap_or_else(|| Value::Array(Vec::new()));
    Ok(Physical::new(arn.clone())
        .with("LoadBalancerArn", arn)
        .with("LoadBalancerFullName", full)
        .with("LoadBalancerName", name)
        .with("DNSName", format!("localhost:{port}"))
        .with("CanonicalHostedZoneID", "Z1H1FL5HABSF5")
        .with("SecurityGroups", groups)
        .with(PORT, port))
}

fn group(state: &State, request: &Request<'_>) -> Result<Physical, Failure> {
    if let Some(vpc) = request.text("VpcId") {
        must_exist(state, "AWS::EC2::VPC", &vpc, "vpc")?;
    }
    let name = request.name("Name", 32);
    if state
        .inventory
        .of(GROUP)
        .any(|(_, other)| other.attribute("TargetGroupName") == Some(&name))
    {
        return Err(Failure::exists(format!(
            "A target group with the name '{name}' exists already"
        )));
    }
    let full = format!("targetgroup/{name}/{}", request.options.ids.hex(16));
    let arn = request.arn("elasticloadbalancing", &full);
    Ok(Physical::new(arn.clone())
        .with("TargetGroupArn", arn)
        .with("TargetGroupFullName", full)
        .with("TargetGroupName", name)
        .with("LoadBalancerArns", Value::Array(Vec::new())))
}

fn listener(state: &State, request: &Request<'_>) -> Result<Physical, Failure> {
    let balancer = request.required("LoadBalancerArn")?;
    let recorded = state
        .inventory
        .get(BALANCER, &balancer)
        .ok_or_else(|| Failure::not_found(format!("Load balancer '{balancer}' not found")))?;
    let siblings = || {
        let listeners = state.inventory.of(LISTENER).map(|(_, listener)| listener);
        listeners.filter(|listener| listener.text("LoadBalancerArn") == Some(&balancer))
    };
    let declared = request.text("Port");
    if siblings().any(|other| {
        other
            .properties
            .get("Port")
            .and_then(super::family::text_of)
            == declared
    }) {
        return Err(Failure::exists(
            "A listener already exists on this port for this load balancer",
        ));
    }
    let first = recorded.attributes.get(PORT).cloned();
    let taken = siblings().any(|other| other.attributes.get(PORT) == first.as_ref());
    let port = match first {
        Some(port) if !taken => port,
        _ => port(request)?.into(),
    };
    let path = balancer.replacen(":loadbalancer/", ":listener/", 1);
    let arn = format!("{path}/{}", request.options.ids.hex(16));
    Ok(Physical::new(arn.clone())
        .with("ListenerArn", arn)
        .with(PORT, port))
}

fn rule(state: &State, request: &Request<'_>) -> Result<Physical, Failure> {
    let listener = request.required("ListenerArn")?;
    if state.inventory.get(LISTENER, &listener).is_none() {
        return Err(Failure::not_found(format!(
            "Listener '{listener}' not found"
        )));
    }
    let priority = request.text("Priority");
    let mut rules = state.inventory.of(RULE);
    if rules.any(|(_, other)| {
        other.text("ListenerArn") == Some(&listener)
            && other
                .properties
                .get("Priority")
                .and_then(super::family::text_of)
                == priority
    }) {
        return Err(Failure::exists(format!(
            "Priority '{}' is currently in use",
            priority.unwrap_or_default()
        )));
    }
    let path = listener.replacen(":listener/", ":listener-rule/", 1);
    let arn = format!("{path}/{}", request.options.ids.hex(16));
    Ok(Physical::new(arn.clone())
        .with("RuleArn", arn)
        .with("IsDefault", false))
}

fn port(request: &Request<'_>) -> Result<u16, Failure> {
    (request.options.ports)(None)
        .map_err(|error| Failure::invalid(format!("no port is free on this machine: {error}")))
}

/// Target groups that actions name must exist.
fn check_groups(state: &State, request: &Request<'_>) -> Result<(), Failure> {
    let actions = ["Actions", "DefaultActions"]
        .iter()
        .filter_map(|name| request.properties.get(name)?.as_array());
    for action in actions.flatten() {
        for group in groups_of(action) {
            if state.inventory.get(GROUP, group).is_none() {
                return Err(Failure::not_found(format!(
                    "One or more target groups not found: '{group}'"
                )));
            }
        }
    }
    Ok(())
}

/// The target groups that an action forwards to.
pub(in crate::account) fn groups_of(action: &Value) -> Vec<&str> {
    let plain = action.get("TargetGroupArn").and_then(Value::as_str);
    let weighted = action
        .get("ForwardConfig")
        .and_then(|config| config.get("TargetGroups")?.as_array());
    let weighted = weighted
        .into_iter()
        .flatten()
        .filter_map(|group| group.get("TargetGroupArn")?.as_str());
    plain.into_iter().chain(weighted).collect()
}

fn names(properties: &Value, group: &str) -> bool {
    let actions = ["Actions", "DefaultActions"]
        .iter()
        .filter_map(|name| properties.get(name)?.as_array());
    actions
        .flatten()
        .any(|action| groups_of(action).contains(&group))
}
