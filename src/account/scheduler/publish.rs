//! What should run, out of the state.

use super::balancers;
use crate::account::desired::Desired;
use crate::account::store::State;

/// Makes the desired state, and keeps what does not change between two.
#[derive(Debug, Default)]
pub struct Publisher {}

impl Publisher {
    /// What should run now.
    pub fn publish(&mut self, state: &State) -> Desired {
        Desired { load_balancers: balancers::load_balancers(state), ..Desired::default() }
    }
}

/// What should run.
pub fn publish(state: &State) -> Desired {
    Publisher::default().publish(state)
}
