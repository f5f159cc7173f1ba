//! Every resource that exists, by type and physical identifier.

use super::shared::Shared;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is known of one resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// Its properties, as its template has them after evaluation.
    pub properties: Value,
    /// What `Fn::GetAtt` gives.
    pub attributes: BTreeMap<String, Value>,
    /// The stack that it belongs to.
    pub stack_id: String,
    /// Its name in the template.
    pub logical_id: String,
}

impl Recorded {
    /// A property with this name, when it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.properties.get(name).and_then(Value::as_str)
    }

    /// An attribute with this name, when it is text.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).and_then(Value::as_str)
    }
}

/// The resources of the account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Inventory {
    types: BTreeMap<String, Shared<OfType>>,
    /// Counts the changes of the meshes, which are large and seldom change.
    #[serde(skip)]
    mesh_changes: u64,
}

/// What the types of App Mesh begin with.
pub const MESH_TYPES: &str = "AWS::AppMesh::";

type OfType = BTreeMap<String, Shared<Recorded>>;

impl Inventory {
    /// One resource.
    pub fn get(&self, resource_type: &str, physical_id: &str) -> Option<&Recorded> {
        self.types
            .get(resource_type)?
            .get(physical_id)
            .map(|recorded| &**recorded)
    }

    /// All resources of a type with their physical identifiers.
    pub fn of(&self, resource_type: &str) -> impl Iterator<Item = (&str, &Shared<Recorded>)> {
        let found = self.types.get(resource_type);
        found
            .into_iter()
            .flat_map(|found| found.iter().map(|(id, recorded)| (id.as_str(), recorded)))
    }

    /// All types that begin so, with their resources.
    pub fn under<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str, &'a Shared<Recorded>)> {
        self.types
            .range(prefix.to_owned()..)
            .take_while(move |(resource_type, _)| resource_type.starts_with(prefix))
            .flat_map(|(resource_type, found)| {
                found
                    .iter()
                    .map(move |(id, recorded)| (resource_type.as_str(), id.as_str(), recorded))
            })
    }

    /// A resource of such a type whose identifier begins so, found without
    /// looking at the others.
    pub fn starting_with(&self, type_prefix: &str, id_prefix: &str) -> Option<&str> {
        let types = self.types.range(type_prefix.to_owned()..);
        types
            .take_while(|(resource_type, _)| resource_type.starts_with(type_prefix))
            .filter_map(|(_, found)| found.range(id_prefix.to_owned()..).next())
            .map(|(id, _)| id.as_str())
            .find(|id| id.starts_with(id_prefix))
    }

    /// Adds a resource or puts it in the place of the old one.
    pub fn put(&mut self, resource_type: &str, physical_id: &str, recorded: Recorded) {
        self.count(resource_type);
        let found = self.types.entry(resource_type.to_owned()).or_default();
        found
            .make_mut()
            .insert(physical_id.to_owned(), Shared::new(recorded));
    }

    /// A number that changes whenever a resource of App Mesh does.
    pub fn mesh_changes(&self) -> u64 {
        self.mesh_changes
    }

    fn count(&mut self, resource_type: &str) {
        self.mesh_changes += u64::from(resource_type.starts_with(MESH_TYPES));
    }

    /// Takes a resource out.
    pub fn remove(&mut self, resource_type: &str, physical_id: &str) -> Option<Shared<Recorded>> {
        self.count(resource_type);
        self.types
            .get_mut(resource_type)?
            .make_mut()
            .remove(physical_id)
    }
}
