//! Steps, and the plan that they make up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Serialize, Serializer};

use super::{Change, DeployedStack, Move};
use crate::aws::StackStatus;
use crate::stack::{RenderedStack, StackName};

/// What names a step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepId {
    /// A stack is brought up, or taken down.
    Stack(StackName),
    /// The key pair is made, or removed.
    KeyPair,
    /// The app's image is built.
    ImageBuild,
    /// The app's image is pushed.
    ImagePush,
    /// The images with an Envoy and its configuration are pushed.
    SidecarPush,
    /// The images of the repository in this stack are removed.
    EmptyRepository(StackName),
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stack(name) => write!(f, "{name}"),
            Self::KeyPair => f.write_str("key pair"),
            Self::ImageBuild => f.write_str("image build"),
            Self::ImagePush => f.write_str("image push"),
            Self::SidecarPush => f.write_str("sidecar push"),
            Self::EmptyRepository(_) => f.write_str("images"),
        }
    }
}

impl Serialize for StepId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a step will do, as far as is known before it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Makes what is not there.
    Create,
    /// Changes what is there.
    Update {
        /// What differs.
        changes: Vec<Change>,
    },
    /// Changes what is there, unless a value that is known only later turns
    /// out to be the old one.
    MayUpdate {
        /// What differs or may.
        changes: Vec<Change>,
    },
    /// Finds everything as it should be.
    Unchanged,
    /// Removes what an earlier failure left, and makes it anew.
    Replace {
        /// The status that leaves no other way.
        status: StackStatus,
    },
    /// Waits for an operation that was started elsewhere or earlier, and then
    /// decides.
    Wait {
        /// The status of that operation.
        status: StackStatus,
    },
    /// Goes on with a roll-back that failed, and then decides.
    Continue {
        /// The status of it.
        status: StackStatus,
    },
    /// Cannot do anything.
    Blocked {
        /// The status that stands in the way.
        status: StackStatus,
        /// What a person can do.
        hint: String,
    },
    /// Does its work each time.
    Run,
    /// Removes what is there.
    Delete,
    /// Finds nothing to remove.
    Absent,
}

// === impl Action ===

impl Action {
    /// Whether something would change, as far as is known.
    pub fn is_change(&self) -> bool {
        match self {
            Self::Create
            | Self::Update { .. }
            | Self::MayUpdate { .. }
            | Self::Replace { .. }
            | Self::Continue { .. }
            | Self::Blocked { .. }
            | Self::Wait { .. }
            | Self::Delete => true,
            Self::Unchanged | Self::Run | Self::Absent => false,
        }
    }
}

/// One thing to do, and what must be done before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its name.
    pub id: StepId,
    /// The steps that it needs.
    pub needs: BTreeSet<StepId>,
    /// What it will do.
    #[serde(flatten)]
    pub action: Action,
}

/// Which way a plan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Towards the environment as the settings have it.
    Up,
    /// Towards nothing.
    Down,
}

/// Steps in an order that respects what they need.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Which way it goes.
    pub direction: Direction,
    /// The steps.
    pub steps: Vec<Step>,
    /// What moves from one stack to another, and is made anew.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<Move>,
    /// The stacks as they should be.
    #[serde(skip)]
    pub rendered: BTreeMap<StackName, RenderedStack>,
    /// The stacks as they are.
    #[serde(skip)]
    pub deployed: BTreeMap<StackName, DeployedStack>,
    /// Whether the account is known to hold no other stacks.
    #[serde(skip)]
    pub is_alone: bool,
}

// === impl Plan ===

impl Plan {
    /// For each step how many come after it, in the longest row.
    pub fn followers(&self) -> BTreeMap<StepId, usize> {
        let mut followers = BTreeMap::new();
        for step in self.steps.iter().rev() {
            let own = *followers.entry(step.id.clone()).or_insert(0);
            for need in &step.needs {
                let of_need = followers.entry(need.clone()).or_insert(0);
                *of_need = (own + 1).max(*of_need);
            }
        }
        followers
    }

    /// Whether it would change anything, as far as is known.
    pub fn has_changes(&self) -> bool {
        self.steps.iter().any(|step| step.action.is_change())
    }

    /// Finds a step.
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == *id)
    }
}
