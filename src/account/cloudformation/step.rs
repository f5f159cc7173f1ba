//! One change of the state on behalf of an operation.

use super::delete::Which;
use super::model::Stack;
use super::operation::{Operation, OperationKind, OperationStatus, Phase};
use crate::account::Account;
use crate::account::lab::{Latency, Span, Subject, Verb};
use crate::account::store::State;
use std::time::Duration;

/// The operation was taken over by another, or the stack is gone.
#[derive(Debug)]
pub(super) struct TakenOver;

/// An operation at work.
#[derive(Clone)]
pub(super) struct Worker {
    pub(super) account: Account,
    pub(super) stack_id: String,
    pub(super) operation_id: String,
}

impl Worker {
    /// Changes the stack and the state around it, as long as the operation is
    /// the stack's. The stack is taken out of the state for that time, so
    /// that no step has to copy it.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut State, &mut Stack) -> T,
    ) -> Result<T, TakenOver> {
        self.account.update(|state| {
            let mut stack = state
                .cloudformation
                .stacks
                .remove(&self.stack_id)
                .ok_or(TakenOver)?;
            let outcome = if is(&stack, &self.operation_id) {
                Ok(change(state, stack.make_mut()))
            } else {
                Err(TakenOver)
            };
            state
                .cloudformation
                .stacks
                .insert(self.stack_id.clone(), stack);
            outcome
        })
    }

    /// Looks at the state, as long as the operation is the stack's.
    pub(super) fn look<T>(
        &self,
        look: impl FnOnce(&State, &Stack, &Operation) -> T,
    ) -> Result<T, TakenOver> {
        self.account.read(|state| {
            let stack = state
                .cloudformation
                .stacks
                .get(&self.stack_id)
                .ok_or(TakenOver)?;
            let operation = stack
                .operation
                .as_ref()
                .filter(|operation| operation.id == self.operation_id);
            Ok(look(state, stack, operation.ok_or(TakenOver)?))
        })
    }

    /// Tells a new status of the stack, with a new phase.
    pub(super) fn turn(
        &self,
        phase: Phase,
        status: &str,
        reason: Option<String>,
    ) -> Result<(), TakenOver> {
        let (event, id) = (self.account.ids().uuid(), self.account.ids().uuid());
        self.change(|_, stack| {
            let kind = match phase {
                Phase::RollBackCreate | Phase::RollBackUpdate => Some(OperationKind::Rollback),
                Phase::Delete => Some(OperationKind::DeleteStack),
                Phase::Create | Phase::Update | Phase::CleanUp | Phase::CleanUpRollBack => None,
            };
            if let Some(kind) = kind {
                stack.end_operation(OperationStatus::Failed, reason.clone());
                stack.begin_operation(id, kind);
            }
            stack.tell(event, status, reason);
            if let Some(operation) = &mut stack.operation {
                operation.phase = phase;
                operation.done.clear();
            }
        })
    }

    /// Waits as long as the laboratory says, if there is one.
    pub(super) async fn pause(&self, of: impl FnOnce(&Latency) -> Duration) {
        if let Some(latency) = self.account.lab().latency() {
            tokio::time::sleep(of(latency)).await;
        }
    }

    /// What a resource takes.
    pub(super) fn span(&self, id: &str, verb: Verb, which: Which) -> Result<Span, TakenOver> {
        let usual = self.account.options().pace.step;
        self.look(|_, stack, _| {
            let lab = self.account.lab();
            let subject = subject(stack, which, id, verb);
            subject.map_or_else(Span::default, |subject| lab.span(subject, usual))
        })
    }

    /// Waits until it may be worth to look again.
    pub(super) async fn rest(&self) {
        tokio::time::sleep(
            self.account
                .options()
                .pace
                .step
                .max(Duration::from_millis(1)),
        )
        .await;
    }
}

/// A resource as the laboratory's rules know it.
pub(super) fn subject<'a>(
    stack: &'a Stack,
    which: Which,
    id: &'a str,
    verb: Verb,
) -> Option<Subject<'a>> {
    let resource = which.look(stack).get(id)?;
    Some(Subject {
        stack: &stack.name,
        logical_id: id,
        resource_type: &resource.resource_type,
        verb,
    })
}

fn is(stack: &Stack, operation_id: &str) -> bool {
    stack
        .operation
        .as_ref()
        .is_some_and(|operation| operation.id == operation_id)
}

/// This resource is done with.
pub(super) fn mark_done(stack: &mut Stack, logical_id: &str) {
    if let Some(operation) = &mut stack.operation {
        operation.done.insert(logical_id.to_owned());
    }
}
