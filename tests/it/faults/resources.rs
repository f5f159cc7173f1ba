//! The fault runs of resources: each type that the walkthrough's stacks hold
//! fails once when it is made, changed and deleted. The same command again
//! goes on from there, and at the end all is there once, or gone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use colormesh::account::cloudformation::Stack;
use colormesh::account::lab::{LabSettings, ResourceEffect, ResourceFault, Verb};
use colormesh::config::Config;
use colormesh::deploy::{DeployError, ImageSource, StepError, Work};
use colormesh::diag::Source;
use colormesh::plan::{Direction, ImagePlan, Wishes};
use colormesh::stack::{self, RenderedStack};
use colormesh::yaml;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::run::Account;
use crate::local::Local;
use crate::tasks;

const REASON: &str = "the laboratory wants it so";
const IMAGE: &str =
    "registry.test/app@sha256:0000000000000000000000000000000000000000000000000000000000000000";
/// Types of which no property of ours is changed in place: there is a new one,
/// or nothing.
const NOT_CHANGED: &[&str] = &[
    "AWS::EC2::Route",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::IAM::InstanceProfile",
    "AWS::Route53Resolver::FirewallDomainList",
    "AWS::Route53Resolver::FirewallRuleGroup",
    "AWS::Route53Resolver::FirewallRuleGroupAssociation",
];

/// The types of resources, by stack.
type Types = BTreeMap<String, BTreeSet<String>>;

/// An account in which every task runs at once.
struct Whole {
    account: Account,
    tasks: JoinHandle<()>,
}

// === impl Whole ===

impl Whole {
    async fn start() -> Self {
        let local = Local::with_lab(LabSettings::default()).await;
        Self {
            tasks: tokio::spawn(tasks::run(local.account.clone())),
            account: Account::of(local).await,
        }
    }

    async fn attempt(
        &self,
        direction: Direction,
        stacks: &[RenderedStack],
    ) -> Result<(), DeployError> {
        let wishes = Wishes {
            environment: "e".to_owned(),
            key_pair: None,
            image: ImagePlan::Given(IMAGE.to_owned()),
            unwanted: Vec::new(),
        };
        let work = Work {
            image: Some(ImageSource::Given(IMAGE.to_owned())),
            replace_failed: true,
            ..Work::new("e")
        };
        self.account
            .attempt(direction, stacks, &wishes, work)
            .await
            .unwrap()
    }

    /// The next time that a stack does this to a resource of this type, it
    /// fails.
    fn fail(&self, stack: &str, resource_type: &str, on: Verb) {
        let effect = ResourceEffect::Fail {
            reason: REASON.to_owned(),
        };
        let mut rule = ResourceFault::of(stack, "*", on, effect).times(1);
        resource_type.clone_into(&mut rule.resource_type);
        self.account.local.account.lab().fail_resource(rule);
    }

    /// Tries until nothing fails any more, one type after the other of each
    /// stack: a roll-back brings each back to where it was. What fails is told
    /// each time.
    async fn one_by_one(&self, stacks: &[RenderedStack], types: &Types, on: Verb) {
        let mut queues: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (stack, types) in types {
            let mut types = types.clone();
            if on == Verb::Update {
                // A rule that should never be hit.
                let not_changed = types.extract_if(.., |each| NOT_CHANGED.contains(&each.as_str()));
                not_changed.for_each(|each| self.fail(stack, &each, on));
            }
            let queue: Vec<String> = types.into_iter().collect();
            if let Some(last) = queue.last() {
                self.fail(stack, last, on);
            }
            queues.insert(stack.clone(), queue);
        }
        let most = queues.values().map(Vec::len).sum::<usize>() + 1;
        for _ in 0..most {
            let failures = match self.attempt(Direction::Up, stacks).await {
                Ok(()) => break,
                Err(DeployError::Failed { failures, .. }) => failures,
                Err(error) => panic!("{error}"),
            };
            for failure in failures {
                let StepError::Failed { cause, .. } = &failure.error else {
                    panic!("{failure}");
                };
                let stack = failure.step.to_string();
                let queue = queues.get_mut(&stack).unwrap();
                assert_eq!(
                    Some(&cause.resource_type),
                    queue.pop().as_ref(),
                    "{failure}"
                );
                assert!(cause.reason.contains(REASON), "{failure}");
                if let Some(next) = queue.last() {
                    self.fail(&stack, next, on);
                }
            }
        }
        queues.retain(|_, queue| !queue.is_empty());
        assert_eq!(queues, BTreeMap::new(), "not failed, or not to the end");
    }

