//! What the engine says while it works.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::error::because;
use super::{Cause, LeftBehind, StepFailure};
use crate::aws::{ResourceChange, ResourceStatus, StackStatus, Timestamp};
use crate::plan::{StepId, Term};

/// Something that happened. As JSON it is one object with the key `event`.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A step began.
    StepStarted {
        /// Which.
        step: StepId,
    },
    /// A step got somewhere.
    StepProgress {
        /// Which.
        step: StepId,
        /// Where it got.
        progress: Progress,
    },
    /// CloudFormation tells of a resource, or of the stack itself.
    Resource {
        /// The step that follows the stack.
        step: StepId,
        /// The stack.
        stack: String,
        /// The resource, or the stack's own name.
        logical_id: String,
        /// For example `AWS::EC2::VPC`.
        resource_type: String,
        /// What became of it.
        status: ResourceStatus,
        /// Why.
        reason: Option<String>,
        /// When, on the endpoint's clock.
        at: Option<Timestamp>,
    },
    /// A step ended well.
    StepFinished {
        /// Which.
        step: StepId,
        /// What it came to.
        outcome: Outcome,
        /// How long it took, in seconds.
        #[serde(serialize_with = "seconds")]
        elapsed: Duration,
    },
    /// A step failed.
    StepFailed {
        /// Which, and why.
        #[serde(flatten, serialize_with = "shared")]
        failure: Arc<StepFailure>,
    },
    /// A step will not be started, because one that it needs failed.
    StepSkipped {
        /// Which.
        step: StepId,
        /// The one that failed.
        because: StepId,
    },
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It made something.
    Created,
    /// It changed something.
    Updated,
    /// Everything was as it should be.
    Unchanged,
    /// It removed something.
    Deleted,
    /// There was nothing to remove.
    Absent,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Deleted => "deleted",
            Self::Absent => "absent",
        })
    }
}

