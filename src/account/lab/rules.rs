//! Which rule hits a call or a resource, counting as they come.

use super::chance::draw;
use super::latency::Verb;
use super::settings::{CallEffect, CallFault, Faults, ResourceEffect, ResourceFault};

/// The rules with what they have counted.
#[derive(Debug, Default)]
pub(super) struct Rules {
    seed: u64,
    calls: Vec<(CallFault, Count)>,
    resources: Vec<(ResourceFault, Count)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    seen: u64,
    hit: u64,
}

/// A resource in the hands of an operation.
#[derive(Clone, Copy, Debug)]
pub(in crate::account) struct Subject<'a> {
    pub(in crate::account) stack: &'a str,
    pub(in crate::account) logical_id: &'a str,
    pub(in crate::account) resource_type: &'a str,
    pub(in crate::account) verb: Verb,
}

// === impl Rules ===

impl Rules {
    pub(super) fn new(seed: u64, faults: Faults) -> Self {
        let mut rules = Self {
            seed,
            ..Self::default()
        };
        faults
            .calls
            .into_iter()
            .for_each(|rule| rules.add_call(rule));
        let resources = faults.resources.into_iter();
        resources.for_each(|rule| rules.add_resource(rule));
        rules
    }

    pub(super) fn add_call(&mut self, rule: CallFault) {
        self.calls.push((rule, Count::default()));
    }

    pub(super) fn add_resource(&mut self, rule: ResourceFault) {
        self.resources.push((rule, Count::default()));
    }

    pub(super) fn clear(&mut self) {
        self.calls.clear();
        self.resources.clear();
    }

    /// What happens to this call, by the first rule that hits it; all that it
    /// falls under count it.
    pub(super) fn call(&mut self, operation: &str) -> Option<CallEffect> {
        let mut found = None;
        for (place, (rule, count)) in self.calls.iter_mut().enumerate() {
            if !fits(&rule.operation, operation) {
                continue;
            }
            count.seen += 1;
            if found.is_none() && hits(rule, *count, self.seed, place) {
                count.hit += 1;
                found = Some(rule.effect.clone());
            }
        }
        found
    }

    /// What happens to this resource, of those effects that are wanted.
    pub(super) fn resource(
        &mut self,
        subject: Subject<'_>,
        wanted: impl Fn(&ResourceEffect) -> bool,
    ) -> Option<ResourceEffect> {
        let hit = self.resources.iter_mut().find(|(rule, count)| {
            wanted(&rule.effect)
                && rule.times.is_none_or(|times| count.hit < times)
                && concerns(rule, subject)
        })?;
        hit.1.hit += 1;
        Some(hit.0.effect.clone())
    }
}

fn hits(rule: &CallFault, count: Count, seed: u64, place: usize) -> bool {
    let most = rule.times.or(rule.nth.map(|_| 1)).unwrap_or(u64::MAX);
    let begun = rule.nth.is_none_or(|nth| count.seen >= nth);
    let likely = rule.probability.is_none_or(|probability| {
        let words = [place.to_string(), count.seen.to_string()];
        draw(seed, &[&words[0], &words[1]]) < probability
    });
    begun && count.hit < most && likely
}

fn concerns(rule: &ResourceFault, subject: Subject<'_>) -> bool {
    fits(&rule.stack, subject.stack)
        && fits(&rule.logical_id, subject.logical_id)
        && fits(&rule.resource_type, subject.resource_type)
        && (rule.on.is_empty() || rule.on.contains(&subject.verb))
}

/// Whether a text is as a pattern says, in which `*` is anything.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("a:B", "a:B", true),
            ("a:B", "a:BC", false),
            ("a:*", "a:B", true),
            ("*", "", true),
            ("*:Describe*", "ecs:DescribeTasks", true),
            ("*Stack*s", "a:StackEvents", true),
            ("*Stack*s", "a:StackEvent", false),
            ("aa*a", "aa", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_nth_call_and_so_many_after_it() {
        let mut rule = CallFault::nth("a:*", 2, CallEffect::Reset);
        let hit = |rule: &CallFault| {
            let faults = Faults {
                calls: vec![rule.clone()],
                ..Faults::default()
            };
            let mut rules = Rules::new(1, faults);
            let calls = (0..5).map(|_| rules.call("a:B").is_some());
            calls.collect::<Vec<bool>>()
        };
        assert_eq!(hit(&rule), [false, true, false, false, false]);
        rule.times = Some(2);
        assert_eq!(hit(&rule), [false, true, true, false, false]);
        rule.nth = None;
        assert_eq!(hit(&rule), [true, true, false, false, false]);
        rule.times = None;
        rule.probability = Some(0.5);
        assert_eq!(hit(&rule), hit(&rule));
    }
}
