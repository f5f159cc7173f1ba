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
