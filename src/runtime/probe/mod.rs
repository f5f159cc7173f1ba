//! Trying to get out, from inside: what `verify --egress` sends into an app's
//! own namespaces.
//!
//! A probe is this program, run again with a hidden argument ([`ARGUMENT`]).
//! It enters the namespaces of a running app, becomes its user or root with
//! every capability, is put under the app's filter, and then tries each way
//! out of the [`table`] at once. What it believes is only half of the answer:
//! every probe sends to an address that nobody else uses and marks what it
//! sends, so that a [`Witness`] in the namespaces outside can say what really
//! arrived. Nothing of the app's image is needed, and nothing is left in it.

mod bytes;
mod datagram;
mod enter;
mod files;
mod kernel;
mod names;
mod netlink;
mod network;
mod orders;
mod process;
mod proxy;
mod raw;
mod scene;
mod table;
mod tcp;
mod witness;

pub use enter::{is_prober, main};
pub use orders::{ARGUMENT, Attempt, BLOCKS, Modelled, Orders, Run, Who, is_marker, is_probed};
pub use table::{Expected, Shown, Summary, all};
pub(super) use tcp::NOT_LED;
pub(super) use witness::control;
pub use witness::{Counts, Sight, Witness};
