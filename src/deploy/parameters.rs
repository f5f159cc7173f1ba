//! What a stack is told, with the values that earlier steps found out.

use std::collections::BTreeMap;

use super::run::Run;
use crate::stack::{ParameterValue, RenderedStack};

impl Run {
    /// The values of a stack's parameters, as far as they are known.
    pub(super) fn known_parameters(&self, stack: &RenderedStack) -> BTreeMap<String, String> {
        let known = |(name, value): (&String, &ParameterValue)| match value {
            ParameterValue::Known(value) => Some((name.clone(), value.clone())),
            ParameterValue::AppImage => {
                let image = self.app_image.get()?;
                Some((name.clone(), image.clone()))
            }
            ParameterValue::PushedImage(digest) => {
                let repository = self.repository.get()?;
                Some((name.clone(), format!("{repository}@{digest}")))
            }
        };
        stack.parameters.iter().filter_map(known).collect()
    }

    /// The values of a stack's parameters, all of which are known by now.
    pub(super) fn parameters(&self, stack: &RenderedStack) -> BTreeMap<String, String> {
        let value = |value: &ParameterValue| match value {
            ParameterValue::Known(value) => value.clone(),
            ParameterValue::AppImage => self
                .app_image
                .get()
                .expect("the image is pushed before a stack names it")
                .clone(),
            ParameterValue::PushedImage(digest) => {
                let repository = self.repository.get();
                let repository = repository.expect("it is pushed before a stack names it");
                format!("{repository}@{digest}")
            }
        };
        stack
            .parameters
            .iter()
            .map(|(name, of)| (name.clone(), value(of)))
            .collect()
    }
}
