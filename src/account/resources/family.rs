//! The trait of a family, and what all families share.

use super::table::TYPES;
use crate::account::handle::Options;
use crate::account::inventory::Recorded;
use crate::account::store::State;
use serde_json::Value;
use std::collections::BTreeMap;

/// A resource type.
pub(in crate::account) struct Descriptor {
    /// `AWS::EC2::VPC` and the like.
    pub(in crate::account) name: &'static str,
    pub(super) required: &'static [&'static str],
    pub(super) replaced_by: &'static [&'static str],
    pub(super) properties: &'static [&'static str],
    pub(super) attributes: &'static [&'static str],
    /// Who looks after it.
    pub(in crate::account) family: &'static dyn Family,
}

impl Descriptor {
    /// Whether a change of this property needs a new resource.
    pub(in crate::account) fn replaced_by(&self, property: &str) -> bool {
        self.replaced_by.contains(&property)
    }

    /// Whether `Fn::GetAtt` knows this attribute.
    pub(in crate::account) fn has_attribute(&self, attribute: &str) -> bool {
        self.attributes.contains(&attribute) || attribute.starts_with("Outputs.")
    }
}

/// The type with this name.
pub(in crate::account) fn describe(resource_type: &str) -> Option<&'static Descriptor> {
    TYPES
        .iter()
        .find(|descriptor| descriptor.name == resource_type)
}

/// What a family is asked to make or change.
pub(in crate::account) struct Request<'a> {
    /// The settings of the account.
    pub(in crate::account) options: &'a Options,
    /// The type.
    pub(in crate::account) resource_type: &'static str,
    /// The name in the template.
    pub(in crate::account) logical_id: &'a str,
    /// The stack's name.
    pub(in crate::account) stack_name: &'a str,
    /// The stack's ARN.
    pub(in crate::account) stack_id: &'a str,
    /// The tags of the stack, which its resources inherit.
    pub(in crate::account) stack_tags: &'a BTreeMap<String, String>,
    /// The properties after evaluation; always an object.
    pub(in crate::account) properties: &'a Value,
}

impl Request<'_> {
    /// A property that is text or a number, as text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        text_of(self.properties.get(name)?)
    }

    /// The text of a property that the check has found to be there.
    pub(super) fn required(&self, name: &str) -> Result<String, Failure> {
        self.text(name)
            .ok_or_else(|| Failure::invalid(format!("{name} must be text")))
    }

    /// An identifier like `vpc-0123456789abcdef0`.
    pub(super) fn prefixed(&self, prefix: &str) -> String {
        format!("{prefix}-{}", self.options.ids.hex(17))
    }

    /// The name that the template gives, or one made of the names of stack
    /// and resource, as CloudFormation makes them.
    pub(super) fn name(&self, property: &str, limit: usize) -> String {
        self.text(property).unwrap_or_else(|| self.generated(limit))
    }

    fn generated(&self, limit: usize) -> String {
        let suffix = self.options.ids.suffix(12);
        let room = limit.saturating_sub(suffix.len() + 2);
        let keep = |text: &str, length: usize| text.chars().take(length).collect::<String>();
        let stack = keep(
            self.stack_name,
            room / 2 + room.saturating_sub(self.logical_id.len()).min(room) / 2,
        );
        let logical = keep(self.logical_id, room.saturating_sub(stack.len()));
        format!("{stack}-{logical}-{suffix}")
    }

    /// An ARN in this account and region.
    pub(super) fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:aws:{service}:{}:{}:{resource}",
            self.options.region, self.options.account_id
        )
    }

    /// An ARN without a region.
    pub(super) fn global_arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}::{}:{resource}", self.options.account_id)
    }
}

/// Text, numbers and booleans as CloudFormation turns them into text.
pub(in crate::account) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number, also when it was written as text.
pub(in crate::account) fn number_of(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// A truth, also when it was written as text.
pub(in crate::account) fn truth_of(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| value.as_str()?.parse().ok())
}

/// What a resource is known by after it was made.
#[derive(Debug, Default)]
pub(in crate::account) struct Physical {
    /// What `Ref` gives.
    pub(in crate::account) id: String,
    /// What `Fn::GetAtt` gives.
    pub(in crate::account) attributes: BTreeMap<String, Value>,
}

impl Physical {
    /// Known by this identifier.
    pub(super) fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            attributes: BTreeMap::new(),
        }
    }

    /// With one more attribute.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.attributes.insert(name.to_owned(), value.into());
        self
    }
}

/// Why a family refused.
#[derive(Clone, Debug)]
pub(in crate::account) struct Failure {
    code: &'static str,
    message: String,
}

