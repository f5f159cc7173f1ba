//! The AWS account behind an endpoint, as colormesh sees it.
//!
//! The only room that names the SDK crates. Everything that crosses its edge
//! is one of the plain types below: statuses are enums, texts are checked
//! once, and an error says what went wrong and what to do about it. It decides
//! nothing: what to call, and when, is up to `deploy` and `cli`.

mod app_mesh;
mod attribute;
mod change_sets;
mod cloud;
mod cloudformation;
mod drift;
mod ecr;
mod ecs;
mod error;
mod events;
mod identity;
mod key_pair;
#[cfg_attr(not(feature = "ec2"), path = "key_pairs_absent.rs")]
mod key_pairs;
mod permissions;
mod recovery;
mod signed;
mod stack;
mod stack_status;
mod templates;
mod timestamp;
mod wire;

pub use app_mesh::AppMeshAnswer;
pub use change_sets::ChangeSetRequest;
pub use cloud::{Cloud, CredentialSource, Options};
pub use cloudformation::{StackPage, UnderWay};
pub use drift::{DriftCheck, DriftKind, DriftPage, DriftStatus, PropertyDrift, ResourceDrift};
pub use ecr::{RegistryLogin, Repository};
pub use ecs::{Container, RunningService, Task};
pub use error::CloudError;
pub use events::{EventPage, EventsOf, Operation};
pub use identity::Identity;
pub use key_pair::KeyPair;
pub use permissions::{Names, Part, Policy, UnknownType, Whose, policy};
pub use recovery::WaitingChangeSet;
pub use stack::{
    AttributeChange, ChangeAction, ChangeSet, ChangeSetKind, ChangeSetState, Known, Replacement,
    ResourceChange, ResourceStatus, Stack, StackEvent, StackResource,
};
pub use stack_status::StackStatus;
pub use templates::{Bucket, KeptTemplate, Template};
pub use timestamp::Timestamp;
