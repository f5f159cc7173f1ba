//! What a stack exports and imports, by name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{ParameterValue, Role};
use crate::diag::{Diagnostic, Diagnostics, Source};
use crate::template::{StaticScope, Template};

/// Stands for the image that is not pushed yet. No name is made of it.
const IMAGE_TO_COME: &str = "pending";

/// The names that a stack exports and imports.
pub(super) struct Links {
    pub(super) exports: BTreeSet<String>,
    pub(super) imports: BTreeSet<String>,
}

/// Reads the template as it stands in `templates/`: what is written into it
/// imports and exports nothing.
pub(super) fn links(
    role: Role,
    parameters: &BTreeMap<String, ParameterValue>,
) -> Result<Links, Diagnostics> {
    let source = Arc::new(Source::new(role.file_name(), role.template()));
    let template = Template::parse(&source)?;
    let refused = |error: &dyn std::error::Error| -> Diagnostics {
        Diagnostic::error(format!("the {role} stack: {error}")).into()
    };
    let bound = template
        .check_parameters(&given(parameters))
        .map_err(|error| refused(&error))?;
    let scope = StaticScope::new(&bound);
    Ok(Links {
        exports: template.exports(&scope).map_err(|error| refused(&error))?,
        imports: template.imports(&scope).map_err(|error| refused(&error))?,
    })
}

fn given(parameters: &BTreeMap<String, ParameterValue>) -> BTreeMap<String, String> {
    let text = |value: &ParameterValue| match value {
        ParameterValue::Known(text) => text.clone(),
        ParameterValue::AppImage | ParameterValue::PushedImage(_) => IMAGE_TO_COME.to_owned(),
    };
    parameters
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}
