//! Load balancers, their listeners, rules and target groups.

use super::publish::{running, text};
use crate::account::desired::{
    DesiredListener, DesiredLoadBalancer, DesiredRule, DesiredTargetGroup, RuleAction, Target,
    TargetHealthCheck,
};
use crate::account::inventory::Recorded;
use crate::account::resources::{PORT, groups_of, number_of, text_of};
use crate::account::store::State;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

const BALANCER: &str = "AWS::ElasticLoadBalancingV2::LoadBalancer";
const GROUP: &str = "AWS::ElasticLoadBalancingV2::TargetGroup";
const LISTENER: &str = "AWS::ElasticLoadBalancingV2::Listener";
const RULE: &str = "AWS::ElasticLoadBalancingV2::ListenerRule";

/// All load balancers.
pub(super) fn load_balancers(state: &State) -> Vec<Arc<DesiredLoadBalancer>> {
    let balancers = state.inventory.of(BALANCER);
    balancers
        .map(|(arn, recorded)| Arc::new(load_balancer(state, arn, recorded)))
        .collect()
}

fn load_balancer(state: &State, arn: &str, recorded: &Recorded) -> DesiredLoadBalancer {
    let listeners = state
        .inventory
        .of(LISTENER)
        .filter(|(_, listener)| listener.text("LoadBalancerArn") == Some(arn));
    let mut listeners: Vec<_> = listeners
        .filter_map(|(arn, recorded)| listener(state, arn, recorded))
        .collect();
    listeners.sort_by_key(|listener| listener.declared_port);
    let rules = listeners.iter().flat_map(|listener| &listener.rules);
    let groups: BTreeSet<&str> = rules
        .filter_map(|rule| match &rule.action {
            RuleAction::Forward { target_group } => Some(target_group.as_str()),
            RuleAction::Fixed { .. } => None,
        })
        .collect();
    DesiredLoadBalancer {
        arn: arn.to_owned(),
        name: recorded
            .attribute("LoadBalancerName")
            .unwrap_or_default()
            .to_owned(),
        target_groups: groups
            .into_iter()
            .filter_map(|group| target_group(state, group))
            .collect(),
        listeners,
    }
}

fn listener(state: &State, arn: &str, recorded: &Recorded) -> Option<DesiredListener> {
    let port = |value: &Value| u16::try_from(number_of(value)?).ok();
    let rules = state
        .inventory
        .of(RULE)
        .filter(|(_, rule)| rule.text("ListenerArn") == Some(arn));
    let mut rules: Vec<(u64, DesiredRule)> = rules
        .filter_map(|(_, rule)| {
            let priority = rule
                .properties
                .get("Priority")
                .and_then(number_of)
                .unwrap_or(u64::MAX);
            Some((priority, conditional(&rule.properties)?))
        })
        .collect();
    rules.sort_by_key(|(priority, _)| *priority);
    let default = action(&recorded.properties, "DefaultActions").map(|action| DesiredRule {
        path_patterns: Vec::new(),
        host_patterns: Vec::new(),
        action,
    });
    Some(DesiredListener {
        arn: arn.to_owned(),
        declared_port: recorded.properties.get("Port").and_then(port).unwrap_or(80),
        port: recorded.attributes.get(PORT).and_then(port)?,
        rules: rules
            .into_iter()
            .map(|(_, rule)| rule)
            .chain(default)
            .collect(),
    })
}

fn conditional(properties: &Value) -> Option<DesiredRule> {
    Some(DesiredRule {
        path_patterns: patterns(properties, "path-pattern", "PathPatternConfig"),
        host_patterns: patterns(properties, "host-header", "HostHeaderConfig"),
        action: action(properties, "Actions")?,
    })
}

