//! The first failure of an operation, which is why all others failed.

use std::fmt;

use serde::Serialize;

use super::Origin;
use super::origin::Places;
use crate::aws::{ResourceStatus, StackEvent};

/// Why an operation on a stack failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The resource that failed first, or the stack's own name.
    pub logical_id: String,
    /// For example `AWS::ECS::Service`.
    pub resource_type: String,
    /// What became of it.
    pub status: ResourceStatus,
    /// Why, in the service's own words.
    pub reason: String,
    /// Where it stands in the template.
    pub origin: Option<Origin>,
    /// How many more failed, most of them because of it.
    pub others: usize,
    /// What was found out besides, such as why a task stopped.
    pub details: Vec<String>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` ({}) {}: {}",
            self.logical_id, self.resource_type, self.status, self.reason
        )?;
        if let Some(origin) = &self.origin {
            write!(f, " ({origin})")?;
        }
        match self.others {
            0 => {}
            1 => f.write_str(" (and 1 more after it)")?,
            others => write!(f, " (and {others} more after it)")?,
        }
        self.details
            .iter()
            .try_for_each(|detail| write!(f, "; {detail}"))
    }
}

/// Looks for the cause in the events of one operation.
#[derive(Debug, Default)]
pub(super) struct CauseFinder {
    places: Places,
    first: Option<StackEvent>,
    cancelled: Option<StackEvent>,
    of_stack: Option<StackEvent>,
    failures: usize,
}

// === impl CauseFinder ===

impl CauseFinder {
    /// One that tells where in the template a resource stands.
    pub(super) fn new(places: Places) -> Self {
        Self {
            places,
            ..Self::default()
        }
    }

    /// Takes the next event. Gives the cause when this event is the first
    /// failure, at the time it is known, which is before the roll-back ends.
    pub(super) fn take(&mut self, event: &StackEvent) -> Option<Cause> {
        if event.is_of_stack() {
            let turns = event.status.is_failure()
                || event.status.as_str().ends_with("ROLLBACK_IN_PROGRESS");
            if self.of_stack.is_none() && turns && event.reason.is_some() {
                self.of_stack = Some(event.clone());
                if self.failures == 0 {
                    return self.cause();
                }
            }
            return None;
        }
        if !event.status.is_failure() {
            return None;
        }
        self.failures += 1;
        if event.reason.as_deref().is_some_and(is_cancelled) {
            self.cancelled.get_or_insert_with(|| event.clone());
            return None;
        }
        if self.first.is_some() {
            return None;
        }
        self.first = Some(event.clone());
        self.cause()
    }

    /// The cause, as far as it is known.
    pub(super) fn cause(&self) -> Option<Cause> {
        let event = self
            .first
            .as_ref()
            .or(self.of_stack.as_ref())
            .or(self.cancelled.as_ref())?;
        let reason = event.reason.as_deref();
        Some(Cause {
            origin: self
                .places
                .find(&event.logical_id, reason.unwrap_or_default()),
            logical_id: event.logical_id.clone(),
            resource_type: event.resource_type.clone(),
            status: event.status.clone(),
            reason: reason.unwrap_or("no reason was given").to_owned(),
            others: self.failures.saturating_sub(1),
            details: Vec::new(),
        })
    }
}

/// Whether a resource that failed for this reason did so only because another
/// one had.
pub fn is_cancelled(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    reason.starts_with("resource ") && reason.contains("cancelled")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn event(id: &str, logical_id: &str, status: &str, reason: &str) -> StackEvent {
        let of_stack = logical_id == "stack";
        StackEvent {
            id: id.into(),
            stack_id: "arn".into(),
            logical_id: logical_id.into(),
            physical_id: of_stack.then(|| "arn".into()),
            resource_type: if of_stack {
                "AWS::CloudFormation::Stack"
            } else {
                "T::T"
            }
            .into(),
            status: ResourceStatus::new(status),
            reason: (!reason.is_empty()).then(|| reason.into()),
            token: None,
            at: None,
        }
    }

    #[test]
    fn the_first_failure_is_the_cause_and_the_cascade_is_folded() {
        let mut finder = CauseFinder::default();
        assert_eq!(
            finder.take(&event(
                "1",
                "A",
                "CREATE_FAILED",
                "Resource creation cancelled"
            )),
            None
        );
        let cause = finder
            .take(&event("2", "B", "CREATE_FAILED", "no such image"))
            .expect("the cause");
        assert_eq!(cause.logical_id, "B");
        assert_eq!(
            finder.take(&event(
                "3",
                "C",
                "CREATE_FAILED",
                "Resource creation cancelled"
            )),
            None
        );
        assert_eq!(
            finder.take(&event(
                "4",
                "stack",
                "ROLLBACK_IN_PROGRESS",
                "The following resource(s) failed"
            )),
            None
        );
        assert_eq!(
            finder.cause().expect("the cause").to_string(),
            "`B` (T::T) CREATE_FAILED: no such image (and 2 more after it)"
        );
    }

    #[test]
    fn a_stack_may_fail_without_a_resource() {
        let mut finder = CauseFinder::default();
        let cause = finder.take(&event(
            "1",
            "stack",
            "ROLLBACK_IN_PROGRESS",
            "No export named X found.",
        ));
        assert_eq!(cause.expect("the cause").reason, "No export named X found.");
    }
}
