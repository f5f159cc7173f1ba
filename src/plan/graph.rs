//! The order of steps.

use std::collections::{BTreeMap, BTreeSet};

use super::{Step, StepId};

/// Steps that wait for each other in a circle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("steps need each other in a circle: {}", .names.join(" -> "))]
pub struct Cycle {
    /// The circle; its first name is its last.
    pub names: Vec<String>,
}

/// Puts steps into an order in which each comes after all that it needs.
///
/// Among those that could come next, the one given first comes first, so that
/// the same steps always come in the same order. Needs that no step of the
/// list answers are dropped.
pub fn order(mut steps: Vec<Step>) -> Result<Vec<Step>, Cycle> {
    let known: BTreeSet<StepId> = steps.iter().map(|step| step.id.clone()).collect();
    for step in &mut steps {
        step.needs.retain(|need| known.contains(need));
    }
    let mut ordered: Vec<Step> = Vec::with_capacity(steps.len());
    let mut done: BTreeSet<StepId> = BTreeSet::new();
    while !steps.is_empty() {
        let Some(next) = steps.iter().position(|step| step.needs.is_subset(&done)) else {
            return Err(circle(&steps));
        };
        let step = steps.remove(next);
        done.insert(step.id.clone());
        ordered.push(step);
    }
    Ok(ordered)
}

/// Follows needs among steps that all wait, until one comes up again.
fn circle(stuck: &[Step]) -> Cycle {
    let needs: BTreeMap<&StepId, &StepId> = stuck
        .iter()
        .filter_map(|step| {
            let next = step
                .needs
                .iter()
                .find(|need| stuck.iter().any(|other| other.id == **need))?;
            Some((&step.id, next))
        })
        .collect();
    let mut path: Vec<&StepId> = Vec::new();
    let mut at = stuck.first().map(|step| &step.id);
    while let Some(id) = at {
        if let Some(start) = path.iter().position(|seen| *seen == id) {
            path.push(id);
            return Cycle {
                names: path[start..].iter().map(ToString::to_string).collect(),
            };
        }
        path.push(id);
        at = needs.get(id).copied();
    }
    Cycle {
        names: path.iter().map(ToString::to_string).collect(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;
    use crate::plan::Action;

    fn id(n: usize) -> StepId {
        StepId::Stack(format!("s{n:02}").parse().unwrap())
    }

    fn step(n: usize, needs: &[usize]) -> Step {
        Step {
            id: id(n),
            needs: needs.iter().map(|n| id(*n)).collect(),
            action: Action::Create,
        }
    }

    #[test]
    fn a_circle_is_named() {
        let steps = vec![step(0, &[]), step(1, &[0, 3]), step(2, &[1]), step(3, &[2])];
        assert_eq!(
            order(steps).unwrap_err().to_string(),
            "steps need each other in a circle: s01 -> s03 -> s02 -> s01"
        );
    }

    #[test]
    fn needs_that_nobody_answers_are_dropped() {
        assert_eq!(
            order(vec![step(1, &[7])]).unwrap()[0].needs,
            BTreeSet::new()
        );
    }

    proptest! {
        #[test]
        fn each_step_comes_after_its_needs(edges in proptest::collection::vec((0usize..12, 0usize..12), 0..40)) {
            // Only edges to smaller numbers: no circle.
            let steps: Vec<Step> = (0..12).rev().map(|n| {
                let needs: Vec<usize> = edges.iter().filter(|(a, b)| *a == n && b < a).map(|(_, b)| *b).collect();
                step(n, &needs)
            }).collect();
            let ordered = order(steps.clone()).unwrap();
            prop_assert_eq!(ordered.len(), 12);
            for (place, step) in ordered.iter().enumerate() {
                for need in &step.needs {
                    prop_assert!(ordered[..place].iter().any(|s| s.id == *need));
                }
            }
            prop_assert_eq!(order(steps).unwrap(), ordered);
        }
    }
}