impl Failure {
    /// A property makes no sense.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self {
            code: "InvalidRequest",
            message: message.into(),
        }
    }

    /// Something that the resource needs is not there.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self {
            code: "NotFound",
            message: message.into(),
        }
    }

    /// The name is taken.
    pub(super) fn exists(message: impl Into<String>) -> Self {
        Self {
            code: "AlreadyExists",
            message: message.into(),
        }
    }

    /// Something else still needs the resource.
    pub(super) fn in_use(message: impl Into<String>) -> Self {
        Self {
            code: "ResourceConflict",
            message: message.into(),
        }
    }

    /// It failed for a reason that has no code of its own.
    pub(in crate::account) fn general(message: impl Into<String>) -> Self {
        Self {
            code: "GeneralServiceException",
            message: message.into(),
        }
    }

    /// It did not come to a stable state.
    pub(in crate::account) fn not_stabilized(message: impl Into<String>) -> Self {
        Self {
            code: "NotStabilized",
            message: message.into(),
        }
    }

    /// The reason as a stack event has it.
    pub(in crate::account) fn reason(&self, token: &str) -> String {
        let Self { code, message } = self;
        format!(
            "Resource handler returned message: \"{message}\" (RequestToken: {token}, HandlerErrorCode: {code})"
        )
    }
}

/// Whether a resource has come to rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::account) enum Settled {
    /// It has.
    Yes,
    /// Not yet.
    Waiting,
    /// It never will.
    Failed(String),
}

/// What a family does. `physical_id` is what [`Physical::id`] was.
pub(in crate::account) trait Family: Sync {
    /// Makes a resource. The caller records it.
    fn create(&self, state: &mut State, request: &Request<'_>) -> Result<Physical, Failure>;

    /// Changes a resource in place. The caller records the new properties.
    fn update(
        &self,
        state: &mut State,
        request: &Request<'_>,
        physical_id: &str,
    ) -> Result<Physical, Failure>;

    /// Takes a resource away. The caller takes it out of the inventory.
    fn delete(
        &self,
        state: &mut State,
        resource_type: &str,
        physical_id: &str,
    ) -> Result<(), Failure> {
        let _ = (state, resource_type, physical_id);
        Ok(())
    }

    /// Whether a resource that was made or changed is ready.
    fn settled(&self, state: &State, physical_id: &str) -> Settled {
        let _ = (state, physical_id);
        Settled::Yes
    }

    /// The properties that a resource really has; nothing when it is gone.
    fn actual(&self, state: &State, resource_type: &str, physical_id: &str) -> Option<Value> {
        let recorded = state.inventory.get(resource_type, physical_id)?;
        Some(recorded.properties.clone())
    }

    /// Whether what was deleted has really ended.
    fn gone(&self, state: &State, physical_id: &str) -> bool {
        let _ = (state, physical_id);
        true
    }
}

/// Makes and records a resource.
pub(in crate::account) fn create(
    state: &mut State,
    descriptor: &Descriptor,
    request: &Request<'_>,
) -> Result<String, Failure> {
    let physical = descriptor.family.create(state, request)?;
    if state.inventory.get(descriptor.name, &physical.id).is_some() {
        return Err(Failure::exists(format!(
            "Resource of type '{}' with identifier '{}' already exists.",
            descriptor.name, physical.id
        )));
    }
    let id = physical.id.clone();
    record(state, descriptor, request, physical);
    Ok(id)
}

/// Changes and records a resource.
pub(in crate::account) fn update(
    state: &mut State,
    descriptor: &Descriptor,
    request: &Request<'_>,
    physical_id: &str,
) -> Result<(), Failure> {
    let mut physical = descriptor.family.update(state, request, physical_id)?;
    physical.id = physical_id.to_owned();
    record(state, descriptor, request, physical);
    Ok(())
}

/// Takes a resource away. One that is not there is no mistake.
pub(in crate::account) fn delete(
    state: &mut State,
    descriptor: &Descriptor,
    physical_id: &str,
) -> Result<(), Failure> {
    if state.inventory.get(descriptor.name, physical_id).is_some() {
        descriptor
            .family
            .delete(state, descriptor.name, physical_id)?;
        state.inventory.remove(descriptor.name, physical_id);
    }
    Ok(())
}

fn record(state: &mut State, descriptor: &Descriptor, request: &Request<'_>, physical: Physical) {
    let mut attributes = state
        .inventory
        .get(descriptor.name, &physical.id)
        .map(|before| before.attributes.clone())
        .unwrap_or_default();
    attributes.extend(physical.attributes);
    let recorded = Recorded {
        properties: request.properties.clone(),
        attributes,
        stack_id: request.stack_id.to_owned(),
        logical_id: request.logical_id.to_owned(),
    };
    state.inventory.put(descriptor.name, &physical.id, recorded);
}

/// What is wrong with the names of the properties, as AWS says it.
pub(in crate::account) fn check_properties(
    descriptor: &Descriptor,
    properties: &Value,
) -> Result<(), String> {
    let Some(given) = properties.as_object() else {
        return Err(
            "Property validation failure: [Value of property {/} does not match type {Object}]"
                .to_owned(),
        );
    };
    let unknown: Vec<&str> = given
        .keys()
        .map(String::as_str)
        .filter(|name| !descriptor.properties.contains(name))
        .collect();
    if !unknown.is_empty() {
        return Err(format!(
            "Properties validation failed for resource with message:\n[#: extraneous key [{}] is not permitted]",
            unknown.join(", ")
        ));
    }
    let absent: Vec<String> = descriptor
        .required
        .iter()
        .filter(|name| !given.contains_key(**name))
        .map(|name| format!("The property {{/{name}}} is required"))
        .collect();
    if absent.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "Property validation failure: [{}]",
            absent.join(", ")
        ))
    }
}
