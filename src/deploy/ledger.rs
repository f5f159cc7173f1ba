//! What goes on at the endpoint while a step of this run waits for it.
//!
//! It is what a run that is broken off leaves there, or calls off; what others
//! began is only waited for, and never called off.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::plan::StepId;

/// What can be done about an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// This run makes or changes the stack, which can be called off.
    Change,
    /// It is deleted, taken back, or in somebody else's hands.
    Other,
}

/// An operation that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Begun {
    /// The ARN of the stack; its name while that is not known.
    pub(super) stack_id: String,
    pub(super) kind: Kind,
}

// === impl Begun ===

impl Begun {
    pub(super) fn change(stack_id: &str) -> Self {
        Self {
            stack_id: stack_id.to_owned(),
            kind: Kind::Change,
        }
    }

    pub(super) fn other(stack_id: &str) -> Self {
        Self {
            stack_id: stack_id.to_owned(),
            kind: Kind::Other,
        }
    }
}

/// What goes on, by step.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<BTreeMap<StepId, Begun>>);

// === impl Ledger ===

impl Ledger {
    pub(super) fn begin(&self, step: &StepId, begun: Begun) {
        self.lock().insert(step.clone(), begun);
    }

    pub(super) fn end(&self, step: &StepId) {
        self.lock().remove(step);
    }

    pub(super) fn of(&self, step: &StepId) -> Option<Begun> {
        self.lock().get(step).cloned()
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
