//! What each command does about a stack, by the status that it finds it in.
//!
//! One table, [`TABLE`], which the engine, the plan and `status` read, and from
//! which `src/plan/STATES.md` is written; a test holds the page to it.

mod markdown;
mod table;
mod words;

pub use markdown::markdown;
pub use table::{Row, TABLE};
pub use words::{DownStanding, Shown, UpStanding};
