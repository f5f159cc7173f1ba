//! Services, step by step, with what the runtime saw fed by hand.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::{Outcome, Rollout, Service, publish, schedule};
use crate::account::State;
use crate::account::clock::Timestamp;
use crate::account::desired::{
    DesiredTask, DnsName, Observed, ObservedTask, RuleAction, TaskStatus,
};
use crate::account::handle::Options;
use crate::account::ids::Ids;
use crate::account::inventory::Recorded;
use crate::account::resources::Settled;
use crate::account::shared::Shared;
use serde_json::{Value, json};
use std::sync::Arc;

const SERVICE: &str = "arn:aws:ecs:us-west-2:123456789012:service/cluster/gateway";
const GROUP: &str = "arn:group";

/// An account with one service, and a runtime made of paper.
struct Lab {
    state: State,
    options: Options,
    observed: Observed,
    now: Timestamp,
}

impl Lab {
    fn new() -> Self {
        let mut options = Options::new("nowhere");
        options.ids = Arc::new(Ids::seeded(1));
        let mut lab = Self {
            state: State::default(),
            options,
            observed: Observed::default(),
            now: Timestamp(1_000_000),
        };
        lab.put(
            "AWS::EC2::Subnet",
            "subnet-1",
            json!({"CidrBlock": "10.0.1.0/24"}),
            json!({}),
        );
        lab.put(
            "AWS::EC2::Subnet",
            "subnet-2",
            json!({"CidrBlock": "10.0.2.0/28"}),
            json!({}),
        );
        lab.put(
            "AWS::ServiceDiscovery::PrivateDnsNamespace",
            "ns-1",
            json!({"Name": "demo.local"}),
            json!({}),
        );
        let discovery = json!({"DnsConfig": {"NamespaceId": "ns-1"}});
        lab.put(
            "AWS::ServiceDiscovery::Service",
            "srv-1",
            discovery,
            json!({"Name": "gateway"}),
        );
        for revision in 1..=2 {
            lab.put(
                "AWS::ECS::TaskDefinition",
                &task_definition(revision),
                definition(revision),
                json!({}),
            );
        }
        let service = Service::new(SERVICE, "gateway", "cluster", lab.now);
        lab.state.ecs.services.insert(SERVICE.to_owned(), service);
        lab
    }

    fn put(&mut self, resource_type: &str, id: &str, properties: Value, attributes: Value) {
        let attributes = attributes
            .as_object()
            .unwrap()
            .clone()
            .into_iter()
            .collect();
        self.state.inventory.put(
            resource_type,
            id,
            Recorded {
                properties,
                attributes,
                ..Recorded::default()
            },
        );
    }

    fn take(&mut self, revision: u32, count: u32) {
        let properties = json!({
            "TaskDefinition": task_definition(revision),
            "DesiredCount": count.to_string(),
            "LoadBalancers": [{"ContainerName": "envoy", "ContainerPort": 80, "TargetGroupArn": GROUP}],
            "ServiceRegistries": [{"RegistryArn": "arn:aws:servicediscovery:us-west-2:1:service/srv-1"}],
            "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-1", "subnet-2"]}},
        });
        self.service().take(
            Shared::new(properties),
            &Ids::seeded(u64::from(revision)),
            Timestamp(1),
        );
    }

    fn service(&mut self) -> &mut Service {
        self.state.ecs.services.get_mut(SERVICE).unwrap()
    }

    fn step(&mut self) -> Outcome {
        self.now.0 += 1;
        schedule(&mut self.state, &self.observed, &self.options, self.now)
    }

    /// Steps until nothing changes.
    fn rest(&mut self) {
        for _ in 0..10 {
            if !self.step().changed {
                return;
            }
        }
        panic!("the scheduler does not come to rest");
    }

    fn tasks(&self) -> Vec<Arc<DesiredTask>> {
        publish(&self.state).tasks
    }

    fn see(&mut self, task: &DesiredTask, status: TaskStatus, healthy: bool) {
        let seen = ObservedTask {
            status,
            healthy,
            reason: Some("no image".to_owned()),
            ..ObservedTask::default()
        };
        self.observed.tasks.insert(task.task_arn.clone(), seen);
        self.observed
            .targets
            .insert((GROUP.to_owned(), task.task_arn.clone()), healthy);
    }

    /// What a runtime does that succeeds in everything.
    fn obey(&mut self) {
        for _ in 0..10 {
            self.rest();
            let tasks = self.tasks();
            self.observed = Observed::default();
            for task in tasks {
                self.see(&task, TaskStatus::Running, true);
            }
            if !self.step().changed {
                return;
            }
        }
        panic!("the runtime does not come to rest");
    }
}