/// Where a step got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Progress {
    /// The stack is being created.
    Creating,
    /// CloudFormation works out what would change.
    ChangeSet,
    /// The change set is carried out.
    Executing {
        /// What it does, resource by resource.
        changes: Vec<ResourceChange>,
        /// Whether there are more than these.
        has_more: bool,
    },
    /// An operation was under way already; it is waited for.
    Attached {
        /// What it is.
        status: StackStatus,
    },
    /// What an earlier failure left is removed first.
    Replacing {
        /// What it is in.
        status: StackStatus,
        /// What led there, where the events still tell.
        cause: Option<Box<Cause>>,
    },
    /// A roll-back that failed is continued.
    Continuing {
        /// What it failed for, where the events still tell.
        cause: Option<Box<Cause>>,
        /// The resources that are left as they are.
        skipping: Vec<String>,
    },
    /// An update that failed half-way is taken back before it is tried again.
    TakingBack {
        /// What it failed for, where the events still tell.
        cause: Option<Box<Cause>>,
    },
    /// An earlier deletion failed; it is tried again.
    DeletingAgain {
        /// What the stack is in.
        status: StackStatus,
        /// What it failed for, where the events still tell.
        cause: Option<Box<Cause>>,
    },
    /// What this run began is called off, at an interrupt.
    Cancelling {
        /// What it comes to.
        outcome: Outcome,
    },
    /// The stack is being deleted.
    Deleting,
    /// The first resource failed; what follows is the roll-back.
    Failing {
        /// Which, and why.
        cause: Cause,
    },
    /// A task of the service stopped, while the service is still being changed.
    TaskStopped {
        /// The task's ARN.
        task: String,
        /// Why, and what it wrote last.
        reason: String,
    },
    /// The account has the key pair already.
    KeyPairFound {
        /// Whether the private key is where it would have been saved.
        private_key_here: bool,
    },
    /// A private key was saved on this machine.
    PrivateKeySaved {
        /// Where.
        path: PathBuf,
    },
    /// The image is built.
    ImageBuilt {
        /// Its digest.
        digest: String,
        /// The size of its layer in bytes.
        bytes: usize,
    },
    /// The image is in the repository.
    ImagePushed {
        /// What names it.
        reference: String,
        /// False when it was there before.
        uploaded: bool,
    },
    /// The template, which is too long for a request, is in the bucket.
    TemplateKept {
        /// Where CloudFormation reads it.
        url: String,
        /// False when it was there before.
        uploaded: bool,
    },
    /// The service takes no update for these terms alone.
    TermsLeft {
        /// Which differ still.
        terms: Vec<Term>,
    },
    /// A resource was replaced, and the one before could not be deleted.
    LeftBehind(LeftBehind),
    /// What a replacement left behind is removed.
    LeftBehindRemoved {
        /// The repository.
        repository: String,
        /// How many images it held.
        images: usize,
    },
    /// The repository is empty.
    ImagesRemoved {
        /// How many images it held.
        images: usize,
    },
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Creating => f.write_str("is being created"),
            Self::ChangeSet => f.write_str("works out what changes"),
            Self::Executing { changes, has_more } => {
                let more = if *has_more { "more than " } else { "" };
                let plural = if changes.len() == 1 { "" } else { "s" };
                write!(f, "changes {more}{} resource{plural}", changes.len())
            }
            Self::Attached { status } => write!(f, "waits for what is under way ({status})"),
            Self::Replacing { status, cause } => {
                let because = because(cause.as_deref());
                write!(
                    f,
                    "removes what an earlier failure left ({status}){because}"
                )
            }
            Self::Continuing { cause, skipping } => {
                let because = because(cause.as_deref());
                write!(f, "continues the roll-back that failed{because}")?;
                if !skipping.is_empty() {
                    write!(f, "; leaves {} as it is", skipping.join(", "))?;
                }
                Ok(())
            }
            Self::TakingBack { cause } => {
                let because = because(cause.as_deref());
                write!(f, "takes back the update that failed half-way{because}")
            }
            Self::DeletingAgain { status, cause } => {
                let because = because(cause.as_deref());
                write!(f, "tries again what failed before ({status}){because}")
            }
            Self::Cancelling {
                outcome: Outcome::Deleted,
            } => f.write_str("is called off: it is deleted again"),
            Self::Cancelling { .. } => f.write_str("is called off: the update is taken back"),
            Self::Deleting => f.write_str("is being deleted"),
            Self::Failing { cause } => write!(f, "fails: {cause}"),
            Self::TaskStopped { reason, .. } => f.write_str(reason),
            Self::KeyPairFound {
                private_key_here: true,
            } => f.write_str("is there, and so is its private key"),
            Self::KeyPairFound {
                private_key_here: false,
            } => f.write_str("is there; its private key is not on this machine"),
            Self::PrivateKeySaved { path } => {
                write!(f, "private key saved to `{}`", path.display())
            }
            Self::ImageBuilt { digest, .. } => write!(f, "built {digest}"),
            Self::ImagePushed {
                reference,
                uploaded: true,
            } => write!(f, "pushed `{reference}`"),
            Self::ImagePushed {
                reference,
                uploaded: false,
            } => write!(f, "`{reference}` is up to date"),
            Self::TemplateKept {
                url,
                uploaded: true,
            } => write!(f, "template sent to {url}"),
            Self::TemplateKept {
                url,
                uploaded: false,
            } => write!(f, "template is at {url} already"),
            Self::TermsLeft { terms } => {
                let terms: Vec<String> = terms.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "the service takes no update for the {} alone; the next change of the stack takes it along",
                    terms.join(" and ")
                )
            }
            Self::LeftBehind(left) => write!(f, "{left}"),
            Self::LeftBehindRemoved { repository, images } => {
                let plural = if *images == 1 { "" } else { "s" };
                write!(
                    f,
                    "removed `{repository}`, which an update left behind, with {images} image{plural}"
                )
            }
            Self::ImagesRemoved { images: 1 } => f.write_str("removed 1 image"),
            Self::ImagesRemoved { images } => write!(f, "removed {images} images"),
        }
    }
}

pub(super) fn seconds<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((duration.as_secs_f64() * 1000.0).round() / 1000.0)
}

fn shared<S: Serializer>(failure: &Arc<StepFailure>, serializer: S) -> Result<S::Ok, S::Error> {
    failure.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::StepError;

    #[test]
    fn a_failure_is_one_flat_object() {
        let error = StepError::MayNotReplace {
            status: StackStatus::RollbackComplete,
            cause: None,
        };
        let event = Event::StepFailed {
            failure: Arc::new(StepFailure {
                step: StepId::KeyPair,
                error,
            }),
        };
        insta::assert_snapshot!(serde_json::to_string(&event).expect("serializable"), @r#"{"event":"step_failed","step":"key pair","error":"the stack is in ROLLBACK_COMPLETE, where only a new one can take its place","cause":null,"hint":"run `colormesh up --replace-failed`, which deletes it and makes it anew, or `colormesh down` first","rolled_back":false}"#);
    }
}
