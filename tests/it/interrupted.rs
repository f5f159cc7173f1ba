//! Whatever ends us, and wherever: nothing is lost, nothing is left.

mod concurrent;
mod killed;
mod moment;
mod signalled;
mod traces;
