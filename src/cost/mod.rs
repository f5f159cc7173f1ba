//! What an environment costs on AWS, by what its rendered templates hold.
//!
//! The resources are read as CloudFormation would make them: conditions
//! decided, parameters filled in. Each kind that AWS charges by the hour or the
//! month becomes a line; what depends on use (traffic, queries, storage) is
//! named and not counted. A price that nobody looked up is said to be unknown:
//! it is never guessed from another region's.

mod bill;
mod prices;
mod resources;
mod savings;
#[cfg(test)]
mod tests;

pub use bill::{Bill, Line, Usd};
pub use prices::AS_OF;
pub use savings::{Saving, savings};
