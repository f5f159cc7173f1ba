//! What is deployed, as it was read.

use std::collections::BTreeMap;

use crate::aws::{KeyPair, Stack};
use crate::stack::StackName;

/// A stack of the account, with the template that it was last given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployedStack {
    /// The stack.
    pub stack: Stack,
    /// Its template, where it was read and there is one.
    pub template: Option<String>,
}

/// What the account holds of an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deployed {
    /// The stacks that are there.
    pub stacks: BTreeMap<StackName, DeployedStack>,
    /// The key pair, if it is there.
    pub key_pair: Option<KeyPair>,
    /// Whether the account is known to hold no other stacks.
    pub is_alone: bool,
}
