//! A stack brought into a status that a client has to cope with, by the way
//! that leads there: operations that fail, or that never end.

use super::latency::Verb;
use super::settings::{ResourceEffect, ResourceFault};
use crate::account::cloudformation::{
    self as engine, ChangeSetKind, ChangeSetRequest, DeleteRequest, OnFailure, StackRequest,
    Submitted,
};
use crate::account::{Account, ApiError};
use std::time::Duration;
use tokio::time::Instant;

/// How long the way may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stack to be brought somewhere.
#[derive(Clone, Debug, Default)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// What it is made from.
    pub first: Submitted,
    /// What it is changed to, where the way leads over an update. It must
    /// change a resource; for `UPDATE_COMPLETE_CLEANUP_IN_PROGRESS` it must
    /// drop or replace one, and for
    /// `UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS` add or replace one.
    pub second: Submitted,
}

/// Why a stack is not where it should be.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// A call on the way was refused.
    #[error(transparent)]
    Refused(#[from] ApiError),
    /// The way ended elsewhere.
    #[error("the stack is {is} and should be {wanted}")]
    Elsewhere {
        /// Where it is.
        is: String,
        /// Where it should be.
        wanted: String,
    },
    /// There is no such status, or the account has no laboratory.
    #[error("there is no way to {0}, or no laboratory")]
    NoWay(String),
}

/// All statuses that a stack can have.
pub const STATUSES: [&str; 23] = [
    "CREATE_IN_PROGRESS",
    "CREATE_FAILED",
    "CREATE_COMPLETE",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_FAILED",
    "ROLLBACK_COMPLETE",
    "DELETE_IN_PROGRESS",
    "DELETE_FAILED",
    "DELETE_COMPLETE",
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
    "REVIEW_IN_PROGRESS",
    "IMPORT_IN_PROGRESS",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_IN_PROGRESS",
    "IMPORT_ROLLBACK_FAILED",
    "IMPORT_ROLLBACK_COMPLETE",
];

// === impl Stage ===

impl Stage {
    /// Brings the stack, which is not there yet, into this status; gives its
    /// ARN. The rules that keep it there stand until `Lab::heal`; then what
    /// is in progress goes on to its end. Imports are not made here: their
    /// statuses are set by hand on a stack that is complete.
    pub async fn bring(&self, account: &Account, status: &str) -> Result<String, StageError> {
        if !account.lab().is_on() || !STATUSES.contains(&status) {
            return Err(StageError::NoWay(status.to_owned()));
        }
        let id = self.go(account, status).await?;
        self.reached(account, &id, status).await?;
        Ok(id)
    }

