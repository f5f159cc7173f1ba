//! Resources that go in one stack and come in another: to CloudFormation these
//! are two resources, so what moves is made anew.

use std::collections::BTreeMap;

use serde::Serialize;

use super::compare::{ChangeKind, read};
use super::{Action, Change, Step, StepId};
use crate::stack::{RenderedStack, StackName};

/// A resource that moves from one stack to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    /// Its name, in both.
    pub logical_id: String,
    /// Its type, in both.
    pub resource_type: String,
    /// The stack that loses it.
    pub from: String,
    /// The stack that gets it.
    pub to: String,
}

/// What moves, in the order of the stacks that lose it.
pub(super) fn moves(steps: &[Step], rendered: &BTreeMap<StackName, RenderedStack>) -> Vec<Move> {
    let going = changed(steps, ChangeKind::Remove);
    if going.is_empty() {
        return Vec::new();
    }
    let mut coming = changed(steps, ChangeKind::Add);
    for step in steps.iter().filter(|step| step.action == Action::Create) {
        if let StepId::Stack(name) = &step.id {
            coming.extend(rendered.get(name).into_iter().flat_map(resources));
        }
    }
    let coming: BTreeMap<_, String> = coming
        .into_iter()
        .map(|(id, resource_type, stack)| ((id, resource_type), stack))
        .collect();
    let moved = going.into_iter().filter_map(|(id, resource_type, from)| {
        let to = coming.get(&(id.clone(), resource_type.clone()))?.clone();
        Some(Move {
            logical_id: id,
            resource_type,
            from,
            to,
        })
    });
    moved.filter(|each| each.from != each.to).collect()
}

/// Logical id, type and stack.
type Found = (String, String, String);

/// The resources of stacks that stand already.
fn changed(steps: &[Step], wanted: ChangeKind) -> Vec<Found> {
    let mut found = Vec::new();
    for step in steps {
        let (Action::Update { changes } | Action::MayUpdate { changes }) = &step.action else {
            continue;
        };
        for change in changes {
            if let Change::Resource {
                kind,
                logical_id,
                resource_type,
                ..
            } = change
                && *kind == wanted
            {
                found.push((
                    logical_id.clone(),
                    resource_type.clone(),
                    step.id.to_string(),
                ));
            }
        }
    }
    found
}

fn resources(stack: &RenderedStack) -> Vec<Found> {
    let template = read(&stack.template).unwrap_or_default();
    let resources = template["Resources"].as_object().cloned();
    let resources = resources.unwrap_or_default().into_iter();
    let found = resources.map(|(id, resource)| {
        let resource_type = resource["Type"].as_str().unwrap_or_default();
        (id, resource_type.to_owned(), stack.name.to_string())
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use crate::plan::samples::{deployed, rendered, wishes};
    use crate::plan::{Deployed, Plan};
    use crate::stack::{RenderedStack, Role};

    fn moves(before: &[RenderedStack], after: Vec<RenderedStack>) -> Vec<String> {
        let mut there = Deployed::default();
        for stack in before {
            let stands = deployed(stack, "CREATE_COMPLETE");
            there.stacks.insert(stack.name.clone(), stands);
        }
        let plan = Plan::up(after, &there, &wishes()).unwrap();
        let text = |each: &crate::plan::Move| {
            format!(
                "{} {}: {} -> {}",
                each.resource_type, each.logical_id, each.from, each.to
            )
        };
        plan.moves.iter().map(text).collect()
    }

    const BOTH: &str = "Resources: {A: {Type: T::A}, B: {Type: T::B}, C: {Type: T::C}}";
    const ONE: &str = "Resources: {A: {Type: T::A}}";
    // The name of `C`, but another type, is another thing.
    const OTHERS: &str = "Resources: {B: {Type: T::B}, C: {Type: T::D}}";

    #[test]
    fn what_goes_here_and_comes_there_moves() {
        let vpc = |template| rendered("e-vpc", Role::Vpc, template);
        let nat = |template| rendered("e-nat", Role::Nat, template);
        let moved = ["T::B B: e-vpc -> e-nat"];
        // Into a new stack, and into one that stands.
        assert_eq!(moves(&[vpc(BOTH)], vec![vpc(ONE), nat(OTHERS)]), moved);
        let before = [vpc(BOTH), nat(ONE)];
        assert_eq!(moves(&before, vec![vpc(ONE), nat(OTHERS)]), moved);
        // The same name in two stacks is no move, nor is what only comes or goes.
        let same = [vpc(BOTH), nat(OTHERS)];
        assert_eq!(moves(&same, vec![vpc(ONE), nat(OTHERS)]), [""; 0]);
        assert_eq!(moves(&[vpc(BOTH)], vec![vpc(ONE)]), [""; 0]);
        assert_eq!(moves(&[], vec![vpc(ONE), nat(OTHERS)]), [""; 0]);
    }
}
