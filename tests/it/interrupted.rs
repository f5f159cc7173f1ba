//! Whatever ends us, and wherever: nothing is lost, nothing is left.

mod concurrent;
mod killed;
mod machine;
mod moment;
mod refused;
mod signalled;
mod traces;
