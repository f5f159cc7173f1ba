//! Events as clients read them: a stack's, and an operation's.

use super::describe::known;
use crate::account::clock::Timestamp;
use crate::account::cloudformation::{
    self as engine, ChangeSet, ChangeSetStatus, Event, OperationEntry, OperationStatus, Stack,
};
use crate::account::{Account, ApiError};
use crate::endpoint::query::Query;
use crate::endpoint::xml::Xml;

/// Entries on a page, as AWS has them.
const PAGE: usize = 100;

/// The newest first.
pub(super) fn of_stack(
    account: &Account,
    xml: &mut Xml,
    name: &str,
    next: Option<&str>,
) -> Result<(), ApiError> {
    account.read(|state| {
        let stack = known(&state.cloudformation, name)?;
        let (page, next) = page(stack.events.len(), next);
        let page = stack.events[page].iter().rev();
        xml.list("StackEvents", page, |xml, event| {
            xml.text("StackId", &stack.id)
                .text("StackName", &stack.name);
            resource(xml, event);
            xml.maybe("OperationId", event.operation.as_ref());
        });
        xml.maybe("NextToken", next);
        Ok(())
    })
}

/// The page that a token stands for, and the token of the next. Tokens count
/// from the oldest, so that new events move no page.
fn page(length: usize, next: Option<&str>) -> (std::ops::Range<usize>, Option<String>) {
    let end = next.and_then(|next| next.parse().ok()).unwrap_or(length);
    let end = end.min(length);
    let start = end.saturating_sub(PAGE);
    (start..end, (start > 0).then(|| start.to_string()))
}

fn resource(xml: &mut Xml, event: &Event) {
    xml.text("EventId", &event.id)
        .text("Timestamp", event.time.to_string())
        .text("LogicalResourceId", &event.logical_id)
        .text("PhysicalResourceId", &event.physical_id)
        .text("ResourceType", &event.resource_type)
        .text("ResourceStatus", &event.status)
        .maybe("ResourceStatusReason", event.reason.as_ref())
        .maybe(
            "ResourceProperties",
            event.properties().map(ToString::to_string),
        )
        .maybe("ClientRequestToken", event.token.as_ref())
        .maybe("DetailedStatus", event.detailed.as_ref());
}

/// `DescribeEvents`: of a change set, of an operation, or of the newest
/// operation of a stack.
pub(super) fn of_operation(
    account: &Account,
    xml: &mut Xml,
    query: &Query,
) -> Result<(), ApiError> {
    let only_failed = query.flag("Filters.FailedEvents");
    let entries = match (
        query.get("OperationId"),
        query.get("ChangeSetName"),
        query.get("StackName"),
    ) {
        (Some(id), _, _) => by_id(account, id)?,
        (_, Some(set), stack) => {
            let (stack, set) = engine::describe_change_set(account, stack, set)?;
            of_change_set(&stack, &set)
        }
        (_, _, Some(name)) => account.read(|state| {
            let stack = known(&state.cloudformation, name)?;
            let newest = stack.last_operation();
            Ok::<_, ApiError>(newest.map_or_else(Vec::new, |it| of_entry(stack, it)))
        })?,
        (None, None, None) => {
            return Err(ApiError::validation(
                "One of StackName, ChangeSetName or OperationId must be specified.",
            ));
        }
    };
    let entries: Vec<Entry> = entries
        .into_iter()
        .filter(|entry| !only_failed || entry.is_error())
        .collect();
    let (page, next) = page(entries.len(), query.get("NextToken"));
    let page = entries[page].iter().rev();
    xml.list("OperationEvents", page, |xml, entry| entry.write(xml));
    xml.maybe("NextToken", next);
    Ok(())
}

fn by_id(account: &Account, id: &str) -> Result<Vec<Entry>, ApiError> {
    account.read(|state| {
        for stack in state.cloudformation.stacks.values() {
            if let Some(operation) = stack.operations.iter().find(|it| it.id == id) {
                return Ok(of_entry(stack, operation));
            }
            if let Some(set) = stack.change_sets.values().find(|it| it.operation == id) {
                return Ok(of_change_set(stack, set));
            }
        }
        Err(ApiError::validation(format!(
            "Operation [{id}] does not exist"
        )))
    })
}

/// One event of an operation.
struct Entry {
    stack_id: String,
    operation: String,
    kind: &'static str,
    what: What,
}

