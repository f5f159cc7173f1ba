//! Proof that the environment does what it was built for.
//!
//! Facts come in (stack states, task states, the log of refusals), requests go
//! out to the app's public endpoint, and each check comes back with what was
//! expected, what was seen, the evidence and the time it took. Gathering facts
//! is left to the caller, who knows the target; printing is left to the CLI.

mod check;
mod egress;
mod facts;
mod hearsay;
mod http;
mod junit;
mod probes;
mod run;

pub use check::{Check, Report, Verdict};
pub use egress::{Tried, WayOut, ways_out};
pub use facts::{
    Denial, EnvoyFact, Expectations, External, Facts, Readable, ServiceFact, StackFact,
};
pub use hearsay::ask;
pub use http::{Answer, get};
pub use junit::junit;
pub use run::{Progress, run};
