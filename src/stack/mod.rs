//! Our stacks: the templates, and what a [`Config`](crate::config::Config)
//! makes of them.
//!
//! The templates are files of `templates/`, built in. Most settings reach them
//! as parameters. Only what a parameter cannot carry, the list of external
//! services, is written into the text, between marked lines; everything else
//! stays as a person wrote it, comments too. For the default settings the
//! rendered text is the file itself.
//!
//! The walkthrough had five stacks. They are here by their names, with their
//! outputs and exports; `ingress` and `nat` are cut out of them, so that what
//! takes longest begins first and nothing waits for what it does not need.
//! `tests/it/cut` computes what that comes to.
//!
//! The order of stacks is inferred from what they export and import; what
//! cannot be seen there is declared in [`Role::declared_needs`]. Comparing with
//! what is deployed is the plan's, sending is the deploy room's.

mod environment;
mod external;
mod limits;
mod links;
mod logical;
mod order;
mod parameters;
mod redirect;
mod rendered;
mod role;
mod section;
mod sidecar;
#[cfg(test)]
mod tests;
mod way_out;

pub use environment::image_variables;
pub use limits::{LONGEST_KEPT_TEMPLATE, LONGEST_TEMPLATE, check_limits, is_long};
pub use order::{Needs, order};
pub use parameters::{ParameterValue, Processor, image_repositories};
pub use rendered::{OWNER_TAG, RenderedStack, VERSION_TAG, render, unwanted};
pub use role::{Capability, InvalidStackName, Role, StackName};
pub use sidecar::{CONFIGURATION_FILE, Carrier, Sidecar, Sidecars};
