//! Stacks compared with what is really there: all at once, at the pace of a
//! run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::pace::Pace;
use crate::aws::{Cloud, CloudError, DriftCheck, DriftStatus, ResourceDrift};

/// How often an answer may fail for other reasons than throttling.
const MISSES: usize = 20;
/// How long one question may go on being throttled.
const THROTTLED: Duration = Duration::from_mins(10);

/// How long a comparison that somebody else began is waited for, and how often
/// it is looked whether it is over.
const OCCUPIED: Duration = Duration::from_mins(10);
const PAUSE: Duration = Duration::from_secs(5);
/// How long a comparison may take.
const COMPARISON: Duration = Duration::from_mins(15);

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
                drift.failure = failure.or_else(|| unknown(status));
            }
            Err(reason) => {
                drift.failure = Some(reason);
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

    /// What a comparison came to; else why it did not come to anything.
    async fn compared(&self, stack: &str) -> Result<(DriftStatus, Option<String>), String> {
        let told = |error: CloudError| error.to_string();
        let id = self.begun(stack).await.map_err(told)?;
        let begun = Instant::now();
        while begun.elapsed() < COMPARISON {
            let check = self.asked(|| self.cloud.drift_check(&id)).await;
            match check.map_err(told)? {
                DriftCheck::Running => {}
                DriftCheck::Over { status, failure } => return Ok((status, failure)),
            }
        }
        let minutes = COMPARISON.as_secs() / 60;
        Err(format!(
            "the comparison is not over after {minutes} minutes"
        ))
    }

    /// Begins a comparison, after the one that is under way: somebody else's, or
    /// our own, whose answer did not come.
    async fn begun(&self, stack: &str) -> Result<String, CloudError> {
        let since = Instant::now();
        loop {
            match self.asked(|| self.cloud.begin_drift_check(stack)).await {
                Err(error) if is_occupied(&error) && since.elapsed() < OCCUPIED => {}
                answer => return answer,
            }
            sleep(PAUSE).await;
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

/// Why a stack of this status counts as not compared, if it does.
fn unknown(status: DriftStatus) -> Option<String> {
    let text = "CloudFormation could not find out whether it differs";
    (status == DriftStatus::Unknown).then(|| text.to_owned())
}

/// Whether a comparison is refused because another one goes on.
fn is_occupied(error: &CloudError) -> bool {
    let message = error.message();
    message.contains("rift detection") && message.contains("already in progress")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_status_is_no_comparison() {
        assert!(unknown(DriftStatus::Unknown).is_some());
        assert_eq!(unknown(DriftStatus::InSync), None);
        assert_eq!(unknown(DriftStatus::Drifted), None);
        // A stack with nothing in it that can be compared.
        assert_eq!(unknown(DriftStatus::NotChecked), None);
    }

    #[test]
    fn a_comparison_under_way_is_waited_for_and_another_refusal_is_not() {
        let refused = |message: &str| CloudError::Refused {
            operation: "cloudformation:DetectStackDrift",
            code: "ValidationError".to_owned(),
            message: message.to_owned(),
        };
        let occupied = "Drift detection is already in progress for stack [arn:x]";
        assert!(is_occupied(&refused(occupied)));
        let busy = "Drift detection operation cannot be performed on stack [arn:x] in status [UPDATE_IN_PROGRESS].";
        assert!(!is_occupied(&refused(busy)));
    }
}
