//! Reads the properties of a task definition.

use super::init_container;
use crate::account::desired::{ContainerHealthCheck, DesiredContainer, Redirection};
use crate::account::resources::{number_of, text_of, truth_of};
use serde_json::Value;

/// Where a sidecar's mesh resource stands.
const MESH_RESOURCE: &str = "APPMESH_RESOURCE_ARN";
/// Where it stood before.
const MESH_RESOURCE_BEFORE: &str = "APPMESH_VIRTUAL_NODE_NAME";

/// What a task is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definition {
    /// The containers in their order.
    pub containers: Vec<DesiredContainer>,
    /// The mesh resource of the sidecar.
    pub mesh_resource: Option<String>,
    /// The name of the sidecar.
    pub proxy_container: Option<String>,
    /// What is redirected to it.
    pub redirection: Option<Redirection>,
    /// The name of the container that comes first and does that, where ECS
    /// does not.
    pub redirecting_container: Option<String>,
    /// `x86_64` or `arm64`.
    pub architecture: Option<String>,
}

/// Says what is wrong with a task definition.
pub fn check(properties: &Value) -> Result<(), String> {
    parse(properties).map(|_| ())
}

/// Reads a task definition.
pub fn parse(properties: &Value) -> Result<Definition, String> {
    let containers = list(properties, "ContainerDefinitions")
        .map(container)
        .collect::<Result<Vec<_>, _>>()?;
    check_containers(&containers)?;
    let proxy = containers
        .iter()
        .find_map(|container| Some((container, mesh_resource(container)?)));
    let configured = properties.get("ProxyConfiguration");
    let named = configured.and_then(|proxy| text(proxy, "ContainerName"));
    let envoy = containers.iter().find(|container| is_envoy(container));
    let redirecting = init_container::redirecting(properties, &containers);
    Ok(Definition {
        mesh_resource: proxy.as_ref().map(|(_, resource)| resource.clone()),
        proxy_container: named
            .or_else(|| Some(proxy?.0.name.clone()))
            .or_else(|| Some(envoy?.name.clone())),
        redirection: configured
            .map(redirection)
            .or_else(|| redirecting.map(init_container::redirection)),
        redirecting_container: redirecting.map(|container| container.name.clone()),
        architecture: properties
            .get("RuntimePlatform")
            .and_then(|platform| text(platform, "CpuArchitecture"))
            .map(|architecture| architecture.to_lowercase()),
        containers,
    })
}

fn check_containers(containers: &[DesiredContainer]) -> Result<(), String> {
    if containers.is_empty() {
        return Err("Container list cannot be empty.".to_owned());
    }
    if !containers.iter().any(|container| container.essential) {
        return Err("A task definition must have at least one essential container.".to_owned());
    }
    for (index, container) in containers.iter().enumerate() {
        if containers[..index]
            .iter()
            .any(|other| other.name == container.name)
        {
            return Err(format!(
                "Container name '{}' is duplicated.",
                container.name
            ));
        }
        for (on, _) in &container.depends_on {
            let other = containers.iter().find(|other| other.name == *on);
            if on == &container.name || other.is_none() {
                return Err(format!(
                    "Container '{}' has a dependency on the unknown container '{on}'.",
                    container.name
                ));
            }
        }
        init_container::check(container, containers)?;
        if let Some((on, _)) = container.depends_on.iter().find(|(on, condition)| {
            let unchecked =
                |other: &&DesiredContainer| other.name == *on && other.health_check.is_none();
            condition == "HEALTHY" && containers.iter().any(|other| unchecked(&other))
        }) {
            return Err(format!(
                "Container '{}' depends on '{on}' being HEALTHY, which has no health check.",
                container.name
            ));
        }
    }
    Ok(())
}

