//! Whatever ends us, and wherever: nothing is lost, nothing is left.

mod killed;
mod moment;
mod traces;
