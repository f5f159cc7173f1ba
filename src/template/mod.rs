//! The CloudFormation language, pure: what a template says, what depends on
//! what, and what its expressions come to.
//!
//! [`Template::parse`] reads and checks; a [`Scope`] gives the values that
//! only an account knows (physical ids, attributes, exports), and
//! [`Template::evaluate`] brings both together. Nothing here knows a resource
//! type. Macros (`Transform`), `Rules` and `Fn::ForEach` are refused;
//! `AllowedPattern` is kept but not enforced.

mod bind;
mod builtin;
mod check;
#[cfg(test)]
mod corpus;
mod evaluate;
mod expr;
mod logical_id;
mod message;
mod order;
mod parameter;
mod parse;
mod references;
mod scope;
mod shape;
mod stack_exports;
mod unevaluable;

pub use bind::{Bound, BoundParameters, ParameterError};
pub use expr::{Expr, Form, Part, Pseudo, Target};
pub use logical_id::{InvalidLogicalId, LogicalId};
pub use message::validation_message;
pub use parameter::{InvalidParameterType, Parameter, ParameterType};
pub use scope::{Scope, StaticScope};
pub use shape::{Condition, DeletionPolicy, Mapping, Output, Resource, Template};
pub use unevaluable::{EvaluateError, Unevaluable};
