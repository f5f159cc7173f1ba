//! What a CI job gets besides its log: a summary in Markdown, values for the
//! next steps, folds and annotations where the runner has them.

mod annotation;
mod files;
mod fold;
mod markdown;
mod outputs;
mod runner;
mod summary;
mod timeline;

pub(crate) use annotation::{annotate, annotate_check, annotate_mistakes};
pub(crate) use files::Job;
pub(crate) use fold::Fold;
pub(crate) use outputs::Outputs;
pub(crate) use summary::Summary;
pub(crate) use timeline::Timeline;
