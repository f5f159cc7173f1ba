//! Services and their deployments.

use crate::account::clock::Timestamp;
use crate::account::ids::Ids;
use crate::account::resources::{Settled, number_of, truth_of};
use crate::account::shared::Shared;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Properties that change without new tasks.
const IN_PLACE: &[&str] = &[
    "AvailabilityZoneRebalancing",
    "DeploymentConfiguration",
    "DesiredCount",
    "EnableECSManagedTags",
    "EnableExecuteCommand",
    "ForceNewDeployment",
    "HealthCheckGracePeriodSeconds",
    "PropagateTags",
    "Tags",
];

/// One service.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The name of its cluster.
    pub cluster: String,
    /// When it was made.
    pub created: Timestamp,
    /// True when it only waits for its tasks to end.
    pub deleted: bool,
    /// The newest first; one when it is steady.
    pub deployments: Vec<Deployment>,
}

/// One set of properties on its way to running tasks.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// `ecs-svc/` and digits.
    pub id: String,
    /// The service's properties.
    pub properties: Shared<Value>,
    /// When it was made.
    pub created: Timestamp,
    /// When its rollout last changed.
    pub updated: Timestamp,
    /// How far it is.
    pub rollout: Rollout,
    /// Tasks that ended by themselves.
    pub failed_tasks: u32,
    /// No task is started before.
    pub not_before: Timestamp,
}

/// How far a deployment is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rollout {
    /// Its tasks are being started.
    InProgress,
    /// All its tasks were ready, and older ones are gone.
    Completed,
    /// It was given up for this reason.
    Failed(String),
}

// === impl Service ===

impl Service {
    /// A service without a deployment.
    pub(crate) fn new(arn: &str, name: &str, cluster: &str, now: Timestamp) -> Self {
        Self {
            arn: arn.to_owned(),
            name: name.to_owned(),
            cluster: cluster.to_owned(),
            created: now,
            deleted: false,
            deployments: Vec::new(),
        }
    }

    /// Takes properties. What changes the tasks is a new deployment, unless
    /// one with the same is still there: a rollback returns to that one.
    pub(crate) fn take(&mut self, properties: Shared<Value>, ids: &Ids, now: Timestamp) {
        let forced = properties.get("ForceNewDeployment").is_some_and(is_forced);
        let same = |deployment: &Deployment| {
            !deployment.is_failed() && of_tasks(&deployment.properties) == of_tasks(&properties)
        };
        let found = if forced {
            None
        } else {
            self.deployments.iter().position(same)
        };
        let mut deployment = match found {
            Some(index) => self.deployments.remove(index),
            None => Deployment::new(properties.clone(), ids, now),
        };
        deployment.properties = properties;
        deployment.rollout = Rollout::InProgress;
        deployment.failed_tasks = 0;
        deployment.not_before = now;
        deployment.updated = now;
        self.deployments.insert(0, deployment);
    }

    /// Whether the newest deployment is complete.
    pub(in crate::account) fn settled(&self) -> Settled {
        match self
            .deployments
            .first()
            .map(|deployment| &deployment.rollout)
        {
            Some(Rollout::InProgress) if !self.deleted => Settled::Waiting,
            Some(Rollout::Failed(reason)) => Settled::Failed(reason.clone()),
            None | Some(Rollout::InProgress | Rollout::Completed) => Settled::Yes,
        }
    }

    /// How many tasks there should be.
    pub fn desired_count(&self) -> usize {
        match self.deployments.first() {
            Some(deployment) if !self.deleted => deployment.desired_count(),
            _ => 0,
        }
    }
}

// === impl Deployment ===

impl Deployment {
    fn new(properties: Shared<Value>, ids: &Ids, now: Timestamp) -> Self {
        Self {
            id: format!("ecs-svc/{:019}", ids.number() >> 1),
            properties,
            created: now,
            updated: now,
            rollout: Rollout::InProgress,
            failed_tasks: 0,
            not_before: now,
        }
    }

    /// How many tasks there should be; one when the properties do not say.
    pub fn desired_count(&self) -> usize {
        let count = self.properties.get("DesiredCount").and_then(number_of);
        count
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(1)
    }

    /// The ARN of the task definition.
    pub fn task_definition(&self) -> &str {
        self.properties
            .get("TaskDefinition")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The target groups that its tasks belong to, with the port.
    pub(crate) fn target_groups(&self) -> impl Iterator<Item = (&str, u16)> {
        self.list("LoadBalancers").filter_map(|balancer| {
            let port = number_of(balancer.get("ContainerPort")?)?;
            Some((
                balancer.get("TargetGroupArn")?.as_str()?,
                u16::try_from(port).ok()?,
            ))
        })
    }

    /// The discovery services that its tasks are registered with, by ARN.
    pub(super) fn registries(&self) -> impl Iterator<Item = &str> {
        self.list("ServiceRegistries")
            .filter_map(|registry| registry.get("RegistryArn")?.as_str())
    }

    /// The subnets that its tasks may be in.
    pub(in crate::account) fn subnets(&self) -> Vec<&str> {
        let subnets = || {
            let network = self.properties.get("NetworkConfiguration")?;
            network
                .get("AwsvpcConfiguration")?
                .get("Subnets")?
                .as_array()
        };
        subnets()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// Milliseconds that a running task has to become ready.
    pub(super) fn patience(&self) -> u64 {
        let grace = self
            .properties
            .get("HealthCheckGracePeriodSeconds")
            .and_then(number_of);
        grace.unwrap_or(0).max(120).saturating_mul(1000)
    }

    /// Whether it was given up.
    pub fn is_failed(&self) -> bool {
        matches!(self.rollout, Rollout::Failed(_))
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.properties
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    }
}

fn is_forced(value: &Value) -> bool {
    let flag = value.get("EnableForceNewDeployment").unwrap_or(value);
    truth_of(flag).unwrap_or(false)
}

/// The properties that make the tasks what they are.
fn of_tasks(properties: &Value) -> Vec<(&str, &Value)> {
    let given = properties.as_object().into_iter().flatten();
    let mut kept: Vec<_> = given
        .filter(|(name, _)| !IN_PLACE.contains(&name.as_str()))
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    kept.sort_by(|one, other| one.0.cmp(other.0));
    kept
}
