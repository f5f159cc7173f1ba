//! Why a step, or a whole deployment, failed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::hint::hint_for;
use super::{CalledOff, Cause, Report};
use crate::aws::{CloudError, StackStatus};
use crate::plan::StepId;
use crate::stack::StackName;

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// A call came to nothing.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// CloudFormation carried the change out and it failed.
    #[error("{cause}")]
    Failed {
        /// Where the stack ended.
        status: StackStatus,
        /// The first failure.
        cause: Box<Cause>,
    },
    /// CloudFormation did not take the change.
    #[error("CloudFormation refuses the change: {reason}")]
    ChangeSet {
        /// Why, in its words.
        reason: String,
    },
    /// `CloudFormation` does not come to an end with a change set.
    #[error("CloudFormation did not work out within {} s what changes", limit.as_secs())]
    NotWorkedOut {
        /// How long it was waited for.
        limit: Duration,
    },
    /// The stack is in a status that needs a person.
    #[error("the stack is in {status}{}", because(cause.as_deref()))]
    Blocked {
        /// The status.
        status: StackStatus,
        /// What led there, where the events still tell.
        cause: Option<Box<Cause>>,
        /// What a person can do.
        hint: String,
    },
    /// The stack's creation failed, and it may not be replaced unasked.
    #[error(
        "the stack is in {status}, where only a new one can take its place{}",
        because(cause.as_deref())
    )]
    MayNotReplace {
        /// The status.
        status: StackStatus,
        /// What led there, where the events still tell.
        cause: Option<Box<Cause>>,
    },
    /// A roll-back failed, and failed again when it was continued.
    #[error("the roll-back failed again ({status}): {cause}")]
    StillStuck {
        /// The stack.
        stack: StackName,
        /// Where it is.
        status: StackStatus,
        /// The first failure.
        cause: Box<Cause>,
    },
    /// The change would lose data, and nobody said that it may.
    #[error("the change loses data: it {}", losses.join(", it "))]
    LosesData {
        /// What, in words.
        losses: Vec<String>,
    },
    /// The operation took longer than it may and was called off.
    #[error("it took longer than {} s and was called off ({status})", limit.as_secs())]
    OverTime {
        /// How long it may take.
        limit: Duration,
        /// Where that ended.
        status: StackStatus,
    },
    /// Somebody else keeps changing the stack.
    #[error("the stack was changed by somebody else each time ({status})")]
    Contended {
        /// What it was in last.
        status: StackStatus,
    },
    /// The deletion was called off by CloudFormation.
    #[error("the stack was not deleted: {reason}")]
    NotDeleted {
        /// Why.
        reason: String,
    },
    /// A private key could not be made or saved.
    #[error("the private key `{}` cannot be saved: {reason}", path.display())]
    PrivateKey {
        /// Where it was to be.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file stands where the private key would be saved, and it is no key.
    #[error("`{}` is in the way: the account has no such key pair, and the file holds no private key", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// The image could not be built or pushed.
    #[error("{reason}")]
    Image {
        /// Why, with its causes.
        reason: String,
    },
    /// The stack of the repository holds none.
    #[error("the stack `{stack}` holds no image repository")]
    NoRepository {
        /// The stack.
        stack: String,
    },
}

// === impl StepError ===

impl StepError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Cloud(error) => error.hint().or_else(|| hint_for(error.message())),
            // What a task stopped for says more than that its service did not come up.
            Self::Failed { cause, .. } => cause
                .details
                .iter()
                .chain([&cause.reason])
                .find_map(|reason| hint_for(reason)),
            Self::ChangeSet { reason } | Self::NotDeleted { reason } => hint_for(reason),
            Self::Blocked { hint, .. } => Some(hint.clone()),
            Self::MayNotReplace { .. } => {
                Some("run `colormesh up --replace-failed`, which deletes it and makes it anew, or `colormesh down` first".into())
            }
            Self::StillStuck { stack, cause, .. } => Some(format!(
                "mend what is named there and run `colormesh up` again, or leave that resource as it is with \
                 `--skip-resource {stack}.{}`",
                cause.logical_id
            )),
            Self::LosesData { .. } => Some(
                "save what is needed of it, then run `colormesh up --allow-replacement`".into(),
            ),
            Self::OverTime { .. } => Some(
                "find out what it waits for in its events, or allow more with `stacks.timeout`".into(),
            ),
            Self::NotWorkedOut { .. } => Some(
                "run the command again, which asks anew; when it comes to the same, look for CloudFormation in the AWS \
                 Health Dashboard".into(),
            ),
            Self::Contended { .. } => Some("find out who else deploys this environment, then run the command again".into()),
            Self::PrivateKey { .. } => Some("check that the folder exists and may be written".into()),
            Self::NotAKey { path } => Some(format!(
                "move `{}` away, put the private key of the pair there, or name another pair with `key_pair`",
                path.display()
            )),
            Self::Image { reason } => hint_for(reason),
            Self::NoRepository { .. } => Some("run `colormesh up` again".into()),
        }
    }

    /// Whether a change was tried and taken back.
    pub fn is_rolled_back(&self) -> bool {
        match self {
            Self::Failed { status, .. } => status.is_rollback(),
            Self::OverTime { .. } => true,
            _ => false,
        }
    }
}

pub(super) fn because(cause: Option<&Cause>) -> String {
    cause.map_or_else(String::new, |cause| format!(": {cause}"))
}

/// A step that failed, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {error}")]
pub struct StepFailure {
    /// The step.
    pub step: StepId,
    /// Why.
    pub error: StepError,
}

impl Serialize for StepFailure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cause = match &self.error {
            StepError::Failed { cause, .. } | StepError::StillStuck { cause, .. } => {
                Some(cause.as_ref())
            }
            StepError::Blocked { cause, .. } | StepError::MayNotReplace { cause, .. } => {
                cause.as_deref()
            }
            _ => None,
        };
        let mut fields = serializer.serialize_struct("StepFailure", 5)?;
        fields.serialize_field("step", &self.step)?;
        fields.serialize_field("error", &self.error.to_string())?;
        fields.serialize_field("cause", &cause)?;
        fields.serialize_field("hint", &self.error.hint())?;
        fields.serialize_field("rolled_back", &self.error.is_rolled_back())?;
        fields.end()
    }
}

/// Why a deployment did not come to its end.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeployError {
    /// Steps failed; all others that could run did.
    #[error("{}", failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Failed {
        /// The failures, in the order in which they happened.
        failures: Vec<Arc<StepFailure>>,
        /// What was never started, because it needs what failed.
        skipped: Vec<StepId>,
        /// What went well.
        report: Box<Report>,
    },
    /// It was broken off.
    #[error("interrupted")]
    Interrupted {
        /// What the endpoint goes on with.
        going_on: Vec<StepId>,
        /// What was called off, and where that ended.
        called_off: Vec<CalledOff>,
        /// What was begun here alone, and is begun again.
        unfinished: Vec<StepId>,
        /// What was not started.
        not_started: Vec<StepId>,
        /// What was done before.
        report: Box<Report>,
    },
}

// === impl DeployError ===

impl DeployError {
    /// Whether a change was tried and taken back.
    pub fn is_rolled_back(&self) -> bool {
        match self {
            Self::Failed { failures, .. } => failures
                .iter()
                .any(|failure| failure.error.is_rolled_back()),
            Self::Interrupted { .. } => false,
        }
    }
}
