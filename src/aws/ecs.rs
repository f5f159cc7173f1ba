//! What runs: services and tasks of an ECS cluster.

use aws_sdk_ecs::types as wire;
use serde::Serialize;

use super::{Cloud, CloudError};

/// A service and how many of its tasks run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunningService {
    /// The ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// For example `ACTIVE`.
    pub status: String,
    /// How many tasks there should be.
    pub desired: i32,
    /// How many run.
    pub running: i32,
    /// How many are on their way.
    pub pending: i32,
    /// How many deployments are under way; one when it is steady.
    pub deployments: usize,
}

// === impl RunningService ===

impl RunningService {
    /// Whether what should run runs, and nothing is being replaced.
    pub fn is_steady(&self) -> bool {
        self.running == self.desired && self.pending == 0 && self.deployments <= 1
    }
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Task {
    /// The ARN.
    pub arn: String,
    /// What started it, for example `service:ColorGateway`.
    pub group: Option<String>,
    /// For example `RUNNING`.
    pub status: String,
    /// Its health, as its containers report it.
    pub health: Option<String>,
    /// Why it stopped.
    pub stopped_reason: Option<String>,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// A container of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Container {
    /// Its name in the task definition.
    pub name: String,
    /// The image that it was started from.
    pub image: Option<String>,
    /// For example `RUNNING`.
    pub status: Option<String>,
    /// Its health.
    pub health: Option<String>,
    /// What it exited with.
    pub exit_code: Option<i32>,
    /// Why it stopped.
    pub reason: Option<String>,
}

impl Cloud {
    /// The services of a cluster. A cluster that is not there has none.
    pub async fn services(&self, cluster: &str) -> Result<Vec<RunningService>, CloudError> {
        let mut arns = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let call = self
                .ecs
                .list_services()
                .cluster(cluster)
                .max_results(100)
                .set_next_token(next);
            let answer = match call.send().await.map_err(self.failure("ecs:ListServices")) {
                Ok(answer) => answer,
                Err(error) if error.is_absent() => return Ok(Vec::new()),
                Err(error) => return Err(error),
            };
            arns.extend(answer.service_arns().iter().cloned());
            next = answer.next_token().map(str::to_owned);
            if next.is_none() {
                break;
            }
        }
        let mut services = Vec::new();
        for chunk in arns.chunks(10) {
            let call = self
                .ecs
                .describe_services()
                .cluster(cluster)
                .set_services(Some(chunk.to_vec()));
            let answer = call
                .send()
                .await
                .map_err(self.failure("ecs:DescribeServices"))?;
            services.extend(answer.services().iter().map(RunningService::from));
        }
        Ok(services)
    }

    /// The tasks of a cluster that should run. A cluster that is not there has
    /// none.
    pub async fn tasks(&self, cluster: &str) -> Result<Vec<Task>, CloudError> {
        self.tasks_that(cluster, wire::DesiredStatus::Running).await
    }

    /// The tasks of a cluster that were stopped not long ago.
    pub async fn stopped_tasks(&self, cluster: &str) -> Result<Vec<Task>, CloudError> {
        self.tasks_that(cluster, wire::DesiredStatus::Stopped).await
    }

    async fn tasks_that(
        &self,
        cluster: &str,
        status: wire::DesiredStatus,
    ) -> Result<Vec<Task>, CloudError> {
        let mut tasks = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let call = self
                .ecs
                .list_tasks()
                .cluster(cluster)
                .desired_status(status.clone())
                .set_next_token(next);
            let answer = match call.send().await.map_err(self.failure("ecs:ListTasks")) {
                Ok(answer) => answer,
                Err(error) if error.is_absent() => return Ok(tasks),
                Err(error) => return Err(error),
            };
            if !answer.task_arns().is_empty() {
                let call = self
                    .ecs
                    .describe_tasks()
                    .cluster(cluster)
                    .set_tasks(Some(answer.task_arns().to_vec()));
                let described = call
                    .send()
                    .await
                    .map_err(self.failure("ecs:DescribeTasks"))?;
                tasks.extend(described.tasks().iter().map(Task::from));
            }
            next = answer.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(tasks);
            }
        }
    }
}

impl From<&wire::Service> for RunningService {
    fn from(service: &wire::Service) -> Self {
        Self {
            arn: service.service_arn().unwrap_or_default().to_owned(),
            name: service.service_name().unwrap_or_default().to_owned(),
            status: service.status().unwrap_or_default().to_owned(),
            desired: service.desired_count(),
            running: service.running_count(),
            pending: service.pending_count(),
            deployments: service.deployments().len(),
        }
    }
}

impl From<&wire::Task> for Task {
    fn from(task: &wire::Task) -> Self {
        Self {
            arn: task.task_arn().unwrap_or_default().to_owned(),
            group: task.group().map(str::to_owned),
            status: task.last_status().unwrap_or_default().to_owned(),
            health: task
                .health_status()
                .map(|health| health.as_str().to_owned()),
            stopped_reason: task.stopped_reason().map(str::to_owned),
            containers: task.containers().iter().map(Container::from).collect(),
        }
    }
}

impl From<&wire::Container> for Container {
    fn from(container: &wire::Container) -> Self {
        Self {
            name: container.name().unwrap_or_default().to_owned(),
            image: container.image().map(str::to_owned),
            status: container.last_status().map(str::to_owned),
            health: container
                .health_status()
                .map(|health| health.as_str().to_owned()),
            exit_code: container.exit_code(),
            reason: container.reason().map(str::to_owned),
        }
    }
}
