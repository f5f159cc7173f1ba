//! The load balancers that the account wants, as the runtime makes them.

use std::time::Duration;

use crate::account::desired::{
    DesiredListener, DesiredLoadBalancer, DesiredTargetGroup, RuleAction,
};
use crate::runtime::{
    Action, HealthCheck, LoadBalancerId, LoadBalancerSpec, Rule, TargetGroupId, TargetGroupSpec,
    TaskId,
};

/// One for each listener: each has a port of its own.
pub(super) fn balancers(balancer: &DesiredLoadBalancer) -> impl Iterator<Item = LoadBalancerSpec> {
    let listeners = balancer.listeners.iter();
    listeners.map(|listener| listener_spec(listener, &balancer.target_groups))
}

fn listener_spec(listener: &DesiredListener, groups: &[DesiredTargetGroup]) -> LoadBalancerSpec {
    let rules = listener.rules.iter().map(|rule| Rule {
        paths: if rule.path_patterns.is_empty() {
            vec!["*".to_owned()]
        } else {
            rule.path_patterns.clone()
        },
        action: action(&rule.action),
    });
    let groups = groups
        .iter()
        .map(|group| (TargetGroupId::new(&group.arn), target_group(group)));
    LoadBalancerSpec {
        id: LoadBalancerId::new(&listener.arn),
        port: Some(listener.port),
        rules: rules.collect(),
        default: Action::Fixed {
            status: 404,
            content_type: "text/plain".to_owned(),
            body: String::new(),
        },
        target_groups: groups.collect(),
    }
}

fn action(action: &RuleAction) -> Action {
    match action {
        RuleAction::Forward { target_group } => Action::Forward(TargetGroupId::new(target_group)),
        RuleAction::Fixed {
            status,
            content_type,
            body,
        } => Action::Fixed {
            status: *status,
            content_type: content_type.clone(),
            body: body.clone(),
        },
    }
}

fn target_group(group: &DesiredTargetGroup) -> TargetGroupSpec {
    let check = &group.health_check;
    let seconds = |seconds: u32| Duration::from_secs(seconds.max(1).into());
    let targets = group
        .targets
        .iter()
        .map(|target| (TaskId::new(&target.task_arn), target.port));
    TargetGroupSpec {
        targets: targets.collect(),
        health_check: HealthCheck {
            path: check.path.clone(),
            port: check.port,
            interval: seconds(check.interval),
            timeout: seconds(check.timeout),
            healthy: check.healthy,
            unhealthy: check.unhealthy,
            statuses: statuses(&check.matcher),
        },
        deregistration_delay: Duration::from_secs(group.deregistration_delay.into()),
    }
}

/// `200`, `200,204` or `200-299` as ranges.
fn statuses(matcher: &str) -> Vec<(u16, u16)> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
    };
    let ranges: Vec<(u16, u16)> = matcher.split(',').filter_map(range).collect();
    if ranges.is_empty() {
        vec![(200, 200)]
    } else {
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_are_ranges() {
        assert_eq!(statuses("200"), [(200, 200)]);
        assert_eq!(statuses("200-299,301"), [(200, 299), (301, 301)]);
        assert_eq!(statuses(""), [(200, 200)]);
    }
}