    /// Tries to remove all, with each type failing once, until nothing fails
    /// any more; tells the types that did.
    async fn all_at_once(
        &self,
        stacks: &[RenderedStack],
        types: &BTreeSet<String>,
    ) -> BTreeSet<String> {
        types
            .iter()
            .for_each(|each| self.fail("*", each, Verb::Delete));
        for _ in 0..=types.len() {
            match self.attempt(Direction::Down, stacks).await {
                Ok(()) => break,
                Err(DeployError::Failed { failures, .. }) => {
                    for failure in failures {
                        assert!(failure.to_string().contains(REASON), "{failure}");
                    }
                }
                Err(error) => panic!("{error}"),
            }
        }
        self.account.local.account.read(|state| {
            let stacks = state.cloudformation.stacks.values();
            let events = stacks.flat_map(|stack| &stack.events);
            let failed = events.filter(|event| {
                let reason = event.reason.as_deref().unwrap_or_default();
                event.status == "DELETE_FAILED" && reason.contains(REASON)
            });
            failed.map(|event| event.resource_type.clone()).collect()
        })
    }

    /// The types of what each stack made.
    fn types(&self) -> Types {
        self.account.local.account.read(|state| {
            let stacks = state.cloudformation.stacks.values();
            let of_stack = |stack: &Stack| {
                let made = stack.resources.values();
                let types = made.map(|resource| resource.resource_type.clone());
                (stack.name.clone(), types.collect())
            };
            stacks.map(|stack| of_stack(stack)).collect()
        })
    }

    /// How many there are of each type.
    fn count(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        self.account.local.account.read(|state| {
            for (resource_type, _, _) in state.inventory.under("AWS::") {
                *counts.entry(resource_type.to_owned()).or_default() += 1;
            }
        });
        counts
    }

    /// What is unlike a whole environment of stacks that hold these.
    fn wrong_up(&self, stacks: &[RenderedStack], expected: &BTreeMap<String, usize>) -> String {
        let mut wrong = String::new();
        let found = self.count();
        if found != *expected {
            let _ = writeln!(wrong, "{found:#?} for {expected:#?}");
        }
        self.account.local.account.read(|state| {
            for wanted in stacks {
                let id = state.cloudformation.names.get(wanted.name.as_str());
                let stack = id.and_then(|id| state.cloudformation.stacks.get(id));
                let status = stack.map_or("absent", |stack| stack.status.as_str());
                if !["CREATE_COMPLETE", "UPDATE_COMPLETE"].contains(&status) {
                    let _ = writeln!(wrong, "{} is {status}", wanted.name);
                }
            }
        });
        wrong + &self.account.open_change_sets().join("\n")
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        self.tasks.abort();
    }
}

fn walkthrough() -> Vec<RenderedStack> {
    let config = Config {
        key_pair: None,
        ..Config::default()
    };
    stack::render(&config).unwrap()
}

fn tree(stack: &RenderedStack) -> Value {
    let source = Arc::new(Source::new("template", stack.template.as_str()));
    yaml::to_json(&yaml::parse(&source).unwrap())
}

/// The same stacks with another value for something of most resources.
fn changed(mut stacks: Vec<RenderedStack>) -> Vec<RenderedStack> {
    for stack in &mut stacks {
        let mut tree = tree(stack);
        for resource in tree["Resources"].as_object_mut().unwrap().values_mut() {
            let resource_type = resource["Type"].as_str().unwrap().to_owned();
            let properties = &mut resource["Properties"];
            match resource_type.as_str() {
                "AWS::ElasticLoadBalancingV2::ListenerRule" => properties["Priority"] = json!(2),
                known if NOT_CHANGED.contains(&known) => {}
                _ => {
                    let mut tags = properties["Tags"].as_array().cloned().unwrap_or_default();
                    tags.push(json!({"Key": "changed", "Value": "once"}));
                    properties["Tags"] = tags.into();
                }
            }
        }
        stack.template = tree.to_string();
    }
    stacks
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_resource_fails_once_the_next_up_and_down_converge() {
    let stacks = walkthrough();
    let calm = Whole::start().await;
    calm.attempt(Direction::Up, &stacks).await.unwrap();
    let (expected, types) = (calm.count(), calm.types());
    let all: BTreeSet<String> = types.values().flatten().cloned().collect();
    assert!(all.len() > 30, "{all:?}");

    let whole = Whole::start().await;
    whole.one_by_one(&stacks, &types, Verb::Create).await;
    assert_eq!(whole.wrong_up(&stacks, &expected), "");

    let stacks = changed(stacks);
    whole.one_by_one(&stacks, &types, Verb::Update).await;
    assert_eq!(whole.wrong_up(&stacks, &expected), "");

    whole.account.local.account.lab().heal();
    assert_eq!(whole.all_at_once(&stacks, &all).await, all);
    assert_eq!(whole.count(), BTreeMap::new());
    let names = |state: &colormesh::account::State| state.cloudformation.names.len();
    assert_eq!(whole.account.local.account.read(names), 0);
}