enum What {
    /// The operation began or ended.
    Turn {
        id: String,
        status: OperationStatus,
        started: Timestamp,
        ended: Option<Timestamp>,
        reason: Option<String>,
    },
    Resource(Event),
    Fault(engine::ValidationFault, Timestamp),
}

/// What all events of an operation have in common.
struct Course<'a> {
    stack: &'a Stack,
    operation: &'a str,
    kind: &'static str,
    started: Timestamp,
    reason: Option<&'a str>,
}

impl Course<'_> {
    fn entry(&self, what: What) -> Entry {
        Entry {
            stack_id: self.stack.id.clone(),
            operation: self.operation.to_owned(),
            kind: self.kind,
            what,
        }
    }

    fn begins(&self) -> Entry {
        self.turn(OperationStatus::InProgress, None)
    }

    fn ends(&self, status: OperationStatus, at: Timestamp) -> Entry {
        self.turn(status, Some(at))
    }

    fn turn(&self, status: OperationStatus, ended: Option<Timestamp>) -> Entry {
        let reason = self.reason.filter(|_| ended.is_some());
        self.entry(What::Turn {
            id: format!("{}-{}", self.operation, status.text()),
            status,
            started: self.started,
            ended,
            reason: reason.map(str::to_owned),
        })
    }
}

fn of_entry(stack: &Stack, operation: &OperationEntry) -> Vec<Entry> {
    let course = Course {
        stack,
        operation: &operation.id,
        kind: operation.kind.text(),
        started: operation.started,
        reason: operation.reason.as_deref(),
    };
    let mut entries = vec![course.begins()];
    let events = stack.events.iter();
    let mine = events.filter(|event| {
        event.operation.as_ref() == Some(&operation.id) && event.physical_id != stack.id
    });
    entries.extend(mine.map(|event| course.entry(What::Resource((**event).clone()))));
    if let Some(ended) = operation.ended {
        entries.push(course.ends(operation.status, ended));
    }
    entries
}

fn of_change_set(stack: &Stack, set: &ChangeSet) -> Vec<Entry> {
    let course = Course {
        stack,
        operation: &set.operation,
        kind: "CREATE_CHANGESET",
        started: set.created,
        reason: set.reason.as_deref(),
    };
    let mut entries = vec![course.begins()];
    let Some(computed) = set.computed else {
        return entries;
    };
    let faults = set.faults.iter();
    entries.extend(faults.map(|fault| course.entry(What::Fault(fault.clone(), computed))));
    let status = if set.status == ChangeSetStatus::Failed {
        OperationStatus::Failed
    } else {
        OperationStatus::Succeeded
    };
    entries.push(course.ends(status, computed));
    entries
}

// === impl Entry ===

impl Entry {
    fn event_type(&self) -> &'static str {
        match &self.what {
            What::Turn { .. } => "STACK_EVENT",
            What::Resource(event) if event.status.ends_with("_FAILED") => "PROVISIONING_ERROR",
            What::Resource(_) => "PROGRESS_EVENT",
            What::Fault(..) => "VALIDATION_ERROR",
        }
    }

    fn is_error(&self) -> bool {
        self.event_type().ends_with("_ERROR")
    }

    fn write(&self, xml: &mut Xml) {
        xml.text("StackId", &self.stack_id)
            .text("OperationId", &self.operation)
            .text("OperationType", self.kind)
            .text("EventType", self.event_type());
        match &self.what {
            What::Resource(event) => resource(xml, event),
            What::Turn {
                id,
                status,
                started,
                ended,
                reason,
            } => {
                let time = ended.unwrap_or(*started);
                xml.text("EventId", id)
                    .text("OperationStatus", status.text())
                    .text("Timestamp", time.to_string())
                    .text("StartTime", started.to_string())
                    .maybe("EndTime", ended.map(|ended| ended.to_string()))
                    .maybe("ResourceStatusReason", reason.as_ref());
            }
            What::Fault(fault, time) => {
                let mode = if fault.is_warning { "WARN" } else { "FAIL" };
                xml.text("EventId", format!("{}-{}", fault.logical_id, fault.name))
                    .text("Timestamp", time.to_string())
                    .text("LogicalResourceId", &fault.logical_id)
                    .text("ResourceType", &fault.resource_type)
                    .text("DetailedStatus", "VALIDATION_FAILED")
                    .text("ValidationFailureMode", mode)
                    .text("ValidationName", &fault.name)
                    .text("ValidationStatus", "FAILED")
                    .text("ValidationStatusReason", &fault.reason)
                    .text("ValidationPath", &fault.path);
            }
        }
    }
}
