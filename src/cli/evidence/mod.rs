//! What the tasks of the local target left in their logs: read without trust,
//! put in order, counted, explained.
//!
//! Whoever is refused chooses the server name, the host and the path that are
//! noted, and the app chooses its own words; so no line is believed to be
//! well-formed, short or harmless to a terminal, and nothing here grows with
//! what somebody else writes.

mod entry;
mod filter;
mod groups;
mod last;
mod lines;
mod printable;
mod related;
mod row;
mod sources;
mod suggest;
mod summary;
mod tail;
#[cfg(test)]
mod tests;

pub(crate) use entry::{Entry, Log};
pub(crate) use filter::{Destination, Filter};
pub(crate) use groups::Groups;
pub(crate) use last::last_lines;
use lines::each_line;
pub(crate) use lines::newest_lines;
pub(crate) use row::{document, row};
pub(crate) use sources::{Source, Task, of, short_name, sources};
use suggest::Advisor;
pub(crate) use summary::{Traffic, advice, rows};
pub(crate) use tail::Tail;