    async fn go(&self, account: &Account, status: &str) -> Result<String, StageError> {
        let stage = Way {
            stage: self,
            account,
        };
        let forward = [Verb::Create, Verb::Update];
        match status {
            "REVIEW_IN_PROGRESS" => return stage.review(),
            "CREATE_IN_PROGRESS" => {
                stage.fault(&forward, ResourceEffect::Stuck);
                return stage.create(OnFailure::RollBack);
            }
            "CREATE_FAILED" => {
                stage.fail_once(&forward);
                return stage.create(OnFailure::Keep);
            }
            "ROLLBACK_IN_PROGRESS" => {
                stage.fail_once(&forward);
                stage.fault(&[Verb::Delete], ResourceEffect::Stuck);
                return stage.create(OnFailure::RollBack);
            }
            "ROLLBACK_FAILED" => {
                stage.fail_once(&forward);
                stage.fail_always(Verb::Delete);
                return stage.create(OnFailure::RollBack);
            }
            "ROLLBACK_COMPLETE" => {
                stage.fail_once(&forward);
                return stage.create(OnFailure::RollBack);
            }
            _ => {}
        }
        let id = stage.create(OnFailure::RollBack)?;
        self.reached(account, &id, "CREATE_COMPLETE").await?;
        match status {
            "DELETE_IN_PROGRESS" => {
                stage.fault(&[Verb::Delete], ResourceEffect::Stuck);
                stage.delete()?;
            }
            "DELETE_FAILED" => {
                stage.fail_always(Verb::Delete);
                stage.delete()?;
            }
            "DELETE_COMPLETE" => stage.delete()?,
            "UPDATE_IN_PROGRESS" => {
                stage.fault(&forward, ResourceEffect::Stuck);
                stage.update(OnFailure::RollBack)?;
            }
            "UPDATE_FAILED" => {
                stage.fail_once(&forward);
                stage.update(OnFailure::Keep)?;
            }
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" => {
                stage.fault(&[Verb::Delete], ResourceEffect::Stuck);
                stage.update(OnFailure::RollBack)?;
            }
            "UPDATE_COMPLETE" => stage.update(OnFailure::RollBack)?,
            "UPDATE_ROLLBACK_IN_PROGRESS" => {
                stage.fail_once(&forward);
                stage.fault(&[Verb::RollBack], ResourceEffect::Stuck);
                stage.update(OnFailure::RollBack)?;
            }
            "UPDATE_ROLLBACK_FAILED" => {
                stage.fail_once(&forward);
                stage.fail_always(Verb::RollBack);
                stage.update(OnFailure::RollBack)?;
            }
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" => {
                stage.fail_once(&forward);
                stage.fault(&[Verb::Delete], ResourceEffect::Stuck);
                stage.update(OnFailure::RollBack)?;
            }
            "UPDATE_ROLLBACK_COMPLETE" => {
                stage.fail_once(&forward);
                stage.update(OnFailure::RollBack)?;
            }
            _ if status.starts_with("IMPORT_") => stage.set(&id, status),
            _ => {}
        }
        Ok(id)
    }

    /// Waits until it is there, or has come to rest elsewhere.
    async fn reached(&self, account: &Account, id: &str, wanted: &str) -> Result<(), StageError> {
        let begun = Instant::now();
        loop {
            let is = account.read(|state| {
                let stack = state.cloudformation.stacks.get(id);
                stack.map_or_else(String::new, |stack| stack.status.clone())
            });
            if is == wanted {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                let wanted = wanted.to_owned();
                return Err(StageError::Elsewhere { is, wanted });
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

struct Way<'a> {
    stage: &'a Stage,
    account: &'a Account,
}

// === impl Way ===

impl Way<'_> {
    fn fault(&self, on: &[Verb], effect: ResourceEffect) {
        self.account.lab().fail_resource(self.rule(on, effect));
    }

    /// Late, so that there is something to be taken back.
    fn fail_once(&self, on: &[Verb]) {
        let effect = ResourceEffect::FailLate {
            reason: "brought to fail".to_owned(),
        };
        self.account
            .lab()
            .fail_resource(self.rule(on, effect).times(1));
    }

    fn fail_always(&self, on: Verb) {
        let reason = "brought to fail".to_owned();
        self.fault(&[on], ResourceEffect::Fail { reason });
    }

    fn rule(&self, on: &[Verb], effect: ResourceEffect) -> ResourceFault {
        ResourceFault {
            stack: self.stage.name.clone(),
            logical_id: "*".to_owned(),
            resource_type: "*".to_owned(),
            on: on.to_vec(),
            times: None,
            effect,
        }
    }

    fn create(&self, on_failure: OnFailure) -> Result<String, StageError> {
        let request = self.request(&self.stage.first, on_failure);
        Ok(engine::create_stack(self.account, request)?)
    }

    fn update(&self, on_failure: OnFailure) -> Result<(), StageError> {
        let request = self.request(&self.stage.second, on_failure);
        engine::update_stack(self.account, request)?;
        Ok(())
    }

    fn request(&self, submitted: &Submitted, on_failure: OnFailure) -> StackRequest {
        StackRequest {
            name: self.stage.name.clone(),
            submitted: submitted.clone(),
            on_failure,
            ..StackRequest::default()
        }
    }

    fn delete(&self) -> Result<(), StageError> {
        let request = DeleteRequest {
            name: self.stage.name.clone(),
            ..DeleteRequest::default()
        };
        Ok(engine::delete_stack(self.account, request)?)
    }

    fn review(&self) -> Result<String, StageError> {
        let request = ChangeSetRequest {
            stack: self.stage.name.clone(),
            name: "left-over".to_owned(),
            kind: ChangeSetKind::Create,
            submitted: self.stage.first.clone(),
            description: None,
            on_failure: OnFailure::RollBack,
            is_unchecked: false,
            token: None,
        };
        Ok(engine::create_change_set(self.account, request)?.0)
    }

    fn set(&self, id: &str, status: &str) {
        self.account.update(|state| {
            if let Some(stack) = state.cloudformation.stacks.get_mut(id) {
                status.clone_into(&mut stack.make_mut().status);
            }
        });
    }
}
