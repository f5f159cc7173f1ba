//! Walks a plan: sends what has to change, follows it, and says what became
//! of it.
//!
//! It prints nothing and asks nothing: all that it has to say is an [`Event`]
//! on a channel, and at the end a [`Report`] or a [`DeployError`]. What to do
//! is `plan`'s; how a call is made is `aws`'s; drawing is `cli`'s.
//!
//! ```text
//! review        what the service says to all of it, before anything runs
//!   question    which stacks it is asked of, and how
//! engine        starts each step the moment its last need is met
//!   stack_up    status -> change set -> watch -> outcome
//!     change    one change, carried out and followed
//!     change_set  asked for, worked out, or refused
//!   recover     half-done updates taken back, or finished
//!   stack_down  status -> delete -> watch -> outcome
//!   key_pair    pair in the account, private half on this machine
//!   image       build, push, empty the repository
//!   left_behind repositories that a replacement could not delete
//! made          the change sets that wait, and how they are put away
//! break_off     what is begun is left, or called off, at an interrupt
//!   gate        calls that are not broken off half-way
//!   ledger      what goes on at the endpoint
//! watcher       one task that reads statuses and events for all of them
//!   listing     which call tells the statuses of all stacks
//!   history     which call tells events, decided once a run
//!   tail        each event once, in order
//!   cause       the first failure, the cascade folded away
//!   origin      the property and the line that it came from
//!   unresolved  the same for a template that is refused as a whole
//!   stopped     why tasks of a service stop, and their last lines
//!   pace        how often the endpoint may be asked
//! drift         stacks compared with what is really there
//! ```

mod agreed;
mod break_off;
mod cause;
mod change;
mod change_set;
mod choices;
mod drift;
mod engine;
mod error;
mod event;
mod gate;
mod hint;
mod history;
mod holds_data;
mod image;
mod interrupt;
mod key_pair;
mod ledger;
mod left_behind;
mod listing;
mod made;
mod observe;
mod obstacles;
mod origin;
mod pace;
mod parameters;
mod person;
mod private_key;
mod question;
mod ready;
mod recover;
mod review;
mod run;
mod stack_down;
mod stack_up;
mod stopped;
mod sweep;
mod tail;
mod template;
mod terms;
mod timeline;
mod unresolved;
mod watched;
mod watcher;
mod why;
mod work;

#[cfg(test)]
mod tests;

pub use agreed::Agreed;
pub use break_off::CalledOff;
pub use cause::{Cause, is_cancelled};
pub use choices::{Choices, OnInterrupt, SkippedResource};
pub use drift::{StackDrift, drift};
pub use engine::{Finished, Report, down, up};
pub use error::{DeployError, StepError, StepFailure};
pub use event::{Event, Outcome, Progress};
pub use interrupt::{Interrupt, Interrupter};
pub use left_behind::LeftBehind;
pub use made::{Made, clear, forget};
pub use observe::observe;
pub use obstacles::{Obstacle, images, obstacles};
pub use origin::Origin;
pub use person::{Asked, Person};
pub use question::Intent;
pub use review::{Ready, Review, review};
pub use sweep::sweep;
pub use terms::Terms;
pub use timeline::{Ending, Span};
pub use why::cause_of;
pub use work::{ImageSource, KeyPairWork, LastLines, RunId, Work};
