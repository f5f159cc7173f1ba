//! How long a stack, a change set and each resource takes.

use super::chance::draw;
use super::settings::{LatencySettings, Speed};
use super::times::{
    CHANGE_SET, CONFIGURATION, GAP, STACK_END, STACK_START, starts_early, times_of,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The part by which a drawn time lies beside the one that is known, at most:
/// so that nobody's looks are in step with it.
const AROUND: f64 = 0.2;

/// What is being done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It gets the properties back that it had.
    RollBack,
    /// It is taken away.
    Delete,
}

/// From the start of a resource to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Until it is complete but for its consistency check, where its type
    /// tells that.
    pub configured: Option<Duration>,
    /// Until it is complete.
    pub complete: Duration,
}

/// A resource of a graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// The stack's name.
    pub stack: String,
    /// The name in the template.
    pub logical_id: String,
    /// Its type.
    pub resource_type: String,
    /// Keys of the nodes that it comes after.
    pub needs: BTreeSet<String>,
}

/// The times of a laboratory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    settings: LatencySettings,
    seed: u64,
}

// === impl Latency ===

impl Latency {
    /// Times by these settings; the seed is for [`Speed::Drawn`].
    pub fn new(settings: LatencySettings, seed: u64) -> Self {
        Self { settings, seed }
    }

    /// From an accepted operation to its first resource.
    pub fn stack_start(&self) -> Duration {
        self.scaled(STACK_START)
    }

    /// From the last resource to the stack's end.
    pub fn stack_end(&self) -> Duration {
        self.scaled(STACK_END)
    }

    /// From the end of a resource to the start of one that waited for it.
    pub fn gap(&self) -> Duration {
        self.scaled(GAP)
    }

    /// Until a resource is configured whose type does not tell it.
    pub fn configuration(&self) -> Duration {
        self.scaled(CONFIGURATION)
    }

    /// Until a change set is worked out.
    pub fn change_set(&self) -> Duration {
        self.scaled(CHANGE_SET)
    }

    /// What one resource takes.
    pub fn span(&self, stack: &str, logical_id: &str, resource_type: &str, verb: Verb) -> Span {
        let times = times_of(resource_type);
        let chance = draw(self.seed, &[stack, logical_id, resource_type]);
        // Of these only one time is known each: the draw lies around it.
        let around = match self.settings.speed {
            Speed::Drawn => 1.0 + AROUND * (2.0 * chance - 1.0),
            Speed::Fast | Speed::Median | Speed::Slow => 1.0,
        };
        let seconds = match verb {
            Verb::Update | Verb::RollBack => times.update * around,
            Verb::Delete => times.delete * around,
            Verb::Create => match self.settings.speed {
                Speed::Fast => times.fast,
                Speed::Median => times.median,
                Speed::Slow => times.slow,
                Speed::Drawn => {
                    let (from, to, part) = if chance < 0.5 {
                        (times.fast, times.median, chance * 2.0)
                    } else {
                        (times.median, times.slow, chance * 2.0 - 1.0)
                    };
                    from + (to - from) * part
                }
            },
        };
        let configured = times.configured.filter(|_| verb == Verb::Create);
        Span {
            configured: configured.map(|seconds| self.scaled(seconds)),
            complete: self.scaled(seconds),
        }
    }

    /// When each node of a graph is complete, when all are made from nothing
    /// and nobody waits for anything but what it needs.
    pub fn made(&self, graph: &BTreeMap<String, Node>) -> BTreeMap<String, Duration> {
        let mut ends = BTreeMap::new();
        for key in graph.keys() {
            self.end(graph, key, &mut ends);
        }
        ends.into_iter().map(|(key, end)| (key, end.1)).collect()
    }

