//! Names of resources in a template.

use std::borrow::Borrow;
use std::fmt;

/// The name of a resource in its template.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct LogicalId(String);

/// A name that no resource can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no logical id: use letters and digits only, at most 255")]
pub struct InvalidLogicalId(String);

// === impl LogicalId ===

impl LogicalId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for LogicalId {
    type Error = InvalidLogicalId;

    fn try_from(text: &str) -> Result<Self, InvalidLogicalId> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for LogicalId {
    type Error = InvalidLogicalId;

    fn try_from(text: String) -> Result<Self, InvalidLogicalId> {
        let length = 1..=255;
        if length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            Ok(Self(text))
        } else {
            Err(InvalidLogicalId(text))
        }
    }
}

impl From<LogicalId> for String {
    fn from(id: LogicalId) -> Self {
        id.0
    }
}

impl Borrow<str> for LogicalId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LogicalId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_digits_only() {
        assert!(LogicalId::try_from("VPC2").is_ok());
        for wrong in ["", "a-b", "é", &"x".repeat(256)] {
            assert!(LogicalId::try_from(wrong).is_err(), "{wrong}");
        }
    }
}
