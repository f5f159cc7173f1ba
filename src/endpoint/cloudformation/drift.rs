//! Drift as clients read it.

use super::describe::{known, page_of};
use crate::account::cloudformation::{
    self as engine, DifferenceKind, DriftCheck, DriftStatus, ResourceDrift, Stack,
};
use crate::account::{Account, ApiError};
use crate::endpoint::query::Query;
use crate::endpoint::xml::Xml;

/// How far a comparison is.
pub(super) fn check(account: &Account, xml: &mut Xml, id: &str) -> Result<(), ApiError> {
    let (stack, check) = engine::find_drift_check(account, id)?;
    xml.text("StackId", &stack.id)
        .text("StackDriftDetectionId", id)
        .text("Timestamp", check.started.to_string());
    if check.is_ready() {
        xml.text("DetectionStatus", "DETECTION_COMPLETE")
            .text("StackDriftStatus", stack_status(Some(&check)))
            .text("DriftedStackResourceCount", check.drifted().to_string());
    } else {
        xml.text("DetectionStatus", "DETECTION_IN_PROGRESS");
    }
    Ok(())
}

/// What the last comparison of a stack came to.
fn stack_status(check: Option<&DriftCheck>) -> &'static str {
    match check {
        Some(check) if check.drifted() > 0 => "DRIFTED",
        Some(_) => "IN_SYNC",
        None => "NOT_CHECKED",
    }
}

fn ready(stack: &Stack) -> Option<&DriftCheck> {
    stack.drift.as_ref().filter(|check| check.is_ready())
}

/// What a stack's description says of it.
pub(super) fn of_stack(xml: &mut Xml, stack: &Stack) {
    let check = ready(stack);
    xml.element("DriftInformation", |xml| {
        xml.text("StackDriftStatus", stack_status(check)).maybe(
            "LastCheckTimestamp",
            check.map(|check| check.started.to_string()),
        );
    });
}

/// What a resource's description says of it.
pub(super) fn of_resource(xml: &mut Xml, stack: &Stack, id: &str) {
    let check = ready(stack);
    let drift = check.and_then(|check| check.resources.get(id));
    xml.element("DriftInformation", |xml| {
        let status = drift.map_or("NOT_CHECKED", |drift| text(drift.status));
        xml.text("StackResourceDriftStatus", status).maybe(
            "LastCheckTimestamp",
            check
                .filter(|_| drift.is_some())
                .map(|it| it.started.to_string()),
        );
    });
}

fn text(status: DriftStatus) -> &'static str {
    match status {
        DriftStatus::InSync => "IN_SYNC",
        DriftStatus::Modified => "MODIFIED",
        DriftStatus::Deleted => "DELETED",
    }
}

/// The resources of the last comparison.
pub(super) fn resources(account: &Account, xml: &mut Xml, query: &Query) -> Result<(), ApiError> {
    let name = query.require("StackName")?;
    let wanted = query.list("StackResourceDriftStatusFilters");
    account.read(|state| {
        let stack = known(&state.cloudformation, name)?;
        let check = ready(stack);
        let found: Vec<(&String, &ResourceDrift)> = check
            .into_iter()
            .flat_map(|check| &check.resources)
            .filter(|(_, drift)| wanted.is_empty() || wanted.contains(&text(drift.status)))
            .collect();
        let size = query.get("MaxResults").and_then(|text| text.parse().ok());
        let page = page_of(xml, found.len(), query.get("NextToken"), size);
        xml.list("StackResourceDrifts", &found[page], |xml, (id, drift)| {
            xml.text("StackId", &stack.id);
            one(xml, id, drift);
            let time = check.map(|check| check.started.to_string());
            xml.maybe("Timestamp", time);
        });
        Ok(())
    })
}

fn one(xml: &mut Xml, id: &str, drift: &ResourceDrift) {
    xml.text("LogicalResourceId", id)
        .text("PhysicalResourceId", &drift.physical_id)
        .text("ResourceType", &drift.resource_type)
        .text("StackResourceDriftStatus", text(drift.status))
        .text("ExpectedProperties", drift.expected.to_string())
        .maybe(
            "ActualProperties",
            drift.actual.as_ref().map(ToString::to_string),
        );
    xml.list("PropertyDifferences", &drift.differences, |xml, place| {
        let kind = match place.kind {
            DifferenceKind::Add => "ADD",
            DifferenceKind::Remove => "REMOVE",
            DifferenceKind::NotEqual => "NOT_EQUAL",
        };
        xml.text("PropertyPath", &place.path)
            .text("ExpectedValue", &place.expected)
            .text("ActualValue", &place.actual)
            .text("DifferenceType", kind);
    });
}
