//! Node tree to template. All mistakes are collected; CloudFormation's own
//! words are the message where it has any, the place and the advice are ours.

mod condition;
mod document;
mod expression;
mod functions;
mod nulls;
mod parameters;
mod reader;
mod resources;
mod sub;

use reader::Reader;
#[cfg(test)]
pub(super) use reader::tests;
