//! The ports of load balancers when an account is opened again.
//!
//! While nobody ran it, another program may have taken one. Then the load
//! balancer moves: its DNS name, which holds the port, changes wherever a stack
//! tells it.

use super::handle::Ports;
use super::resources::{BALANCER, LISTENER, PORT};
use super::store::State;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a port became, by what it was.
type Moved = BTreeMap<u16, u16>;

/// Takes the ports of last time; says whether one had to move.
pub(super) fn take(state: &mut State, ports: &Ports) -> bool {
    let mut moved = Moved::new();
    for resource_type in [BALANCER, LISTENER] {
        let recorded = state.inventory.of(resource_type);
        for old in recorded.filter_map(|(_, recorded)| port(recorded.attributes.get(PORT))) {
            // Without any port there is none to move to: the runtime says so.
            moved
                .entry(old)
                .or_insert_with(|| ports(Some(old)).unwrap_or(old));
        }
    }
    moved.retain(|old, new| old != new);
    if moved.is_empty() {
        return false;
    }
    for resource_type in [BALANCER, LISTENER] {
        move_resources(state, resource_type, &moved);
    }
    move_outputs(state, &moved);
    true
}

fn move_resources(state: &mut State, resource_type: &str, moved: &Moved) {
    let recorded = state.inventory.of(resource_type);
    let changed = recorded.filter_map(|(id, recorded)| {
        let new = *moved.get(&port(recorded.attributes.get(PORT))?)?;
        let mut recorded = (**recorded).clone();
        recorded.attributes.insert(PORT.to_owned(), new.into());
        if let Some(Value::String(name)) = recorded.attributes.get_mut("DNSName") {
            *name = renamed(name, moved);
        }
        Some((id.to_owned(), recorded))
    });
    for (id, recorded) in changed.collect::<Vec<_>>() {
        state.inventory.put(resource_type, &id, recorded);
    }
}

fn move_outputs(state: &mut State, moved: &Moved) {
    for stack in state.cloudformation.stacks.values_mut() {
        if stack
            .outputs
            .iter()
            .any(|output| renamed(&output.value, moved) != output.value)
        {
            for output in &mut stack.make_mut().outputs {
                output.value = renamed(&output.value, moved);
            }
        }
    }
    for export in state.cloudformation.exports.values_mut() {
        export.value = renamed(&export.value, moved);
    }
}

fn port(value: Option<&Value>) -> Option<u16> {
    value?.as_u64()?.try_into().ok()
}

/// The text with each load balancer's name as it is now.
fn renamed(text: &str, moved: &Moved) -> String {
    const HOST: &str = "localhost:";
    let mut parts = text.split(HOST);
    let mut renamed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        let new = number.parse().ok().and_then(|old| moved.get(&old));
        let number = new.map_or_else(|| number.to_owned(), u16::to_string);
        renamed.push_str(&format!("{HOST}{number}{rest}"));
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ports_that_moved_are_renamed_and_each_once() {
        let moved = Moved::from([(80, 81), (81, 90)]);
        for (text, expected) in [
            ("http://localhost:80", "http://localhost:81"),
            (
                "localhost:81/a,localhost:80/b",
                "localhost:90/a,localhost:81/b",
            ),
            ("localhost:8080", "localhost:8080"),
            ("remotehost:80", "remotehost:80"),
            ("localhost:", "localhost:"),
        ] {
            assert_eq!(renamed(text, &moved), expected);
        }
    }
}
