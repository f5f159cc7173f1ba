//! Which steps may start.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{Step, StepId};

/// The steps of a plan by how far they are. A step is waiting, then running,
/// then done or failed; or it is skipped, because one that it needs failed.
#[derive(Debug, Clone)]
pub(super) struct ReadySet {
    waiting: BTreeMap<StepId, BTreeSet<StepId>>,
    running: BTreeSet<StepId>,
}

// === impl ReadySet ===

impl ReadySet {
    /// All steps wait.
    pub(super) fn of(steps: &[Step]) -> Self {
        let known: BTreeSet<&StepId> = steps.iter().map(|step| &step.id).collect();
        let needs = |step: &Step| {
            step.needs
                .iter()
                .filter(|need| known.contains(need))
                .cloned()
                .collect()
        };
        Self {
            waiting: steps
                .iter()
                .map(|step| (step.id.clone(), needs(step)))
                .collect(),
            running: BTreeSet::new(),
        }
    }

    /// Takes out the steps whose needs are met; they run from now on.
    pub(super) fn start(&mut self) -> Vec<StepId> {
        let ready: Vec<StepId> = self
            .waiting
            .iter()
            .filter(|(_, needs)| needs.is_empty())
            .map(|(id, _)| id.clone())
            .collect();
        for id in &ready {
            self.waiting.remove(id);
            self.running.insert(id.clone());
        }
        ready
    }

    /// A step is done, which may make others ready.
    pub(super) fn finish(&mut self, id: &StepId) {
        self.running.remove(id);
        for needs in self.waiting.values_mut() {
            needs.remove(id);
        }
    }

    /// A step failed. Gives those that will now never start.
    pub(super) fn fail(&mut self, id: &StepId) -> Vec<StepId> {
        self.running.remove(id);
        let mut lost = BTreeSet::from([id.clone()]);
        let mut skipped = Vec::new();
        while let Some(next) = self
            .waiting
            .iter()
            .find(|(_, needs)| !needs.is_disjoint(&lost))
            .map(|(id, _)| id.clone())
        {
            self.waiting.remove(&next);
            lost.insert(next.clone());
            skipped.push(next);
        }
        skipped
    }

    /// Those that run.
    pub(super) fn running(&self) -> Vec<StepId> {
        self.running.iter().cloned().collect()
    }

    /// Those that wait.
    pub(super) fn waiting(&self) -> Vec<StepId> {
        self.waiting.keys().cloned().collect()
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

    fn steps(edges: &[(usize, usize)]) -> Vec<Step> {
        let needs = |n| {
            edges
                .iter()
                .filter(move |(a, b)| *a == n && b < a)
                .map(|(_, b)| id(*b))
                .collect()
        };
        (0..12)
            .map(|n| Step {
                id: id(n),
                needs: needs(n),
                action: Action::Create,
            })
            .collect()
    }

    proptest! {
        /// Whatever the graph, whatever fails and in whatever order steps end:
        /// each step ends exactly once, none starts before its needs are done,
        /// and exactly those are skipped that need a failed one.
        #[test]
        fn every_step_ends_once(
            edges in proptest::collection::vec((0usize..12, 0usize..12), 0..40),
            failing in proptest::collection::btree_set(0usize..12, 0..4),
            picks in proptest::collection::vec(any::<prop::sample::Index>(), 12),
        ) {
            let steps = steps(&edges);
            let failing: BTreeSet<StepId> = failing.into_iter().map(id).collect();
            let mut set = ReadySet::of(&steps);
            let (mut done, mut failed, mut skipped) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
            let mut picks = picks.into_iter();
            loop {
                for started in set.start() {
                    let needs = &steps.iter().find(|step| step.id == started).unwrap().needs;
                    prop_assert!(needs.is_subset(&done), "{} started too early", started);
                }
                let running = set.running();
                if running.is_empty() {
                    break;
                }
                let next = picks.next().unwrap().get(&running).clone();
                if failing.contains(&next) {
                    skipped.extend(set.fail(&next));
                    failed.insert(next);
                } else {
                    set.finish(&next);
                    done.insert(next);
                }
            }
            prop_assert!(set.waiting().is_empty());
            prop_assert_eq!(done.len() + failed.len() + skipped.len(), 12);
            for step in &steps {
                let lost = step.needs.iter().any(|need| failed.contains(need) || skipped.contains(need));
                prop_assert_eq!(skipped.contains(&step.id), lost);
            }
        }
    }
}
