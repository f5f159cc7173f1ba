//! What CloudFormation keeps with a stack besides its template, values and tags.

use crate::config::{Config, Target};

/// The terms of a stack. What is left out stays as it is: others may have set
/// it, and a tool that is not told of it has no business taking it away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackTerms {
    /// The role that acts. CloudFormation takes another one, but never none.
    pub role_arn: Option<String>,
    /// The topics that are told of every event.
    pub notification_arns: Option<Vec<String>>,
    /// The alarms that take a change back while it is made.
    pub rollback_alarms: Option<Vec<String>>,
    /// Whether the stack is protected from deletion.
    pub termination_protection: Option<bool>,
}

// === impl StackTerms ===

impl StackTerms {
    /// What the settings want.
    pub fn of(config: &Config) -> Self {
        let stacks = &config.stacks;
        Self {
            role_arn: acting_role(config),
            notification_arns: stacks.notification_arns.as_deref().map(texts),
            rollback_alarms: stacks.rollback_alarms.as_deref().map(texts),
            termination_protection: stacks.termination_protection,
        }
    }
}

/// The role that CloudFormation acts as. The account on this machine has no
/// roles but those of its stacks, and needs none to act.
pub fn acting_role(config: &Config) -> Option<String> {
    let role = config.stacks.role_arn.as_ref();
    role.filter(|_| config.target == Target::Aws)
        .map(ToString::to_string)
}

fn texts(values: &[impl ToString]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}