    /// When a node is configured and when complete. Graphs have no circles.
    fn end(
        &self,
        graph: &BTreeMap<String, Node>,
        key: &str,
        ends: &mut BTreeMap<String, (Duration, Duration)>,
    ) -> (Duration, Duration) {
        if let Some(end) = ends.get(key) {
            return *end;
        }
        let Some(node) = graph.get(key) else {
            return (Duration::ZERO, Duration::ZERO);
        };
        let needed = node
            .needs
            .iter()
            .filter(|needed| graph.contains_key(*needed));
        let mut start = Duration::ZERO;
        for needed in needed {
            let (configured, complete) = self.end(graph, needed, ends);
            let early = graph
                .get(needed)
                .is_some_and(|needed| starts_early(&needed.resource_type, &node.resource_type));
            let ready = if early { configured } else { complete };
            start = start.max(ready + self.gap());
        }
        let span = self.span(
            &node.stack,
            &node.logical_id,
            &node.resource_type,
            Verb::Create,
        );
        let complete = start + span.complete;
        let end = (
            span.configured.map_or(complete, |first| start + first),
            complete,
        );
        ends.insert(key.to_owned(), end);
        end
    }

    /// A time of AWS's, scaled like all others.
    pub fn scale(&self, time: Duration) -> Duration {
        self.scaled(time.as_secs_f64())
    }

    fn scaled(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds * self.settings.scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(rows: &[(&str, &str, &[&str])]) -> BTreeMap<String, Node> {
        let node = |(id, kind, needs): &(&str, &str, &[&str])| {
            let node = Node {
                stack: "s".to_owned(),
                logical_id: (*id).to_owned(),
                resource_type: format!("AWS::{kind}"),
                needs: needs.iter().map(ToString::to_string).collect(),
            };
            ((*id).to_owned(), node)
        };
        rows.iter().map(node).collect()
    }

    fn median() -> Latency {
        Latency::new(LatencySettings::default(), 0)
    }

    /// The longest chain of the walkthrough's first stack: 147 s with start
    /// and end, as it was measured against the logs that the table is from.
    #[test]
    fn a_vpc_takes_what_it_took() {
        let ends = median().made(&graph(&[
            ("Vpc", "EC2::VPC", &[]),
            ("Igw", "EC2::InternetGateway", &[]),
            ("Attached", "EC2::VPCGatewayAttachment", &["Vpc", "Igw"]),
            ("Eip", "EC2::EIP", &["Attached"]),
            ("Nat", "EC2::NatGateway", &["Eip"]),
            ("Route", "EC2::Route", &["Nat"]),
        ]));
        let whole = ends["Route"] + median().stack_start() + median().stack_end();
        assert_eq!(whole, Duration::from_secs(147));
    }

    #[test]
    fn a_service_takes_what_it_took() {
        let ends = median().made(&graph(&[
            ("Group", "EC2::SecurityGroup", &[]),
            ("Alb", "ElasticLoadBalancingV2::LoadBalancer", &["Group"]),
            ("Listener", "ElasticLoadBalancingV2::Listener", &["Alb"]),
            (
                "Rule",
                "ElasticLoadBalancingV2::ListenerRule",
                &["Listener"],
            ),
            ("Service", "ECS::Service", &["Rule"]),
        ]));
        let whole = ends["Service"] + median().stack_start() + median().stack_end();
        assert_eq!(whole, Duration::from_secs(220));
    }

    #[test]
    fn draws_lie_between_fast_and_slow_and_belong_to_the_resource() {
        let settings = LatencySettings {
            speed: Speed::Drawn,
            scale: 0.5,
        };
        let latency = Latency::new(settings, 3);
        let of = |id: &str| latency.span("s", id, "AWS::EC2::NatGateway", Verb::Create);
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a"), of("b"));
        for n in 0..100 {
            let complete = of(&n.to_string()).complete.as_secs_f64();
            assert!((46.0..=62.5).contains(&complete), "{complete}");
        }
        // Of a deletion one time is known, and the draws lie around it.
        let usual = Latency::new(
            LatencySettings {
                speed: Speed::Median,
                ..settings
            },
            3,
        );
        let gone = |latency: &Latency, id: &str| {
            let kind = "AWS::EC2::NatGateway";
            latency
                .span("s", id, kind, Verb::Delete)
                .complete
                .as_secs_f64()
        };
        let known = gone(&usual, "a");
        let drawn: Vec<f64> = (0..100).map(|n| gone(&latency, &n.to_string())).collect();
        assert!(drawn.iter().any(|one| *one < known) && drawn.iter().any(|one| *one > known));
        assert!(drawn.iter().all(|one| (0.8..=1.2).contains(&(one / known))));
    }
}
