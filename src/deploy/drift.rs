//! Stacks compared with what is really there: all at once, at the pace of a
//! run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::pace::Pace;
use crate::aws::{Cloud, CloudError, DriftCheck, DriftStatus, ResourceDrift};

/// How often an answer may fail for other reasons than throttling.
const MISSES: usize = 20;
/// How long one question may go on being throttled.
const THROTTLED: Duration = Duration::from_mins(10);

/// How one stack differs from its template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StackDrift {
    /// What the comparison came to.
    pub status: DriftStatus,
    /// Why it, or a part of it, could not be compared.
    pub failure: Option<String>,
    /// The resources that differ.
    pub resources: Vec<ResourceDrift>,
}

/// Has these stacks compared, and tells how each differs.
pub async fn drift(
    cloud: &Cloud,
    stacks: impl IntoIterator<Item = String>,
) -> BTreeMap<String, StackDrift> {
    let comparison = Comparison {
        cloud: cloud.without_retries(),
        pace: Arc::new(Pace::of(cloud)),
    };
    let mut looks = JoinSet::new();
    for stack in stacks {
        let comparison = comparison.clone();
        looks.spawn(async move {
            let drift = comparison.of(&stack).await;
            (stack, drift)
        });
    }
    looks.join_all().await.into_iter().collect()
}

/// What all stacks share: one call is one request and one turn.
#[derive(Debug, Clone)]
struct Comparison {
    cloud: Cloud,
    pace: Arc<Pace>,
}

// === impl Comparison ===

impl Comparison {
    /// Compares one stack; a failure is told with what is known.
    async fn of(&self, stack: &str) -> StackDrift {
        let mut drift = StackDrift {
            status: DriftStatus::NotChecked,
            failure: None,
            resources: Vec::new(),
        };
        match self.compared(stack).await {
            Ok((status, failure)) => {
                drift.status = status;
                drift.failure = failure;
            }
            Err(error) => {
                drift.failure = Some(error.to_string());
                return drift;
            }
        }
        if drift.status != DriftStatus::InSync {
            match self.resources(stack).await {
                Ok(resources) => drift.resources = resources,
                Err(error) => drift.failure = Some(error.to_string()),
            }
        }
        drift
    }

    async fn compared(&self, stack: &str) -> Result<(DriftStatus, Option<String>), CloudError> {
        let id = self.asked(|| self.cloud.begin_drift_check(stack)).await?;
        loop {
            match self.asked(|| self.cloud.drift_check(&id)).await? {
                DriftCheck::Running => {}
                DriftCheck::Over { status, failure } => return Ok((status, failure)),
            }
        }
    }

    async fn resources(&self, stack: &str) -> Result<Vec<ResourceDrift>, CloudError> {
        let mut resources = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let page = self
                .asked(|| self.cloud.drifted_resources(stack, next.clone()))
                .await?;
            resources.extend(page.resources);
            next = page.next;
            if next.is_none() {
                return Ok(resources);
            }
        }
    }

    /// Takes a turn and asks, again where that may help.
    async fn asked<T, F>(&self, call: impl Fn() -> F) -> Result<T, CloudError>
    where
        F: Future<Output = Result<T, CloudError>>,
    {
        let (begun, mut misses) = (Instant::now(), 0);
        loop {
            self.pace.turn().await;
            let answer = call().await;
            self.pace.learn(&answer);
            match answer {
                Err(CloudError::Throttled { .. }) if begun.elapsed() < THROTTLED => {}
                Err(error) if error.is_transient() && misses < MISSES => misses += 1,
                answer => return answer,
            }
        }
    }
}
