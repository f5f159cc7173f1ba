//! Walks a plan: sends what has to change, follows it, and says what became
//! of it.
//!
//! It prints nothing and asks nothing: all that it has to say is an [`Event`]
//! on a channel, and at the end a [`Report`] or a [`DeployError`]. What to do
//! is `plan`'s; how a call is made is `aws`'s; drawing is `cli`'s.
//!
//! ```text
//! engine        starts each step the moment its last need is met
//!   stack_up    status -> change set -> watch -> outcome
//!   stack_down  status -> delete -> watch -> outcome
//!   key_pair    pair in the account, private half on this machine
//!   image       build, push, empty the repository
//! watcher       one task that reads statuses and events for all of them
//!   listing     which call tells the statuses of all stacks
//!   history     which call tells events, decided once a run
//!   tail        each event once, in order
//!   cause       the first failure, the cascade folded away
//!   pace        how often the endpoint may be asked
//! ```

mod cause;
mod change;
mod engine;
mod error;
mod event;
mod history;
mod image;
mod interrupt;
mod key_pair;
mod listing;
mod observe;
mod pace;
mod private_key;
mod ready;
mod run;
mod stack_down;
mod stack_up;
mod stopped;
mod tail;
mod timeline;
mod watched;
mod watcher;
mod work;

#[cfg(test)]
mod tests;

pub use cause::Cause;
pub use engine::{Finished, Report, down, up};
pub use error::{DeployError, StepError, StepFailure};
pub use event::{Event, Outcome, Progress};
pub use interrupt::{Interrupt, Interrupter};
pub use observe::observe;
pub use timeline::{Ending, Span};
pub use work::{ImageSource, KeyPairWork, RunId, Work};
