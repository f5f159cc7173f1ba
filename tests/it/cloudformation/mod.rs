//! CloudFormation through its real client: what states are seen, in which
//! order, with which words, and what is left when something fails.

pub(crate) mod account;
mod change_sets;
mod deletes;
mod drift;
mod exports;
mod failures;
mod once;
mod operations;
mod restart;
mod services;
mod size;
mod terms;
mod updates;
