//! What went wrong in a user's text, and where.
//!
//! A [`Diagnostic`] carries a message, a place in a [`Source`] and one line of
//! advice. This room owns the one renderer; it reads no files and prints
//! nothing.

mod causes;
mod diagnostic;
mod nearest;
mod render;
mod source;

pub use causes::with_causes;
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use nearest::nearest;
pub use render::{Style, render};
pub use source::{Position, Source, Span};
