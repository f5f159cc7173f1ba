//! What the colour app is told of the external services.

use std::fmt::Write as _;

use crate::config::{Caller, Config, ExternalService, MeshRuntime, Target};

/// Longest value of one variable. The kernel takes 128 KiB; a quarter of it
/// leaves room for whoever passes it on.
const LONGEST_VALUE: usize = 32 * 1024;

/// The longest list that stands in a task definition, of which ECS takes
/// 64 KB, beside Envoy's configuration. The local endpoint takes any.
const LONGEST_LIST: usize = 6 * 1024;

/// What the colour app's image tells it, because it is too long for its task
/// definition: variables as `NAME=value`.
pub fn image_variables(config: &Config) -> Vec<String> {
    if !is_in_image(config) {
        return Vec::new();
    }
    let variables = variables(config).into_iter();
    variables
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

fn is_in_image(config: &Config) -> bool {
    let local = config.target == Target::Local && config.mesh.runtime != MeshRuntime::Envoy;
    let length = || -> usize {
        let values = variables(config);
        let values = values.iter().map(|(_, value)| value);
        values.map(String::len).sum()
    };
    config.app.image.is_none() && !local && length() > LONGEST_LIST
}

/// The variables that its task definition has, as the lines of a container's
/// `Environment`.
pub(super) fn lines(config: &Config) -> String {
    if is_in_image(config) {
        return String::new();
    }
    lines_of(&variables(config))
}

fn lines_of(variables: &[(String, String)]) -> String {
    let mut lines = String::new();
    for (name, value) in variables {
        write!(
            lines,
            "            - Name: {name}\n              Value: {value}\n"
        )
        .expect("writing to a string succeeds");
    }
    lines
}

/// `EXTERNAL_SERVICES`, `EXTERNAL_SERVICES_2` and so on, and the ports.
fn variables(config: &Config) -> Vec<(String, String)> {
    let services = numbered("EXTERNAL_SERVICES", urls(&config.external_services));
    let ports = numbered("LOCAL_PORTS", ports(&config.external_services));
    services.into_iter().chain(ports).collect()
}

/// What an image of the user's own is told: where on loopback the services
/// are, when nothing leads it there.
pub(super) fn port_lines(config: &Config) -> String {
    lines_of(&numbered("LOCAL_PORTS", ports(&config.external_services)))
}

fn numbered(name: &str, values: Vec<String>) -> Vec<(String, String)> {
    let name = |index| match index {
        0 => name.to_owned(),
        _ => format!("{name}_{}", index + 1),
    };
    let values = values.into_iter().enumerate();
    values.map(|(index, value)| (name(index), value)).collect()
}

/// `name=url` entries. Neither names nor URLs have a character that YAML would
/// read otherwise.
fn urls(services: &[ExternalService]) -> Vec<String> {
    let entry = |service: &ExternalService| Some(format!("{}={}", service.name, service.url()));
    values(services, entry)
}

/// `name=port` entries.
fn ports(services: &[ExternalService]) -> Vec<String> {
    let entry = |service: &ExternalService| {
        let port = service.local_port?;
        Some(format!("{}={port}", service.name))
    };
    values(services, entry)
}

/// Entries with spaces between, in as many values as they need.
fn values(
    services: &[ExternalService],
    entry: impl Fn(&ExternalService) -> Option<String>,
) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    let told = services
        .iter()
        .filter(|service| service.nodes.contains(&Caller::App));
    for entry in told.filter_map(entry) {
        match values.last_mut() {
            Some(value) if value.len() + 1 + entry.len() <= LONGEST_VALUE => {
                value.push(' ');
                value.push_str(&entry);
            }
            _ => values.push(entry),
        }
    }
    values
}
