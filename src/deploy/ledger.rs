//! What this run has begun at the endpoint and not seen the end of.
//!
//! It is what a run that is broken off has to clear away or to call off;
//! operations that others began are never in it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::aws::ChangeSetKind;
use crate::plan::StepId;

/// Something begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Begun {
    /// The ARN of the stack; its name while that is not known.
    pub(super) stack_id: String,
    /// The ARN of the change set, where there is one.
    pub(super) change_set: String,
    pub(super) kind: ChangeSetKind,
    /// Whether the change set is being carried out, as far as anybody can know.
    pub(super) is_executing: bool,
}

// === impl Begun ===

impl Begun {
    /// A stack that is made without a change set.
    pub(super) fn creation(stack_id: &str) -> Self {
        Self {
            stack_id: stack_id.to_owned(),
            change_set: String::new(),
            kind: ChangeSetKind::Create,
            is_executing: true,
        }
    }
}

/// What is begun, by step.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<BTreeMap<StepId, Begun>>);

// === impl Ledger ===

impl Ledger {
    pub(super) fn begin(&self, step: &StepId, begun: Begun) {
        self.lock().insert(step.clone(), begun);
    }

    /// The change set is about to be carried out; it counts from the moment
    /// before the call, whose answer may never be seen.
    pub(super) fn execute(&self, step: &StepId) {
        if let Some(begun) = self.lock().get_mut(step) {
            begun.is_executing = true;
        }
    }

    pub(super) fn end(&self, step: &StepId) {
        self.lock().remove(step);
    }

    pub(super) fn open(&self) -> Vec<(StepId, Begun)> {
        let open = self.lock();
        open.iter()
            .map(|(step, begun)| (step.clone(), begun.clone()))
            .collect()
    }

    /// A map is whole between two calls, whoever panicked.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<StepId, Begun>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
