//! Change sets as clients read them.

use super::describe::{known, page, terms};
use super::values::{Place, places};
use crate::account::cloudformation::{
    self as engine, Change, ChangeAction, ChangeSet, ChangeSetStatus, Replacement, Stack, Values,
};
use crate::account::{Account, ApiError};
use crate::endpoint::query::Query;
use crate::endpoint::xml::Xml;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn change_sets(
    account: &Account,
    xml: &mut Xml,
    name: &str,
    next: Option<&str>,
) -> Result<(), ApiError> {
    account.read(|state| {
        let stack = known(&state.cloudformation, name)?;
        let sets: Vec<&ChangeSet> = stack.change_sets.values().map(|set| &**set).collect();
        let page = page(xml, sets.len(), next);
        xml.list("Summaries", &sets[page], |xml, set| head(xml, stack, set));
        Ok(())
    })
}

fn head(xml: &mut Xml, stack: &Stack, set: &ChangeSet) {
    let execution = match set.status {
        ChangeSetStatus::Pending | ChangeSetStatus::InProgress | ChangeSetStatus::Failed => {
            "UNAVAILABLE"
        }
        ChangeSetStatus::Complete => "AVAILABLE",
        ChangeSetStatus::Executed => "EXECUTE_COMPLETE",
    };
    xml.text("ChangeSetId", &set.id)
        .text("ChangeSetName", &set.name)
        .text("StackId", &stack.id)
        .text("StackName", &stack.name)
        .text("CreationTime", set.created.to_string())
        .text("Status", engine::status_text(set.status))
        .text("ExecutionStatus", execution)
        .maybe("StatusReason", set.reason.as_ref())
        .maybe("Description", set.description.as_ref());
}

/// One change set; with the values before and after when they are asked for.
pub(super) fn change_set(account: &Account, xml: &mut Xml, query: &Query) -> Result<(), ApiError> {
    let name = query.require("ChangeSetName")?;
    let (stack, set) = engine::describe_change_set(account, query.get("StackName"), name)?;
    head(xml, &stack, &set);
    terms(xml, &set.spec.terms);
    xml.texts("Capabilities", &set.spec.capabilities);
    xml.list("Parameters", &set.spec.parameters, |xml, (name, value)| {
        xml.text("ParameterKey", name).text("ParameterValue", value);
    });
    xml.list("Tags", &set.spec.tags, |xml, (name, value)| {
        xml.text("Key", name).text("Value", value);
    });
    let page = page(xml, set.changes.len(), query.get("NextToken"));
    let changes = &set.changes[page];
    let values = if query.flag("IncludePropertyValues") {
        account.read(|state| engine::values_of(account.options(), state, &stack, &set, changes))
    } else {
        BTreeMap::new()
    };
    xml.list("Changes", changes, |xml, change| {
        xml.text("Type", "Resource");
        xml.element("ResourceChange", |xml| {
            one(xml, change, values.get(&change.logical_id));
        });
    });
    Ok(())
}

fn one<'v>(xml: &mut Xml, change: &Change, values: Option<&'v Values>) {
    xml.text("Action", action(change.action))
        .text("LogicalResourceId", &change.logical_id)
        .maybe("PhysicalResourceId", change.physical_id.as_ref())
        .text("ResourceType", &change.resource_type)
        .maybe("Replacement", change.replacement.map(replacement));
    let context = |value: &Value| json!({ "Properties": value }).to_string();
    let before = values.and_then(|values| values.before.as_ref());
    let after = values.and_then(|values| values.after.as_ref());
    xml.maybe("BeforeContext", before.map(context));
    xml.maybe("AfterContext", after.map(context));
    let tags = change.properties.contains_key("Tags");
    let others = change.properties.keys().any(|name| name != "Tags");
    xml.texts(
        "Scope",
        others
            .then_some("Properties")
            .into_iter()
            .chain(tags.then_some("Tags")),
    );
    let told = values.is_some();
    let details: Vec<_> = change
        .properties
        .iter()
        .flat_map(|(name, needs_new)| {
            let of = |values: Option<&'v Value>| values.and_then(|values| values.get(name));
            let path = format!("/Properties/{name}");
            let mut places = places(path.clone(), of(before), of(after));
            if places.is_empty() {
                places.push(Place {
                    path,
                    before: None,
                    after: None,
                });
            }
            places
                .into_iter()
                .map(move |place| (name, needs_new, place))
        })
        .collect();
    xml.list("Details", details, |xml, (name, needs_new, place)| {
        xml.element("Target", |xml| {
            target(xml, name, *needs_new, told.then_some(place));
        });
        // What depends on another resource is evaluated only then.
        let dynamic = *needs_new == Replacement::Conditional;
        xml.text("Evaluation", if dynamic { "Dynamic" } else { "Static" })
            .text("ChangeSource", "DirectModification");
    });
}

/// Tags are an attribute of their own, without a name.
fn target(xml: &mut Xml, name: &str, needs_new: Replacement, place: Option<Place<'_>>) {
    if name == "Tags" {
        xml.text("Attribute", "Tags");
    } else {
        xml.text("Attribute", "Properties").text("Name", name);
    }
    xml.text("RequiresRecreation", recreation(needs_new));
    let Some(place) = place else { return };
    let kind = match (place.before, place.after) {
        (None, _) => "Add",
        (_, None) => "Remove",
        _ => "Modify",
    };
    xml.text("Path", place.path)
        .maybe("BeforeValue", place.before.map(plain))
        .maybe("AfterValue", place.after.map(plain))
        .text("AttributeChangeType", kind);
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn action(action: ChangeAction) -> &'static str {
    match action {
        ChangeAction::Add => "Add",
        ChangeAction::Modify => "Modify",
        ChangeAction::Remove => "Remove",
    }
}

fn replacement(replacement: Replacement) -> &'static str {
    match replacement {
        Replacement::True => "True",
        Replacement::False => "False",
        Replacement::Conditional => "Conditional",
    }
}

fn recreation(replacement: Replacement) -> &'static str {
    match replacement {
        Replacement::False => "Never",
        Replacement::Conditional => "Conditionally",
        Replacement::True => "Always",
    }
}
