//! The one error that an operation of the account answers with.

use std::borrow::Cow;

/// An AWS error: a code that programs match, a message that people read.
///
/// The texts are those of AWS, so they do not follow the style of our own
/// errors: clients compare them.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// The error code, such as `ValidationError`.
    pub code: Cow<'static, str>,
    /// The message.
    pub message: String,
    /// The HTTP status.
    pub status: u16,
}

impl ApiError {
    /// An error of the client's making (status 400).
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            status: 400,
        }
    }

    /// CloudFormation's general complaint.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationError", message)
    }

    /// The operation exists on AWS and not here.
    pub fn unknown_operation(operation: &str) -> Self {
        Self::new(
            "InvalidAction",
            format!("The action {operation} is not valid for this web service."),
        )
    }

    /// A mistake of ours (status 500).
    pub fn internal(message: impl Into<String>) -> Self {
        Self {
            code: "InternalFailure".into(),
            message: message.into(),
            status: 500,
        }
    }

    /// The same error with another HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}