fn container(properties: &Value) -> Result<DesiredContainer, String> {
    let required = |name: &str, shown: &str| {
        let found = text(properties, name).filter(|text| !text.is_empty());
        found.ok_or_else(|| format!("Container.{shown} should not be null or empty."))
    };
    Ok(DesiredContainer {
        name: required("Name", "name")?,
        image: required("Image", "image")?,
        environment: list(properties, "Environment")
            .filter_map(|entry| {
                Some((
                    text(entry, "Name")?,
                    text(entry, "Value").unwrap_or_default(),
                ))
            })
            .collect(),
        user: text(properties, "User"),
        read_only: flag(properties, "ReadonlyRootFilesystem", false),
        ports: ports(properties)?,
        command: texts(properties, "Command"),
        entry_point: texts(properties, "EntryPoint"),
        health_check: properties
            .get("HealthCheck")
            .filter(|check| check.is_object())
            .and_then(health_check),
        essential: flag(properties, "Essential", true),
        depends_on: list(properties, "DependsOn")
            .filter_map(|entry| Some((text(entry, "ContainerName")?, text(entry, "Condition")?)))
            .collect(),
        stop_timeout: properties
            .get("StopTimeout")
            .and_then(number_of)
            .and_then(|seconds| u32::try_from(seconds).ok()),
    })
}

fn ports(properties: &Value) -> Result<Vec<u16>, String> {
    let given = list(properties, "PortMappings").filter_map(|mapping| mapping.get("ContainerPort"));
    given
        .map(|port| {
            let number = number_of(port).and_then(|port| u16::try_from(port).ok());
            number.ok_or_else(|| format!("Invalid 'containerPort' setting for container: {port}"))
        })
        .collect()
}

fn health_check(properties: &Value) -> Option<ContainerHealthCheck> {
    let command = texts(properties, "Command");
    if matches!(command.first().map(String::as_str), None | Some("NONE")) {
        return None;
    }
    let number = |name: &str, default: u32| {
        let found = properties.get(name).and_then(number_of);
        found
            .and_then(|found| u32::try_from(found).ok())
            .unwrap_or(default)
    };
    Some(ContainerHealthCheck {
        command,
        interval: number("Interval", 30),
        timeout: number("Timeout", 5),
        retries: number("Retries", 3),
        start_period: number("StartPeriod", 0),
    })
}

/// The mesh resource that a container is the Envoy of, without what stands
/// before `mesh/` in an ARN.
fn mesh_resource(container: &DesiredContainer) -> Option<String> {
    let value = |wanted: &str| {
        let found = container
            .environment
            .iter()
            .find(|(name, _)| name == wanted);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    };
    let value = value(MESH_RESOURCE).or_else(|| value(MESH_RESOURCE_BEFORE))?;
    Some(match value.split_once(":mesh/") {
        Some((_, path)) => format!("mesh/{path}"),
        None => value.to_owned(),
    })
}

/// Whether a container says itself that it is a proxy.
fn is_envoy(container: &DesiredContainer) -> bool {
    let program = container.entry_point.first();
    program.is_some_and(|program| program.rsplit('/').next() == Some("envoy"))
}

fn redirection(proxy: &Value) -> Redirection {
    let value = |wanted: &str| {
        let mut all = list(proxy, "ProxyConfigurationProperties");
        let found = all.find(|pair| text(pair, "Name").as_deref() == Some(wanted));
        found.and_then(|pair| text(pair, "Value"))
    };
    let port = |name: &str| value(name)?.trim().parse().ok();
    let ports = value("AppPorts").unwrap_or_default();
    Redirection {
        ingress_port: port("ProxyIngressPort"),
        egress_port: port("ProxyEgressPort"),
        app_ports: ports
            .split(',')
            .filter_map(|port| port.trim().parse().ok())
            .collect(),
    }
}

pub(super) fn list<'a>(
    properties: &'a Value,
    name: &str,
) -> impl Iterator<Item = &'a Value> + use<'a> {
    properties
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

pub(super) fn text(properties: &Value, name: &str) -> Option<String> {
    text_of(properties.get(name)?)
}

fn texts(properties: &Value, name: &str) -> Vec<String> {
    list(properties, name).filter_map(text_of).collect()
}

fn flag(properties: &Value, name: &str, default: bool) -> bool {
    properties.get(name).and_then(truth_of).unwrap_or(default)
}
