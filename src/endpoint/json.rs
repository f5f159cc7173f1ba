//! The JSON protocol: an operation's name and a document.

use crate::account::ApiError;
use serde_json::Value;

/// One decoded request.
#[derive(Debug)]
pub struct Call {
    /// The operation.
    pub operation: String,
    /// Its input, always an object.
    pub input: Value,
}

impl Call {
    /// Decodes a body; an empty one is an empty object.
    pub fn parse(operation: &str, body: &[u8]) -> Result<Self, ApiError> {
        let body = if body.is_empty() { b"{}" } else { body };
        let input: Value = serde_json::from_slice(body)
            .map_err(|error| ApiError::new("SerializationException", error.to_string()))?;
        if input.is_object() {
            Ok(Self {
                operation: operation.to_owned(),
                input,
            })
        } else {
            Err(ApiError::new(
                "SerializationException",
                "the body is not an object",
            ))
        }
    }
}
