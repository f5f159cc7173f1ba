//! What a caller of colormesh has to be allowed: the table of the calls that
//! are made here, the table of what CloudFormation does for each type of
//! resource, and the policy that they come to.

mod calls;
mod document;
mod on_behalf;
mod scope;

#[cfg(test)]
mod tests;

pub use document::{Part, Policy, UnknownType, Whose, policy};
pub use scope::Names;
