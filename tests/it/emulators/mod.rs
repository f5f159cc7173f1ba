//! Our engine and our templates on emulators of AWS that others wrote: what
//! each can do, and a list of what it cannot, which fails when it changes.

mod engine;
mod ministack;
mod moto;
mod process;
mod projection;
