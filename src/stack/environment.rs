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
    let variables = variables(&config.external_services).into_iter();
    variables
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

fn is_in_image(config: &Config) -> bool {
    let local = config.target == Target::Local && config.mesh.runtime != MeshRuntime::Envoy;
    let length = || -> usize {
        let values = values(&config.external_services);
        values.iter().map(String::len).sum()
    };
    config.app.image.is_none() && !local && length() > LONGEST_LIST
}

/// The variables that its task definition has, as the lines of a container's
/// `Environment`.
pub(super) fn lines(config: &Config) -> String {
    if is_in_image(config) {
        return String::new();
    }
    let mut lines = String::new();
    for (name, value) in variables(&config.external_services) {
        write!(
            lines,
            "            - Name: {name}\n              Value: {value}\n"
        )
        .expect("writing to a string succeeds");
    }
    lines
}

/// `EXTERNAL_SERVICES`, `EXTERNAL_SERVICES_2` and so on.
fn variables(services: &[ExternalService]) -> Vec<(String, String)> {
    let name = |index| match index {
        0 => "EXTERNAL_SERVICES".to_owned(),
        _ => format!("EXTERNAL_SERVICES_{}", index + 1),
    };
    let values = values(services).into_iter().enumerate();
    values.map(|(index, value)| (name(index), value)).collect()
}

/// `name=url` entries with spaces between. Neither names nor URLs have a
/// character that YAML would read otherwise.
fn values(services: &[ExternalService]) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    let told = services
        .iter()
        .filter(|service| service.nodes.contains(&Caller::App));
    for service in told {
        let entry = format!("{}={}", service.name, service.url());
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
