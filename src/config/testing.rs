//! What the tests of this room share: loading a text, and its mistakes as text.

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
pub(super) fn load_file(file: &str) -> Result<Config, Diagnostics> {
    load_layers(file, &[], Overrides::default())
}

/// What is wrong in a file, as its user sees it.
pub(super) fn mistakes(file: &str) -> String {
    match load_file(file) {
        Ok(config) => format!("no mistake: {config:?}"),
        Err(problems) => problems.to_string(),
    }
}
