//! The room from outside: layers in, a `Config` or its mistakes as the user sees them out.

#![expect(clippy::too_many_lines, reason = "snapshots are long")]

mod layers;
mod redirect;
mod services;
mod sharing;
mod wildcards;

use std::sync::Arc;

use super::{Config, FILE_NAME, Input, Overrides, load};
use crate::diag::{Diagnostics, Source};

/// Loads layers that are given as text.
pub(super) fn load_layers(
    file: &str,
    variables: &[(&str, &str)],
    overrides: Overrides,
) -> Result<Config, Diagnostics> {
    let look = |name: &str| {
        let variable = variables.iter().find(|(each, _)| *each == name);
        variable.map(|(_, value)| (*value).to_owned())
    };
    load(&Input {
        file: Some(Arc::new(Source::new(FILE_NAME, file))),
        environment: &look,
        overrides,
    })
}

/// Loads a file alone.
fn load_file(file: &str) -> Result<Config, Diagnostics> {
    load_layers(file, &[], Overrides::default())
}

/// What is wrong in a file, as its user sees it.
fn mistakes(file: &str) -> String {
    match load_file(file) {
        Ok(config) => format!("no mistake: {config:?}"),
        Err(problems) => problems.to_string(),
    }
}
