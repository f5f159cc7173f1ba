//! One step of the scheduler.

use crate::account::clock::Timestamp;
use crate::account::desired::Observed;
use crate::account::handle::Options;
use crate::account::store::State;

/// What a step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the state changed.
    pub changed: bool,
    /// When the next step is due though nothing happens.
    pub wake: Option<Timestamp>,
}

/// Takes in what was observed and moves every service on.
pub fn schedule(state: &mut State, observed: &Observed, options: &Options, now: Timestamp) -> Outcome {
    let _ = (state, observed, options, now);
    Outcome::default()
}
