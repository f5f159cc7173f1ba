//! The CloudFormation engine: stacks, change sets, and the operations that
//! take a stack from one template to the next.
//!
//! An operation is a task that walks the stack's graph and changes the state
//! a step at a time, so that a kill loses at most a step: the next
//! [`resume`] goes on where it stood. What a resource is, is the business of
//! `resources`; how requests look on the wire, that of the `endpoint`.

mod begin;
mod change;
mod change_set;
mod changes;
mod checks;
mod delete;
mod drift;
mod engine;
mod event;
mod exports;
mod forward;
mod look;
mod model;
mod operation;
mod recover;
mod role;
mod roll_back;
mod running;
mod scope;
mod spec;
mod step;
mod validation;
mod walk;

pub use begin::{
    DeleteRequest, StackRequest, create_stack, delete_stack, set_policy,
    set_termination_protection, update_stack,
};
pub use change_set::{
    ChangeSetKind, ChangeSetRequest, create_change_set, delete_change_set, describe_change_set,
    execute_change_set, status_text,
};
pub use changes::{Change, ChangeAction, Replacement, Values, values_of};
pub use drift::{
    Difference, DifferenceKind, DriftCheck, DriftStatus, ResourceDrift, begin_drift_check,
    find_drift_check,
};
pub use engine::resume;
pub use event::Event;
pub use exports::importers;
pub use look::{find, find_readable, find_resources};
pub use model::{
    ChangeSet, ChangeSetStatus, CloudFormationState, Export, OnFailure, RollbackTrigger, Spec,
    Stack, StackOutput, StackResource, Terms, ValidationFault,
};
pub use operation::{OperationEntry, OperationKind, OperationStatus};
pub use recover::{cancel_update, continue_roll_back, roll_back_stack};
pub use role::{check_role, take_role};
pub use spec::{Given, Submitted, check_types, needed_capability, parse};