fn task_definition(revision: u32) -> String {
    format!("arn:aws:ecs:us-west-2:123456789012:task-definition/gateway:{revision}")
}

fn definition(revision: u32) -> Value {
    json!({
        "ContainerDefinitions": [{
            "Name": "envoy",
            "Image": format!("envoy:{revision}"),
            "User": 1337,
            "ReadonlyRootFilesystem": "true",
            "PortMappings": [{"ContainerPort": "80"}],
            "Environment": [{"Name": "APPMESH_RESOURCE_ARN", "Value": "mesh/demo/virtualGateway/gateway"}],
            "HealthCheck": {"Command": ["CMD", "true"], "Interval": "5"},
        }],
        "RuntimePlatform": {"CpuArchitecture": "X86_64"},
    })
}

#[test]
fn a_service_settles_when_its_targets_are_healthy() {
    let mut lab = Lab::new();
    lab.take(1, 2);
    lab.rest();
    let tasks = lab.tasks();
    let addresses: Vec<_> = tasks.iter().map(|task| task.address.to_string()).collect();
    assert_eq!(addresses.len(), 2);
    assert!(
        addresses.contains(&"10.0.1.4".to_owned()) && addresses.contains(&"10.0.2.4".to_owned())
    );
    assert_eq!(tasks[0].dns_names, ["gateway.demo.local"]);
    assert_eq!(
        tasks[0].mesh_resource.as_deref(),
        Some("mesh/demo/virtualGateway/gateway")
    );
    assert_eq!(tasks[0].architecture.as_deref(), Some("x86_64"));
    let container = &tasks[0].containers[0];
    assert_eq!(
        (container.user.as_deref(), container.read_only),
        (Some("1337"), true)
    );
    assert_eq!(
        (container.ports.as_slice(), container.essential),
        ([80].as_slice(), true)
    );
    assert_eq!(container.health_check.as_ref().unwrap().interval, 5);

    for task in &tasks {
        lab.see(task, TaskStatus::Running, true);
    }
    lab.observed.targets.clear();
    lab.rest();
    assert_eq!(lab.service().settled(), Settled::Waiting);
    let name = DnsName {
        vpc: String::new(),
        name: "gateway.demo.local".to_owned(),
    };
    assert_eq!(publish(&lab.state).dns[&name].len(), 2);
    lab.obey();
    assert_eq!(lab.service().settled(), Settled::Yes);
    assert_eq!(lab.tasks(), tasks);
}

#[test]
fn the_old_tasks_serve_until_the_new_ones_are_ready() {
    let mut lab = Lab::new();
    lab.take(1, 1);
    lab.obey();
    let old = lab.tasks();
    lab.take(2, 1);
    lab.rest();
    let both = lab.tasks();
    assert_eq!(both.len(), 2);
    assert!(both.contains(&old[0]));
    let new = both.iter().find(|task| task.revision == 2).unwrap();
    lab.see(new, TaskStatus::Running, true);
    lab.rest();
    assert_eq!(lab.tasks(), std::slice::from_ref(new));
    assert_eq!(
        lab.service().settled(),
        Settled::Waiting,
        "the old task has not ended yet"
    );
    lab.observed.tasks.remove(&old[0].task_arn);
    lab.rest();
    assert_eq!(lab.service().settled(), Settled::Yes);
    assert_eq!(lab.service().deployments.len(), 1);
    assert!(
        lab.state.ecs.stopped[0]
            .stopping
            .as_ref()
            .unwrap()
            .starts_with("Scaling activity")
    );
}

