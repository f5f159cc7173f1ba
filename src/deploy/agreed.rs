//! What somebody agreed to lose.

use std::collections::BTreeSet;

use super::holds_data::Loss;
use crate::stack::StackName;

/// The resources whose data may be lost: these and no others, however the run
/// goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agreed(BTreeSet<(StackName, String, Option<String>)>);

// === impl Agreed ===

impl Agreed {
    pub(super) fn add(&mut self, stack: &StackName, loss: &Loss) {
        self.0.insert(key(stack, loss));
    }

    pub(super) fn has(&self, stack: &StackName, loss: &Loss) -> bool {
        self.0.contains(&key(stack, loss))
    }
}

fn key(stack: &StackName, loss: &Loss) -> (StackName, String, Option<String>) {
    let Loss {
        logical_id,
        physical_id,
        ..
    } = loss;
    (stack.clone(), logical_id.clone(), physical_id.clone())
}
