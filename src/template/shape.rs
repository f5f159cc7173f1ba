//! The template itself.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::{Expr, LogicalId, Parameter};
use crate::diag::{Source, Span};

/// A template that was read and checked: every name in it resolves and
/// nothing depends on itself.
#[derive(Debug, Clone)]
pub struct Template {
    /// The text it was read from.
    pub source: Arc<Source>,
    /// What it says of itself.
    pub description: Option<String>,
    /// What it takes.
    pub parameters: IndexMap<String, Parameter>,
    /// Its tables.
    pub mappings: IndexMap<String, Mapping>,
    /// Its conditions.
    pub conditions: IndexMap<String, Condition>,
    /// What it makes.
    pub resources: IndexMap<LogicalId, Resource>,
    /// What it tells.
    pub outputs: IndexMap<String, Output>,
}

/// A table of two keys; the values are text or lists of text.
pub type Mapping = IndexMap<String, IndexMap<String, Json>>;

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Another one, by name.
    Named(String, Span),
    /// `Fn::Equals`.
    Equals(Expr, Expr),
    /// `Fn::And`.
    And(Vec<Condition>),
    /// `Fn::Or`.
    Or(Vec<Condition>),
    /// `Fn::Not`.
    Not(Box<Condition>),
}

/// A resource.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Such as `AWS::EC2::VPC`.
    pub resource_type: String,
    /// Its properties: a map, empty when none are given.
    pub properties: Expr,
    /// What must stand first, besides what its properties name.
    pub depends_on: Vec<LogicalId>,
    /// It is made only when this condition holds.
    pub condition: Option<String>,
    /// What becomes of it when it leaves the stack.
    pub deletion_policy: DeletionPolicy,
    /// What becomes of the old one when it is replaced.
    pub update_replace_policy: DeletionPolicy,
    /// The place of its name.
    pub span: Span,
    /// The place of its type.
    pub type_span: Span,
    pub(super) depends_on_spans: Vec<Span>,
    pub(super) condition_span: Span,
}

/// What becomes of a resource that its stack no longer wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeletionPolicy {
    /// It is deleted.
    #[default]
    Delete,
    /// It stays.
    Retain,
    /// It stays, unless the operation that made it failed.
    RetainExceptOnCreate,
    /// It is deleted after a copy was made.
    Snapshot,
}

/// An output.
#[derive(Debug, Clone)]
pub struct Output {
    /// What it tells.
    pub value: Expr,
    /// The name under which other stacks import it.
    pub export: Option<Expr>,
    /// It is there only when this condition holds.
    pub condition: Option<String>,
    /// What it says of itself.
    pub description: Option<String>,
    /// The place of its name.
    pub span: Span,
    pub(super) condition_span: Span,
}

// === impl DeletionPolicy ===

impl DeletionPolicy {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "Delete" => Some(Self::Delete),
            "Retain" => Some(Self::Retain),
            "RetainExceptOnCreate" => Some(Self::RetainExceptOnCreate),
            "Snapshot" => Some(Self::Snapshot),
            _ => None,
        }
    }
}
