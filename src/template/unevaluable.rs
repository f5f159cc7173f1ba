//! Why an expression comes to nothing.

use std::sync::Arc;

use super::LogicalId;
use crate::diag::{Diagnostic, Source, Span};

/// An expression that comes to nothing, and its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct EvaluateError {
    /// Why.
    pub cause: Unevaluable,
    /// Where in the template.
    pub span: Span,
}

/// Why an expression comes to nothing, in CloudFormation's words where it has
/// any.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unevaluable {
    /// A parameter without a value.
    #[error("Parameters: [{0}] must have values")]
    Parameter(String),
    /// An `AWS::` name that the scope does not know.
    #[error("`{0}` has no value here")]
    Pseudo(&'static str),
    /// A resource that is not there, such as one whose condition is false.
    #[error(
        "Template format error: Unresolved resource dependencies [{0}] in the Resources block of the template"
    )]
    Resource(LogicalId),
    /// An attribute that the resource lacks.
    #[error("Resource type {resource_type} does not support attribute {{{attribute}}}.")]
    Attribute {
        /// The resource.
        resource: LogicalId,
        /// Its type.
        resource_type: String,
        /// The attribute.
        attribute: String,
    },
    /// No stack exports it.
    #[error("No export named {0} found.")]
    Import(String),
    /// A mapping without such keys.
    #[error("Template error: Unable to get mapping for {0}::{1}::{2}")]
    Mapping(String, String, String),
    /// `Fn::Select` past the end.
    #[error("Template error: Fn::Select cannot select nonexistent value at index {0}")]
    Select(String),
    /// A function given the wrong kind of value.
    #[error("Template error: {function} needs {wanted}, not {found}")]
    Kind {
        /// The function.
        function: &'static str,
        /// What it takes.
        wanted: &'static str,
        /// What it was given.
        found: &'static str,
    },
    /// `Fn::Cidr` that cannot be cut so.
    #[error("Template error: Fn::Cidr cannot cut `{block}` into {count} with {bits} host bits")]
    Cidr {
        /// The block.
        block: String,
        /// How many.
        count: String,
        /// Host bits of each.
        bits: String,
    },
    /// A region whose zones are not known here.
    #[error("Template error: the availability zones of `{0}` are not known here")]
    Zones(String),
    /// A text that grew without measure.
    #[error("Template error: a text is longer than 4 MiB")]
    TooLong,
}

// === impl EvaluateError ===

impl EvaluateError {
    /// The error as a diagnostic in the template's text.
    pub fn diagnostic(&self, source: &Arc<Source>) -> Diagnostic {
        Diagnostic::error(self.cause.to_string()).at(source, self.span)
    }
}
