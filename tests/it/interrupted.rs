//! Whatever ends us, and wherever: nothing is lost, nothing is left.

mod change_sets;
mod concurrent;
mod killed;
mod machine;
mod moment;
mod moments;
mod refused;
mod signalled;
mod terminal;
mod traces;
