//! A graph worked off from its free ends; each edge is looked at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What is left of a graph.
pub(super) struct Walk {
    missing: BTreeMap<String, usize>,
    after: BTreeMap<String, Vec<String>>,
    ready: VecDeque<String>,
}

impl Walk {
    /// Each thing comes after those that it needs.
    pub(super) fn new(needs: &BTreeMap<String, BTreeSet<String>>) -> Self {
        let known = |needed: &&String| needs.contains_key(*needed);
        let edges = needs
            .iter()
            .flat_map(|(each, needs)| needs.iter().filter(known).map(move |needed| (needed, each)));
        Self::of(needs.keys(), edges)
    }

    /// Each thing comes before those that it needs.
    pub(super) fn reversed(needs: &BTreeMap<String, BTreeSet<String>>) -> Self {
        let known = |needed: &&String| needs.contains_key(*needed);
        let edges = needs
            .iter()
            .flat_map(|(each, needs)| needs.iter().filter(known).map(move |needed| (each, needed)));
        Self::of(needs.keys(), edges)
    }

    fn of<'a>(
        all: impl Iterator<Item = &'a String>,
        edges: impl Iterator<Item = (&'a String, &'a String)>,
    ) -> Self {
        let mut missing: BTreeMap<String, usize> = all.map(|each| (each.clone(), 0)).collect();
        let mut after: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (first, then) in edges.filter(|(first, then)| first != then) {
            after.entry(first.clone()).or_default().push(then.clone());
            if let Some(count) = missing.get_mut(then) {
                *count += 1;
            }
        }
        let free = missing.iter().filter(|(_, count)| **count == 0);
        let ready = free.map(|(each, _)| each.clone()).collect();
        Self {
            missing,
            after,
            ready,
        }
    }

    /// The next thing that nothing stands before.
    pub(super) fn next(&mut self) -> Option<String> {
        self.ready.pop_front()
    }

    /// This one is done with.
    pub(super) fn done(&mut self, each: &str) {
        let all = self.after.remove(each).unwrap_or_default();
        self.free(all);
    }

    /// This one is far enough for some that come after it.
    pub(super) fn done_for(&mut self, each: &str, is_enough: impl Fn(&str) -> bool) {
        let Some(after) = self.after.get_mut(each) else {
            return;
        };
        let (some, others) = std::mem::take(after)
            .into_iter()
            .partition(|then| is_enough(then));
        *after = others;
        self.free(some);
    }

    fn free(&mut self, some: Vec<String>) {
        for then in some {
            if let Some(count) = self.missing.get_mut(&then) {
                *count -= 1;
                if *count == 0 {
                    self.ready.push_back(then);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions() {
        let needs: BTreeMap<String, BTreeSet<String>> = [
            ("a", vec![]),
            ("b", vec!["a"]),
            ("c", vec!["a", "b", "gone"]),
        ]
        .into_iter()
        .map(|(each, needs)| {
            (
                each.to_owned(),
                needs.into_iter().map(str::to_owned).collect(),
            )
        })
        .collect();
        let order = |mut walk: Walk| {
            let mut order = String::new();
            while let Some(each) = walk.next() {
                walk.done(&each);
                order.push_str(&each);
            }
            order
        };
        assert_eq!(order(Walk::new(&needs)), "abc");
        assert_eq!(order(Walk::reversed(&needs)), "cba");
    }
}
