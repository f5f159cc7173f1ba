//! What is asked of CloudFormation with each operation, besides the template.

use std::time::Duration;

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
    /// Whether stacks for which that is safe are deployed in express mode.
    pub express: bool,
}
