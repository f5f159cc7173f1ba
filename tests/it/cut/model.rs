//! What a cut takes by the latencies that were seen on AWS: the longest chain
//! of resources in each stack, and of stacks in the whole.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use colormesh::account::lab::{Latency, LatencySettings, Node, Speed};
use colormesh::diag::Source;
use colormesh::stack::{Needs, ParameterValue, RenderedStack, Role};
use colormesh::template::{BoundParameters, LogicalId, Scope, Template};
use serde_json::{Value, json};

/// Building and pushing the app's image: a guess, as nobody published one.
const IMAGE: Duration = Duration::from_secs(75);
/// What the walkthrough's scripts lose on each stack, because the AWS CLI asks
/// for a change set every 5 s and for a stack every 30 s.
const POLLING: Duration = Duration::from_secs(21);
/// From the end of one stack to the start of the next: what an engine that
/// asks every second may lose.
const ENGINE: Duration = Duration::from_secs(1);

/// A cut with what its resources need, in seconds that begin with `up`.
pub(crate) struct Model {
    latency: Latency,
    stacks: Vec<RenderedStack>,
    graph: BTreeMap<String, Node>,
}

impl Model {
    pub(crate) fn of(stacks: Vec<RenderedStack>, speed: Speed, seed: u64) -> Self {
        let settings = LatencySettings { speed, scale: 1.0 };
        Self {
            latency: Latency::new(settings, seed),
            graph: graph(&stacks),
            stacks,
        }
    }

    /// The longest chain of resources, were all of them in one stack.
    pub(crate) fn bound(&self) -> Duration {
        self.whole(&self.graph)
    }

    /// What one stack takes by itself.
    pub(crate) fn stack(&self, role: Role) -> Duration {
        let stack = self.stacks.iter().find(|stack| stack.role == role);
        let name = stack.expect("a stack of this role").name.to_string();
        let own = self.graph.iter().filter(|(_, node)| node.stack == name);
        self.whole(&own.map(|(key, node)| (key.clone(), node.clone())).collect())
    }

    /// One stack after the other, as the walkthrough's scripts go.
    pub(crate) fn scripts(&self) -> Duration {
        let stacks = self.stacks.iter();
        let each = stacks.map(|stack| self.stack(stack.role) + POLLING);
        each.sum::<Duration>() + IMAGE
    }

    /// Each stack as soon as those are complete that it needs.
    pub(crate) fn full_width(&self) -> Duration {
        let needs = Needs::of(&self.stacks);
        let mut ends = BTreeMap::new();
        for name in colormesh::stack::order(&self.stacks) {
            let mut named = self.stacks.iter();
            let stack = named.find(|stack| stack.name == name).expect("in order");
            let start = needs.of_stack(&name).map(|need| ends[need] + ENGINE).max();
            let mut start: Duration = start.unwrap_or_default();
            if stack.role == Role::EcsService {
                let repository = self.stack(Role::EcrRepositories) + ENGINE;
                start = start.max(repository.max(IMAGE) + ENGINE);
            }
            ends.insert(name, start + self.stack(stack.role));
        }
        ends.into_values().max().unwrap_or_default()
    }

    fn whole(&self, graph: &BTreeMap<String, Node>) -> Duration {
        let last = self.latency.made(graph).into_values().max();
        self.latency.stack_start() + last.unwrap_or_default() + self.latency.stack_end()
    }
}

/// What comes of a stack's template.
struct Read {
    name: String,
    role: Role,
    made: Vec<(String, String, Found)>,
    /// The name of each exported value and the resources that it is of.
    exports: Vec<(String, BTreeSet<String>)>,
}

/// What an expression asks for.
#[derive(Default)]
struct Found {
    resources: BTreeSet<String>,
    imports: BTreeSet<String>,
}