#[test]
fn a_deployment_is_given_up_after_three_failed_tasks() {
    let mut lab = Lab::new();
    lab.take(1, 1);
    lab.obey();
    let old = lab.tasks();
    lab.take(2, 1);
    for attempt in 0..3 {
        lab.rest();
        assert_eq!(
            lab.service().settled(),
            Settled::Waiting,
            "attempt {attempt}"
        );
        let new = lab
            .tasks()
            .into_iter()
            .find(|task| task.revision == 2)
            .unwrap();
        lab.see(&new, TaskStatus::Stopped, false);
    }
    lab.rest();
    assert_eq!(
        lab.service().settled(),
        Settled::Failed("no image".to_owned())
    );
    assert_eq!(lab.tasks(), old, "the one before goes on serving");
    assert_eq!(lab.state.ecs.stopped.len(), 3);

    lab.take(1, 1);
    lab.rest();
    assert_eq!(lab.service().settled(), Settled::Yes);
    assert_eq!(lab.tasks(), old, "a rollback replaces nothing");
    assert_eq!(lab.service().deployments.len(), 1);
}

#[test]
fn a_task_that_ends_is_replaced() {
    let mut lab = Lab::new();
    lab.take(1, 1);
    lab.obey();
    let task = lab.tasks().remove(0);
    lab.see(&task, TaskStatus::Stopped, false);
    let outcome = lab.step();
    assert!(lab.tasks().is_empty());
    let wake = outcome.wake.unwrap();
    assert!(wake > lab.now);
    lab.now = wake;
    lab.obey();
    assert_eq!(lab.tasks().len(), 1);
    assert_ne!(lab.tasks()[0].task_arn, task.task_arn);
    assert_ne!(lab.tasks()[0].address, task.address);
    assert_eq!(lab.service().deployments[0].rollout, Rollout::Completed);
}

#[test]
fn a_task_that_does_not_become_healthy_fails() {
    let mut lab = Lab::new();
    lab.take(1, 1);
    for _ in 0..3 {
        lab.rest();
        let task = lab.tasks().remove(0);
        lab.see(&task, TaskStatus::Running, false);
        lab.now = lab.step().wake.unwrap();
        lab.step();
        lab.observed = Observed::default();
    }
    lab.rest();
    assert_eq!(
        lab.service().settled(),
        Settled::Failed("Task failed its health checks".to_owned())
    );
    assert!(lab.tasks().is_empty());
}

#[test]
fn the_number_of_tasks_follows_the_desired_count() {
    let mut lab = Lab::new();
    lab.take(1, 3);
    lab.obey();
    let three = lab.tasks();
    lab.take(1, 1);
    lab.obey();
    assert!(three.contains(&lab.tasks()[0]));
    assert_eq!(
        (lab.tasks().len(), lab.service().settled()),
        (1, Settled::Yes)
    );
    lab.take(1, 0);
    lab.obey();
    assert_eq!(
        (lab.tasks().len(), lab.service().settled()),
        (0, Settled::Yes)
    );
}

#[test]
fn a_deleted_service_goes_when_its_tasks_have_ended() {
    let mut lab = Lab::new();
    lab.take(1, 1);
    lab.obey();
    lab.service().deleted = true;
    lab.rest();
    assert!(lab.tasks().is_empty());
    assert!(lab.state.ecs.services.contains_key(SERVICE));
    lab.observed = Observed::default();
    lab.rest();
    assert!(lab.state.ecs.services.is_empty() && lab.state.ecs.tasks.is_empty());
}

