//! The order in which resources can be made.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{LogicalId, Template};
use crate::diag::Diagnostic;

/// Things by their place in the template, each with what it needs.
pub(super) struct Graph {
    needs: Vec<Vec<usize>>,
    needed_by: Vec<Vec<usize>>,
}

impl Template {
    /// All resources, each after what it needs; as near to the order of the
    /// template as that allows, so always the same.
    pub fn order(&self) -> Vec<LogicalId> {
        let order = self.graph().order();
        order
            .into_iter()
            .filter_map(|index| self.resources.get_index(index))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// The resources that depend on themselves, if there are any.
    pub(super) fn cycle(&self) -> Option<Diagnostic> {
        let graph = self.graph();
        let order = graph.order();
        if order.len() == self.resources.len() {
            return None;
        }
        let cyclic = graph.cyclic(&order);
        let name = |index: &usize| {
            self.resources
                .get_index(*index)
                .map_or("", |(id, _)| id.as_str())
        };
        let names: Vec<&str> = cyclic.iter().map(name).collect();
        let path = graph.path(*cyclic.first()?, &cyclic);
        let path: Vec<&str> = path.iter().map(name).collect();
        let message = format!(
            "Circular dependency between resources: [{}]",
            names.join(", ")
        );
        let place = self.resources.get_index(*cyclic.first()?)?.1.span;
        Some(
            Diagnostic::error(message)
                .at(&self.source, place)
                .help(format!("each needs the next: {}", path.join(" -> "))),
        )
    }

    fn graph(&self) -> Graph {
        let needs = self.resources.values().map(|resource| {
            let mut mine = Vec::new();
            self.each_dependency(resource, &mut |needed| mine.push(needed));
            mine
        });
        Graph::new(needs.collect())
    }
}

impl Graph {
    /// A graph of what each thing needs; repeats do no harm.
    pub(super) fn new(mut needs: Vec<Vec<usize>>) -> Self {
        let mut needed_by = vec![Vec::new(); needs.len()];
        for (index, mine) in needs.iter_mut().enumerate() {
            mine.sort_unstable();
            mine.dedup();
            for needed in mine {
                needed_by[*needed].push(index);
            }
        }
        Self { needs, needed_by }
    }

    /// What can be ordered: all but cycles and what needs them.
    pub(super) fn order(&self) -> Vec<usize> {
        let mut missing: Vec<usize> = self.needs.iter().map(Vec::len).collect();
        let free = missing
            .iter()
            .enumerate()
            .filter(|(_, count)| **count == 0)
            .map(|(index, _)| Reverse(index));
        let mut ready: BinaryHeap<Reverse<usize>> = free.collect();
        let mut order = Vec::with_capacity(missing.len());
        while let Some(Reverse(next)) = ready.pop() {
            order.push(next);
            for after in &self.needed_by[next] {
                missing[*after] -= 1;
                if missing[*after] == 0 {
                    ready.push(Reverse(*after));
                }
            }
        }
        order
    }

    /// What remains when also all that only needs a cycle is taken away.
    pub(super) fn cyclic(&self, ordered: &[usize]) -> Vec<usize> {
        let mut gone = vec![false; self.needs.len()];
        for index in ordered {
            gone[*index] = true;
        }
        let open = |index: usize, gone: &[bool]| {
            self.needed_by[index]
                .iter()
                .filter(|each| !gone[**each])
                .count()
        };
        let mut users: Vec<usize> = (0..gone.len()).map(|index| open(index, &gone)).collect();
        let mut leaves: Vec<usize> = (0..gone.len())
            .filter(|index| !gone[*index] && users[*index] == 0)
            .collect();
        while let Some(leaf) = leaves.pop() {
            gone[leaf] = true;
            for needed in &self.needs[leaf] {
                users[*needed] -= usize::from(!gone[*needed]);
                if !gone[*needed] && users[*needed] == 0 {
                    leaves.push(*needed);
                }
            }
        }
        (0..gone.len()).filter(|index| !gone[*index]).collect()
    }

    /// One way round, from the first resource met twice back to itself.
    fn path(&self, from: usize, cyclic: &[usize]) -> Vec<usize> {
        let mut met = vec![None; self.needs.len()];
        let mut path = vec![from];
        let mut here = from;
        loop {
            if let Some(start) = met[here] {
                return path.split_off(start);
            }
            met[here] = Some(path.len() - 1);
            let next = self.needs[here]
                .iter()
                .find(|each| cyclic.binary_search(each).is_ok());
            let Some(next) = next else { return path };
            here = *next;
            path.push(here);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::fmt::Write;

    use super::*;
    use crate::template::parse::tests::{refusal, source, template};
    use proptest::prelude::*;

    #[test]
    fn cycles_are_named_and_what_only_leans_on_them_is_not() {
        let text = "Resources:\n  A: {Type: T, DependsOn: C}\n  B: {Type: T, DependsOn: A}\n  \
                    C: {Type: T, Properties: {P: !Ref B}}\n  D: {Type: T, DependsOn: A}\n  E: {Type: T}\n";
        assert_eq!(
            refusal(text),
            (
                "Circular dependency between resources: [A, B, C]".to_owned(),
                "A".to_owned()
            )
        );
        let found = Template::parse(&source(text))
            .map(|_| ())
            .map_err(|found| found.0[0].help.clone());
        assert_eq!(
            found,
            Err(Some("each needs the next: A -> C -> B -> A".to_owned()))
        );
        let own = "Resources: {A: {Type: T, Properties: {P: !GetAtt A.Arn}}}";
        assert_eq!(refusal(own).0, "Circular dependency between resources: [A]");
    }

    fn text(needs: &[(usize, usize)], count: usize) -> String {
        let mut text = String::from("Resources:\n");
        for index in 0..count {
            let mine = needs
                .iter()
                .filter(|(from, _)| *from == index)
                .map(|(_, to)| format!("!Ref R{to}"));
            let mine: Vec<_> = mine.collect();
            writeln!(
                text,
                "  R{index}: {{Type: T, Properties: {{p: [{}]}}}}",
                mine.join(", ")
            )
            .unwrap();
        }
        text
    }

    proptest! {
        #[test]
        fn every_edge_is_respected_or_a_cycle_is_named(edges in prop::collection::vec((0_usize..12, 0_usize..12), 0..20)) {
            match Template::parse(&source(&text(&edges, 12))) {
                Ok(template) => {
                    let order = template.order();
                    prop_assert_eq!(order.len(), 12);
                    let place = |index: usize| order.iter().position(|id| id.as_str() == format!("R{index}"));
                    for (from, to) in edges {
                        prop_assert!(place(to) < place(from));
                    }
                }
                Err(found) => prop_assert!(found.0[0].message.starts_with("Circular dependency between resources: [R")),
            }
        }
    }

    #[test]
    fn ten_thousand_resources_are_quick() {
        let edges: Vec<_> = (1..10_000).map(|index| (index, index - 1)).collect();
        let mut text = String::from("Resources:\n");
        for (index, before) in &edges {
            let name = format!("!Sub '${{R{before}}}-${{AWS::Region}}'");
            writeln!(text, "  R{index}: {{Type: T, Properties: {{p: {name}}}}}").unwrap();
        }
        text += "  R0: {Type: T}\n";
        let start = std::time::Instant::now();
        let template = template(&text);
        let order = template.order();
        assert_eq!(
            (order.len(), order[0].as_str(), order[9999].as_str()),
            (10_000, "R0", "R9999")
        );
        assert!(
            start.elapsed() < std::time::Duration::from_secs(5),
            "{:?}",
            start.elapsed()
        );
    }
}