fn graph(stacks: &[RenderedStack]) -> BTreeMap<String, Node> {
    let read: Vec<Read> = stacks.iter().map(read).collect();
    let exporters: BTreeMap<&str, Vec<String>> = read
        .iter()
        .flat_map(|stack| {
            stack.exports.iter().map(|(name, ids)| {
                let keys = ids.iter().map(|id| key(&stack.name, id));
                (name.as_str(), keys.collect())
            })
        })
        .collect();
    let mut graph = BTreeMap::new();
    for stack in &read {
        for (id, kind, found) in &stack.made {
            let own = found.resources.iter().map(|id| key(&stack.name, id));
            let imported = found
                .imports
                .iter()
                .flat_map(|name| exporters.get(name.as_str()).into_iter().flatten().cloned());
            let unseen = read
                .iter()
                .flat_map(|other| unseen(stack.role, kind, other));
            let node = Node {
                stack: stack.name.clone(),
                logical_id: id.clone(),
                resource_type: kind.clone(),
                needs: own.chain(imported).chain(unseen).collect(),
            };
            graph.insert(key(&stack.name, id), node);
        }
    }
    graph
}

/// What AWS or a task needs although no template says so.
fn unseen(role: Role, kind: &str, other: &Read) -> Vec<String> {
    let of = |kind: &str| {
        let found = other.made.iter().filter(|(_, other, _)| other == kind);
        found.map(|(id, ..)| key(&other.name, id)).collect()
    };
    match kind {
        // Both are refused in a VPC without an internet gateway.
        "AWS::EC2::NatGateway" | "AWS::ElasticLoadBalancingV2::LoadBalancer" => {
            of("AWS::EC2::VPCGatewayAttachment")
        }
        // Its target group has to belong to a load balancer.
        "AWS::ECS::Service" if other.role == Role::Ingress => {
            of("AWS::ElasticLoadBalancingV2::ListenerRule")
        }
        "AWS::ECS::Service" if role.declared_needs().contains(&other.role) => {
            let all = other.made.iter();
            all.map(|(id, ..)| key(&other.name, id)).collect()
        }
        _ => Vec::new(),
    }
}

fn key(stack: &str, id: &str) -> String {
    format!("{stack} {id}")
}

fn read(stack: &RenderedStack) -> Read {
    let source = Arc::new(Source::new(stack.name.to_string(), stack.template.as_str()));
    let template = Template::parse(&source).expect("our template");
    let given = stack.parameters.iter().map(|(name, value)| {
        let value = match value {
            ParameterValue::Known(value) => value.clone(),
            ParameterValue::AppImage | ParameterValue::PushedImage(_) => "image".to_owned(),
        };
        (name.clone(), value)
    });
    let bound = template.check_parameters(&given.collect());
    let scope = Recording {
        bound: bound.expect("our parameters"),
        found: RefCell::default(),
    };
    let wanted = template
        .resources
        .iter()
        .filter(|(_, resource)| template.wants(resource, &scope).expect("a condition"));
    let made = wanted.map(|(id, resource)| {
        let mut found = scope.found_in(&template, &resource.properties);
        let after = resource.depends_on.iter().map(ToString::to_string);
        found.resources.extend(after);
        (id.to_string(), resource.resource_type.clone(), found)
    });
    let exported = template.outputs.values().filter_map(|output| {
        let name = template.evaluate(output.export.as_ref()?, &scope);
        let name = name.expect("a name").as_str().expect("text").to_owned();
        Some((name, scope.found_in(&template, &output.value).resources))
    });
    Read {
        name: stack.name.to_string(),
        role: stack.role,
        made: made.collect(),
        exports: exported.collect(),
    }
}

/// Notes what it is asked for, and answers with anything.
struct Recording {
    bound: BoundParameters,
    found: RefCell<Found>,
}

impl Recording {
    fn found_in(&self, template: &Template, expr: &colormesh::template::Expr) -> Found {
        self.found.take();
        template.evaluate(expr, self).expect("an expression");
        self.found.take()
    }
}

impl Scope for Recording {
    fn parameter(&self, name: &str) -> Option<Value> {
        Some(self.bound.get(name)?.value())
    }

    fn pseudo(&self, name: &str) -> Option<String> {
        Some(name.to_owned())
    }

    fn resource(&self, id: &LogicalId) -> Option<String> {
        self.found.borrow_mut().resources.insert(id.to_string());
        Some(id.to_string())
    }

    fn attribute(&self, id: &LogicalId, _: &str) -> Option<Value> {
        self.resource(id).map(|id| json!(id))
    }

    fn import(&self, name: &str) -> Option<String> {
        self.found.borrow_mut().imports.insert(name.to_owned());
        Some(name.to_owned())
    }

    fn zones(&self) -> Vec<String> {
        ["a", "b"].map(str::to_owned).into()
    }
}
