//! Text to tree, and back.
//!
//! Reads YAML and JSON into a [`Node`] tree that keeps tags, positions and the
//! exact text of scalars. It knows nothing of what the tree means; rooms above
//! turn it into types with the accessors here, which name the place when a
//! value has the wrong shape.

mod access;
mod json;
mod load;
mod node;

pub use json::{to_json, write};
pub use load::parse;
pub use node::{Key, Node, Scalar, Value};