#[test]
fn a_subnet_without_room_fails_the_deployment() {
    let mut lab = Lab::new();
    lab.put(
        "AWS::EC2::Subnet",
        "subnet-1",
        json!({"CidrBlock": "10.0.1.0/28"}),
        json!({}),
    );
    lab.take(1, 22);
    lab.obey();
    assert_eq!(
        (lab.tasks().len(), lab.service().settled()),
        (22, Settled::Yes)
    );
    lab.take(1, 23);
    lab.rest();
    assert!(
        matches!(lab.service().settled(), Settled::Failed(reason) if reason.contains("no address is free"))
    );
}

#[test]
fn load_balancers_have_rules_by_priority_and_running_targets() {
    let mut lab = Lab::new();
    let elb = "AWS::ElasticLoadBalancingV2";
    lab.put(
        &format!("{elb}::LoadBalancer"),
        "lb",
        json!({}),
        json!({"LoadBalancerName": "web"}),
    );
    let group = json!({"HealthCheckPort": "9901", "HealthCheckPath": "/ready", "Matcher": {"HttpCode": "200"}});
    lab.put(&format!("{elb}::TargetGroup"), GROUP, group, json!({}));
    let fixed = json!([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]);
    let listener = json!({"LoadBalancerArn": "lb", "Port": "80", "DefaultActions": fixed});
    lab.put(
        &format!("{elb}::Listener"),
        "listener",
        listener,
        json!({"colormesh:port": 8123}),
    );
    let forward = json!([{"Type": "forward", "TargetGroupArn": GROUP}]);
    for (id, priority, pattern) in [("a", 20, "*"), ("b", 3, "/x")] {
        let conditions = json!([{"Field": "path-pattern", "Values": [pattern]}]);
        let rule = json!({"ListenerArn": "listener", "Priority": priority, "Conditions": conditions, "Actions": forward});
        lab.put(&format!("{elb}::ListenerRule"), id, rule, json!({}));
    }
    lab.take(1, 1);
    lab.obey();
    let desired = publish(&lab.state);
    let balancer = &desired.load_balancers[0];
    let listener = &balancer.listeners[0];
    assert_eq!((listener.declared_port, listener.port), (80, 8123));
    let patterns: Vec<_> = listener
        .rules
        .iter()
        .map(|rule| rule.path_patterns.join(","))
        .collect();
    assert_eq!(patterns, ["/x", "*", ""]);
    assert!(matches!(
        listener.rules[2].action,
        RuleAction::Fixed { status: 404, .. }
    ));
    let group = &balancer.target_groups[0];
    assert_eq!(
        (group.health_check.port, group.health_check.path.as_str()),
        (Some(9901), "/ready")
    );
    assert_eq!(
        (group.targets[0].address, group.targets[0].port),
        (lab.tasks()[0].address, 80)
    );
}

#[test]
fn meshes_keep_what_did_not_change() {
    let mut lab = Lab::new();
    let attributes = json!({"VirtualNodeName": "white"});
    lab.put(
        "AWS::AppMesh::VirtualNode",
        "node",
        json!({"MeshName": "demo"}),
        attributes,
    );
    let mut publisher = super::Publisher::default();
    let first = publisher.publish(&lab.state).meshes;
    assert_eq!(
        first[0].properties,
        json!({"MeshName": "demo", "VirtualNodeName": "white"})
    );
    lab.put(
        "AWS::AppMesh::Mesh",
        "mesh",
        json!({"MeshName": "demo"}),
        json!({}),
    );
    let second = publisher.publish(&lab.state).meshes;
    assert_eq!(second.len(), 2);
    assert!(
        second
            .iter()
            .any(|resource| Arc::ptr_eq(resource, &first[0]))
    );
    lab.state
        .inventory
        .remove("AWS::AppMesh::VirtualNode", "node");
    assert_eq!(publisher.publish(&lab.state).meshes.len(), 1);
}
