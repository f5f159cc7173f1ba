//! CloudFormation's comparison of a stack with what is really there.

use std::fmt;

use aws_sdk_cloudformation::types as wire;
use serde::Serialize;

use super::{Cloud, CloudError};

/// Whether a stack is what its template says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DriftStatus {
    /// It is, as far as CloudFormation can compare.
    InSync,
    /// It is not.
    Drifted,
    /// It was not compared, or has nothing that can be.
    NotChecked,
    /// The endpoint could not tell, or says something that is not known here.
    Unknown,
}

/// How far a comparison is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DriftCheck {
    /// It goes on.
    Running,
    /// It is over.
    Over {
        /// What came of it.
        status: DriftStatus,
        /// Why not all resources could be compared, if so.
        failure: Option<String>,
    },
}

/// A resource that is not what its template says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceDrift {
    /// Its name in the template.
    pub logical_id: String,
    /// Its name in the account.
    pub physical_id: Option<String>,
    /// For example `AWS::ECS::Service`.
    pub resource_type: String,
    /// Whether it is there.
    pub kind: DriftKind,
    /// Where it differs.
    pub properties: Vec<PropertyDrift>,
}

/// What became of a resource behind CloudFormation's back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// It was changed.
    Modified,
    /// It was deleted.
    Deleted,
}

/// A place where a resource differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PropertyDrift {
    /// A JSON pointer into its properties.
    pub path: String,
    /// What the template says; `None` where it says nothing.
    pub expected: Option<String>,
    /// What is there; `None` where nothing is.
    pub actual: Option<String>,
}

/// One page of the resources that differ.
#[derive(Debug, Clone)]
pub struct DriftPage {
    /// The resources.
    pub resources: Vec<ResourceDrift>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

// === impl DriftStatus ===

impl fmt::Display for DriftStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InSync => "IN_SYNC",
            Self::Drifted => "DRIFTED",
            Self::NotChecked => "NOT_CHECKED",
            Self::Unknown => "UNKNOWN",
        })
    }
}

impl Cloud {
    /// Begins to compare a stack; gives the comparison's id.
    pub async fn begin_drift_check(&self, stack: &str) -> Result<String, CloudError> {
        const OPERATION: &str = "cloudformation:DetectStackDrift";
        let call = self.cloudformation.detect_stack_drift().stack_name(stack);
        let answer = call.send().await.map_err(self.failure(OPERATION))?;
        let id = answer.stack_drift_detection_id();
        id.map(str::to_owned).ok_or(CloudError::Unreadable {
            operation: OPERATION,
            reason: "it holds no id".into(),
        })
    }

    /// How far a comparison is.
    pub async fn drift_check(&self, id: &str) -> Result<DriftCheck, CloudError> {
        let call = self
            .cloudformation
            .describe_stack_drift_detection_status()
            .stack_drift_detection_id(id);
        let answer = call
            .send()
            .await
            .map_err(self.failure("cloudformation:DescribeStackDriftDetectionStatus"))?;
        let failure = match answer.detection_status() {
            Some(wire::StackDriftDetectionStatus::DetectionComplete) => None,
            Some(wire::StackDriftDetectionStatus::DetectionFailed) => {
                let reason = answer.detection_status_reason();
                Some(reason.unwrap_or("no reason was given").to_owned())
            }
            _ => return Ok(DriftCheck::Running),
        };
        let status = match answer.stack_drift_status() {
            Some(wire::StackDriftStatus::InSync) => DriftStatus::InSync,
            Some(wire::StackDriftStatus::Drifted) => DriftStatus::Drifted,
            Some(wire::StackDriftStatus::NotChecked) => DriftStatus::NotChecked,
            _ => DriftStatus::Unknown,
        };
        Ok(DriftCheck::Over { status, failure })
    }

    /// One page of the resources that the last comparison of a stack found to
    /// differ; `next` comes from the page before.
    pub async fn drifted_resources(
        &self,
        stack: &str,
        next: Option<String>,
    ) -> Result<DriftPage, CloudError> {
        let call = self
            .cloudformation
            .describe_stack_resource_drifts()
            .stack_name(stack)
            .stack_resource_drift_status_filters(wire::StackResourceDriftStatus::Modified)
            .stack_resource_drift_status_filters(wire::StackResourceDriftStatus::Deleted)
            .set_next_token(next);
        let answer = call
            .send()
            .await
            .map_err(self.failure("cloudformation:DescribeStackResourceDrifts"))?;
        let resources = answer.stack_resource_drifts().iter();
        Ok(DriftPage {
            resources: resources.map(ResourceDrift::from).collect(),
            next: answer.next_token().map(str::to_owned),
        })
    }
}

impl From<&wire::StackResourceDrift> for ResourceDrift {
    fn from(drift: &wire::StackResourceDrift) -> Self {
        let is_deleted =
            drift.stack_resource_drift_status() == Some(&wire::StackResourceDriftStatus::Deleted);
        let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self {
            logical_id: owned(drift.logical_resource_id()),
            physical_id: drift.physical_resource_id().map(str::to_owned),
            resource_type: owned(drift.resource_type()),
            kind: if is_deleted {
                DriftKind::Deleted
            } else {
                DriftKind::Modified
            },
            properties: drift
                .property_differences()
                .iter()
                .map(PropertyDrift::from)
                .collect(),
        }
    }
}

impl From<&wire::PropertyDifference> for PropertyDrift {
    fn from(place: &wire::PropertyDifference) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let (expected, actual) = (text(place.expected_value()), text(place.actual_value()));
        let (expected, actual) = match place.difference_type() {
            Some(wire::DifferenceType::Add) => (None, Some(actual)),
            Some(wire::DifferenceType::Remove) => (Some(expected), None),
            _ => (Some(expected), Some(actual)),
        };
        Self {
            path: text(place.property_path()),
            expected,
            actual,
        }
    }
}
