//! The JSON protocol: an operation's name and a document.

use crate::account::ApiError;
use serde::de::DeserializeOwned;
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

    /// The input as a type; members that it does not have are ignored, as
    /// newer clients send more.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        T::deserialize(&self.input)
            .map_err(|error| ApiError::new("SerializationException", error.to_string()))
    }

    /// The names of its members.
    pub fn names(&self) -> Vec<String> {
        let members = self.input.as_object();
        members
            .into_iter()
            .flat_map(|members| members.keys().cloned())
            .collect()
    }

    /// The operation exists on AWS and not here.
    pub fn unknown(&self) -> ApiError {
        let message = format!("{} is not answered here", self.operation);
        ApiError::new("UnknownOperationException", message)
    }
}
