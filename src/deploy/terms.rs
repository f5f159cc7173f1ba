//! What is asked of CloudFormation with each operation, besides what it keeps
//! with a stack, and where a template is kept that is too long for a request.

use std::time::Duration;

use crate::aws::Bucket;

/// The same for all stacks of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// The role that it acts as where a stack goes or is taken back.
    pub role_arn: Option<String>,
    /// How long an operation on one stack may take.
    pub timeout: Option<Duration>,
    /// Where templates go that are too long for a request, if anywhere.
    pub bucket: Option<Bucket>,
    /// Whether stacks for which that is safe are deployed in express mode.
    pub express: bool,
}
