//! `mesh.runtime: envoy`: what the stacks carry, in a task as ECS makes it;
//! the images that carry what is too long; and the question whether App Mesh
//! answers.

mod image;
mod preflight;
mod rendered;
mod task;

use serde_json::Value;

use crate::templates::evaluated::{Made, list, named};

/// The container of Envoy in a task definition.
fn envoy<'a>(made: &'a [Made], task: &str) -> &'a Value {
    let containers = list(&named(made, task).properties, "ContainerDefinitions");
    containers
        .iter()
        .find(|each| each["Name"] == "envoy")
        .unwrap()
}

/// The words of a list.
fn words(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|word| word.as_str().unwrap()).collect()
}
