//! What the colour app is told of the external services.

use std::fmt::Write as _;

use crate::config::{Caller, ExternalService};

/// Longest value of one variable. The kernel takes 128 KiB; a quarter of it
/// leaves room for whoever passes it on.
const LONGEST_VALUE: usize = 32 * 1024;

/// The variables `EXTERNAL_SERVICES`, `EXTERNAL_SERVICES_2` and so on, as the
/// lines of a container's `Environment`.
pub(super) fn variables(services: &[ExternalService]) -> String {
    let mut lines = String::new();
    for (index, value) in values(services).iter().enumerate() {
        let name = match index {
            0 => "EXTERNAL_SERVICES".to_owned(),
            _ => format!("EXTERNAL_SERVICES_{}", index + 1),
        };
        write!(
            lines,
            "            - Name: {name}\n              Value: {value}\n"
        )
        .expect("writing to a string succeeds");
    }
    lines
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
