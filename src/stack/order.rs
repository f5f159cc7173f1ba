//! Which stack needs which, and an order that respects it.

use std::collections::{BTreeMap, BTreeSet};

use super::{RenderedStack, Role, StackName};

/// For each stack, the stacks that must be complete before it.
///
/// A value that no stack here exports is no need: it may stand in the account
/// already.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs(pub BTreeMap<StackName, BTreeSet<StackName>>);

/// The stacks, each after those that it needs; among free ones the order
/// given is kept. Reversed, it is an order to delete in.
pub fn order(stacks: &[RenderedStack]) -> Vec<StackName> {
    let mut needs = Needs::of(stacks).0;
    let mut waiting: Vec<&StackName> = stacks.iter().map(|stack| &stack.name).collect();
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let next = waiting
            .iter()
            .position(|name| needs.get(*name).is_none_or(BTreeSet::is_empty))
            .expect("our templates import in no circle");
        let name = waiting.remove(next).clone();
        for others in needs.values_mut() {
            others.remove(&name);
        }
        ordered.push(name);
    }
    ordered
}

// === impl Needs ===

impl Needs {
    /// Inferred from exports and imports, and what the roles declare.
    pub fn of(stacks: &[RenderedStack]) -> Self {
        let exporters: BTreeMap<&str, &StackName> = stacks
            .iter()
            .flat_map(|stack| {
                stack
                    .exports
                    .iter()
                    .map(|name| (name.as_str(), &stack.name))
            })
            .collect();
        let by_role: BTreeMap<Role, &StackName> = stacks
            .iter()
            .map(|stack| (stack.role, &stack.name))
            .collect();
        let needs_of = |stack: &RenderedStack| {
            let imported = stack
                .imports
                .iter()
                .filter_map(|name| exporters.get(name.as_str()));
            let declared = stack
                .role
                .declared_needs()
                .iter()
                .filter_map(|role| by_role.get(role));
            imported
                .chain(declared)
                .filter(|name| **name != &stack.name)
                .map(|name| (*name).clone())
                .collect()
        };
        Self(
            stacks
                .iter()
                .map(|stack| (stack.name.clone(), needs_of(stack)))
                .collect(),
        )
    }

    /// What the stack needs.
    pub fn of_stack(&self, name: &StackName) -> impl Iterator<Item = &StackName> {
        self.0.get(name).into_iter().flatten()
    }
}