/// The values of the conditions on one field, in both ways to write them.
fn patterns(properties: &Value, field: &str, config: &str) -> Vec<String> {
    let conditions = properties
        .get("Conditions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let values = |condition: &Value| -> Vec<String> {
        let inside = condition
            .get(config)
            .and_then(|config| config.get("Values"));
        let values = inside
            .or_else(|| condition.get("Values"))
            .and_then(Value::as_array);
        values.into_iter().flatten().filter_map(text_of).collect()
    };
    conditions
        .filter(|condition| text(condition, "Field") == Some(field))
        .flat_map(values)
        .collect()
}

/// What a rule does in the end; authentication, which may come before, has
/// no effect here.
fn action(properties: &Value, name: &str) -> Option<RuleAction> {
    let actions = properties.get(name)?.as_array()?;
    let order = |action: &&Value| action.get("Order").and_then(number_of).unwrap_or(0);
    let last = actions.iter().max_by_key(order)?;
    Some(match groups_of(last).first() {
        Some(group) => RuleAction::Forward {
            target_group: (*group).to_owned(),
        },
        None => fixed(last),
    })
}

fn fixed(action: &Value) -> RuleAction {
    let answer = ["FixedResponseConfig", "RedirectConfig"]
        .iter()
        .find_map(|config| action.get(config));
    let field = |name: &str| answer.and_then(|answer| text_of(answer.get(name)?));
    let status =
        field("StatusCode").and_then(|status| status.trim_start_matches("HTTP_").parse().ok());
    RuleAction::Fixed {
        status: status.unwrap_or(503),
        content_type: field("ContentType").unwrap_or_else(|| "text/plain".to_owned()),
        body: field("MessageBody").unwrap_or_default(),
    }
}

fn target_group(state: &State, arn: &str) -> Option<DesiredTargetGroup> {
    let recorded = state.inventory.get(GROUP, arn)?;
    let targets = running(state).filter_map(|task| {
        let service = state.ecs.services.get(&task.spec.service_arn)?;
        let deployment = service
            .deployments
            .iter()
            .find(|deployment| deployment.id == task.deployment)?;
        let (_, port) = deployment
            .target_groups()
            .find(|(group, _)| *group == arn)?;
        Some(Target {
            task_arn: task.spec.task_arn.clone(),
            address: task.spec.address,
            port,
        })
    });
    Some(DesiredTargetGroup {
        arn: arn.to_owned(),
        health_check: health_check(&recorded.properties),
        deregistration_delay: deregistration_delay(&recorded.properties),
        targets: targets.collect(),
    })
}

/// Five minutes when the group does not say.
fn deregistration_delay(properties: &Value) -> u32 {
    let attributes = properties.get("TargetGroupAttributes");
    let attributes = attributes.and_then(Value::as_array).into_iter().flatten();
    let mut delays = attributes
        .filter(|it| text(it, "Key") == Some("deregistration_delay.timeout_seconds"))
        .filter_map(|it| u32::try_from(number_of(it.get("Value")?)?).ok());
    delays.next().unwrap_or(300)
}

fn health_check(properties: &Value) -> TargetHealthCheck {
    let number = |name: &str, default: u32| {
        let found = properties.get(name).and_then(number_of);
        found
            .and_then(|found| u32::try_from(found).ok())
            .unwrap_or(default)
    };
    let matcher = properties
        .get("Matcher")
        .and_then(|matcher| text_of(matcher.get("HttpCode")?));
    TargetHealthCheck {
        path: text(properties, "HealthCheckPath")
            .unwrap_or("/")
            .to_owned(),
        port: properties
            .get("HealthCheckPort")
            .and_then(number_of)
            .and_then(|port| u16::try_from(port).ok()),
        interval: number("HealthCheckIntervalSeconds", 30),
        timeout: number("HealthCheckTimeoutSeconds", 5),
        healthy: number("HealthyThresholdCount", 5),
        unhealthy: number("UnhealthyThresholdCount", 2),
        matcher: matcher.unwrap_or_else(|| "200".to_owned()),
    }
}
