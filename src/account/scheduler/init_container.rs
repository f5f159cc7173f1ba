//! A container that comes first and installs the redirection that ECS would
//! install for a `ProxyConfiguration`: told by what AWS's image for it reads.

use serde_json::Value;

use super::definition::{list, text};
use crate::account::desired::{DesiredContainer, Redirection};

const CAPABILITY: &str = "NET_ADMIN";
const STARTS: &str = "APPMESH_START_ENABLED";
const INGRESS_PORT: &str = "APPMESH_ENVOY_INGRESS_PORT";
const EGRESS_PORT: &str = "APPMESH_ENVOY_EGRESS_PORT";
const APP_PORTS: &str = "APPMESH_APP_PORTS";

/// Such a container, if all others wait for it to succeed.
pub(super) fn redirecting<'a>(
    properties: &Value,
    containers: &'a [DesiredContainer],
) -> Option<&'a DesiredContainer> {
    let redirects = |container: &&DesiredContainer| {
        let said = |name| variable(container, name);
        let others = containers.iter().filter(|it| it.name != container.name);
        said(STARTS) == Some("1")
            && said(EGRESS_PORT).is_some()
            && !container.essential
            && may_redirect(properties, &container.name)
            && others
                .into_iter()
                .all(|other| waits_for(other, &container.name))
    };
    containers.iter().find(redirects)
}

/// What it leads where.
pub(super) fn redirection(container: &DesiredContainer) -> Redirection {
    let port = |name| variable(container, name)?.trim().parse().ok();
    let ports = variable(container, APP_PORTS).unwrap_or_default();
    Redirection {
        ingress_port: port(INGRESS_PORT),
        egress_port: port(EGRESS_PORT),
        app_ports: ports
            .split(',')
            .filter_map(|port| port.trim().parse().ok())
            .collect(),
    }
}

/// What a task ends with cannot be waited for to end.
pub(super) fn check(
    container: &DesiredContainer,
    containers: &[DesiredContainer],
) -> Result<(), String> {
    for (on, condition) in &container.depends_on {
        let ends = matches!(condition.as_str(), "SUCCESS" | "COMPLETE");
        let other = containers.iter().find(|other| other.name == *on);
        if ends && other.is_some_and(|other| other.essential) {
            return Err(format!(
                "Container '{}' depends on '{on}' being {condition}, which is essential.",
                container.name
            ));
        }
    }
    Ok(())
}

fn waits_for(container: &DesiredContainer, first: &str) -> bool {
    let mut waits = container.depends_on.iter();
    waits.any(|(on, condition)| on == first && condition == "SUCCESS")
}

fn may_redirect(properties: &Value, name: &str) -> bool {
    let mut containers = list(properties, "ContainerDefinitions");
    let container = containers.find(|it| text(it, "Name").as_deref() == Some(name));
    let capabilities = container.and_then(|it| it.pointer("/LinuxParameters/Capabilities"));
    capabilities.is_some_and(|it| list(it, "Add").any(|added| added == CAPABILITY))
}

fn variable<'a>(container: &'a DesiredContainer, wanted: &str) -> Option<&'a str> {
    let mut all = container.environment.iter();
    let found = all.find(|(name, _)| name == wanted);
    found.map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::definition::{Definition, parse};
    use super::*;
    use serde_json::json;

    /// An Envoy and a container before it, told this.
    fn task(first: &Value, condition: &str) -> Value {
        let mut container = json!({
            "Name": "first",
            "Image": "x",
            "Essential": false,
            "LinuxParameters": {"Capabilities": {"Add": ["NET_ADMIN"]}},
            "Environment": [
                {"Name": "APPMESH_START_ENABLED", "Value": "1"},
                {"Name": "APPMESH_ENVOY_INGRESS_PORT", "Value": "15000"},
                {"Name": "APPMESH_ENVOY_EGRESS_PORT", "Value": "15001"},
                {"Name": "APPMESH_APP_PORTS", "Value": "80,8080"},
            ],
        });
        let over = first.as_object().unwrap().clone();
        container.as_object_mut().unwrap().extend(over);
        let envoy = json!({
            "Name": "envoy",
            "Image": "envoy",
            "EntryPoint": ["envoy"],
            "DependsOn": [{"ContainerName": "first", "Condition": condition}],
        });
        json!({ "ContainerDefinitions": [container, envoy] })
    }

    fn read(first: &Value, condition: &str) -> Definition {
        parse(&task(first, condition)).unwrap()
    }

    #[test]
    fn a_first_container_that_may_and_is_told_to_redirects() {
        let definition = read(&json!({}), "SUCCESS");
        assert_eq!(definition.redirecting_container.as_deref(), Some("first"));
        let redirection = definition.redirection.unwrap();
        let ports = (redirection.ingress_port, redirection.egress_port);
        assert_eq!(ports, (Some(15000), Some(15001)));
        assert_eq!(redirection.app_ports, [80, 8080]);
    }

    #[test]
    fn one_that_cannot_or_is_not_waited_for_does_not() {
        let powerless = json!({"LinuxParameters": {"Capabilities": {"Add": ["NET_RAW"]}}});
        let untold = json!({"Environment": []});
        for (first, condition) in [
            (powerless, "SUCCESS"),
            (untold, "SUCCESS"),
            (json!({}), "START"),
        ] {
            let definition = read(&first, condition);
            assert_eq!(definition.redirecting_container, None, "{first}");
            assert_eq!(definition.redirection, None, "{first}");
        }
    }

    #[test]
    fn nobody_waits_for_the_end_of_what_the_task_ends_with() {
        let essential = task(&json!({"Essential": true}), "SUCCESS");
        let error = parse(&essential).unwrap_err();
        assert!(
            error.contains("'first' being SUCCESS, which is essential"),
            "{error}"
        );
        assert!(parse(&task(&json!({"Essential": true}), "START")).is_ok());
    }
}
