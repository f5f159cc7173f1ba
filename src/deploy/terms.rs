//! What is asked of CloudFormation with each operation, besides the template,
//! and where a template is kept that is too long for a request.

use std::time::Duration;

use crate::aws::Bucket;

/// The same for all stacks of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// The role that it acts as, instead of the caller.
    pub role_arn: Option<String>,
    /// The topics that are told of every event.
    pub notification_arns: Vec<String>,
    /// The alarms that take a change back while it is made.
    pub rollback_alarms: Vec<String>,
    /// How long an operation on one stack may take.
    pub timeout: Option<Duration>,
    /// Whether stacks are protected from deletion; `None` leaves that as it is.
    pub termination_protection: Option<bool>,
    /// Where templates go that are too long for a request, if anywhere.
    pub bucket: Option<Bucket>,
    /// Whether stacks for which that is safe are deployed in express mode.
    pub express: bool,
}
