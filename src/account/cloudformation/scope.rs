//! The values around a template: those of its stack and its account.

use super::model::{CloudFormationState, Spec, Stack, StackResource};
use crate::account::handle::Options;
use crate::account::inventory::Inventory;
use crate::account::resources::describe;
use crate::account::shared::Shared;
use crate::account::store::State;
use crate::template::{LogicalId, Scope, Template};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What stands for a value that is known only once it is made.
pub(super) const UNKNOWN: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";
/// The image that names of machine images in SSM come to.
const MACHINE_IMAGE: &str = "ami-0c5204531f799e0c6";

/// The values of a stack.
pub(super) struct StackScope<'a> {
    options: &'a Options,
    parameters: &'a BTreeMap<String, Value>,
    inventory: &'a Inventory,
    cloudformation: &'a CloudFormationState,
    stack_id: &'a str,
    stack_name: &'a str,
    resources: &'a BTreeMap<String, Shared<StackResource>>,
    unknown: Option<&'a BTreeSet<String>>,
}

impl<'a> StackScope<'a> {
    /// The values as they are.
    pub(super) fn new(
        options: &'a Options,
        state: &'a State,
        stack: &'a Stack,
        parameters: &'a BTreeMap<String, Value>,
    ) -> Self {
        Self {
            options,
            parameters,
            inventory: &state.inventory,
            cloudformation: &state.cloudformation,
            stack_id: &stack.id,
            stack_name: &stack.name,
            resources: &stack.resources,
            unknown: None,
        }
    }

    /// The values as far as they are known before these resources are made.
    pub(super) fn before(mut self, unknown: &'a BTreeSet<String>) -> Self {
        self.unknown = Some(unknown);
        self
    }

    fn or_unknown<T: From<String>>(&self, found: Option<T>) -> Option<T> {
        match self.unknown {
            Some(_) => found.or_else(|| Some(UNKNOWN.to_owned().into())),
            None => found,
        }
    }

    fn there(&self, id: &LogicalId) -> Option<(&'a StackResource, &'a str)> {
        if self
            .unknown
            .is_some_and(|unknown| unknown.contains(id.as_str()))
        {
            return None;
        }
        let resource = self.resources.get(id.as_str())?;
        Some((resource, resource.physical_id.as_deref()?))
    }
}

impl Scope for StackScope<'_> {
    fn parameter(&self, name: &str) -> Option<Value> {
        self.parameters.get(name).cloned()
    }

    fn pseudo(&self, name: &str) -> Option<String> {
        Some(match name {
            "AWS::AccountId" => self.options.account_id.clone(),
            "AWS::Region" => self.options.region.clone(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            "AWS::StackId" => self.stack_id.to_owned(),
            "AWS::StackName" => self.stack_name.to_owned(),
            "AWS::NotificationARNs" => String::new(),
            _ => return None,
        })
    }

    fn resource(&self, id: &LogicalId) -> Option<String> {
        self.or_unknown(self.there(id).map(|(_, physical)| physical.to_owned()))
    }

    fn attribute(&self, id: &LogicalId, attribute: &str) -> Option<Value> {
        let found = self.there(id).and_then(|(resource, physical)| {
            let recorded = self.inventory.get(&resource.resource_type, physical)?;
            let known = describe(&resource.resource_type)?.has_attribute(attribute);
            let property = || recorded.properties.get(attribute).filter(|_| known);
            recorded
                .attributes
                .get(attribute)
                .or_else(property)
                .cloned()
        });
        self.or_unknown(found)
    }

    fn import(&self, name: &str) -> Option<String> {
        self.or_unknown(
            self.cloudformation
                .exports
                .get(name)
                .map(|export| export.value.clone()),
        )
    }

    fn zones(&self) -> Vec<String> {
        ["a", "b", "c"]
            .iter()
            .map(|zone| format!("{}{zone}", self.options.region))
            .collect()
    }
}

/// The parameters as `Ref` gives them, names of SSM parameters looked up.
pub(super) fn values(
    template: &Template,
    spec: &Spec,
    state: &State,
) -> Result<BTreeMap<String, Value>, String> {
    let bound = template
        .check_parameters(&spec.parameters)
        .map_err(|error| error.to_string())?;
    let mut values = BTreeMap::new();
    for (name, mut bound) in bound {
        if let Some(ssm) = bound.ssm_name() {
            bound.text = looked_up(state, ssm)
                .ok_or_else(|| format!("Parameters: [{ssm}] cannot be found."))?;
        }
        values.insert(name, bound.value());
    }
    Ok(values)
}

fn looked_up(state: &State, name: &str) -> Option<String> {
    match state.inventory.get("AWS::SSM::Parameter", name) {
        Some(recorded) => recorded.attribute("Value").map(str::to_owned),
        None => name
            .starts_with("/aws/service/")
            .then(|| MACHINE_IMAGE.to_owned()),
    }
}
