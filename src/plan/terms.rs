//! What differs of the terms that CloudFormation keeps with a stack, and of its
//! tags.
//!
//! They are read with the stack, so that comparing them costs no call. The time
//! limit is not among them: it belongs to a creation, and no update changes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::{Change, DeployedStack};
use crate::stack::{RenderedStack, VERSION_TAG};

/// One of the terms of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// The role that CloudFormation acts as.
    Role,
    /// The topics that are told of its events.
    NotificationTopics,
    /// The alarms that take a change of it back.
    RollbackAlarms,
    /// Whether it is protected from deletion.
    TerminationProtection,
}

// === impl Term ===

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Role => "role",
            Self::NotificationTopics => "notification topics",
            Self::RollbackAlarms => "rollback alarms",
            Self::TerminationProtection => "termination protection",
        })
    }
}

/// Adds what differs. What is not wanted of any kind stays as it is.
pub(super) fn compare(wanted: &RenderedStack, deployed: &DeployedStack, changes: &mut Vec<Change>) {
    let (wanted, there) = (&wanted.terms, &deployed.stack);
    let mut differs = |term, before, after| {
        changes.push(Change::Term {
            term,
            before,
            after,
        });
    };
    if wanted.role_arn.is_some() && wanted.role_arn != there.role_arn {
        differs(Term::Role, there.role_arn.clone(), wanted.role_arn.clone());
    }
    for (term, wanted, there) in [
        (
            Term::NotificationTopics,
            &wanted.notification_arns,
            &there.notification_arns,
        ),
        (
            Term::RollbackAlarms,
            &wanted.rollback_alarms,
            &there.rollback_alarms,
        ),
    ] {
        let Some(wanted) = wanted else { continue };
        // Which one comes first means nothing.
        if set(wanted) != set(there) {
            differs(term, listed(there), listed(wanted));
        }
    }
    if let Some(wanted) = wanted.termination_protection
        && wanted != there.is_protected
    {
        let text = |on: bool| Some(if on { "on" } else { "off" }.to_owned());
        differs(
            Term::TerminationProtection,
            text(there.is_protected),
            text(wanted),
        );
    }
}

/// Adds the tags that differ. Another version alone changes nothing.
pub(super) fn tags(
    wanted: &BTreeMap<String, String>,
    deployed: &BTreeMap<String, String>,
    changes: &mut Vec<Change>,
) {
    let names: BTreeSet<&String> = wanted
        .keys()
        .chain(deployed.keys())
        .filter(|name| !name.starts_with("aws:") && *name != VERSION_TAG)
        .collect();
    for name in names {
        let (before, after) = (deployed.get(name).cloned(), wanted.get(name).cloned());
        if before != after {
            changes.push(Change::Tag {
                name: name.clone(),
                before,
                after,
            });
        }
    }
}

fn set(list: &[String]) -> BTreeSet<&String> {
    list.iter().collect()
}

fn listed(list: &[String]) -> Option<String> {
    (!list.is_empty()).then(|| list.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::samples::{deployed, rendered};
    use crate::plan::{KnownImage, compare};
    use crate::stack::{Role, StackTerms};

    const TEMPLATE: &str = "Resources: {A: {Type: T::A}}";

    fn arns(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn stack(terms: StackTerms) -> RenderedStack {
        RenderedStack {
            terms,
            ..rendered("s", Role::Vpc, TEMPLATE)
        }
    }

    fn told(before: StackTerms, after: StackTerms) -> Vec<String> {
        let there = deployed(&stack(before), "CREATE_COMPLETE");
        let changes = compare(&stack(after), KnownImage::Nothing, &there);
        let told = changes.into_iter().map(|change| match change {
            Change::Term {
                term,
                before,
                after,
            } => {
                let of = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
                format!("{term}: {} -> {}", of(before), of(after))
            }
            other => format!("{other:?}"),
        });
        told.collect()
    }

    #[test]
    fn each_term_that_differs_is_named() {
        let before = StackTerms {
            notification_arns: Some(arns(&["a", "b"])),
            ..StackTerms::default()
        };
        let after = StackTerms {
            role_arn: Some("r".to_owned()),
            notification_arns: Some(arns(&["b", "c"])),
            rollback_alarms: Some(arns(&["x"])),
            termination_protection: Some(true),
        };
        assert_eq!(
            told(before, after),
            [
                "role: none -> r",
                "notification topics: a, b -> b, c",
                "rollback alarms: none -> x",
                "termination protection: off -> on",
            ]
        );
    }

    #[test]
    fn what_is_left_out_stays_and_an_empty_list_takes_away() {
        let before = || StackTerms {
            role_arn: Some("r".to_owned()),
            notification_arns: Some(arns(&["a", "b"])),
            rollback_alarms: Some(arns(&["x"])),
            termination_protection: None,
        };
        assert_eq!(told(before(), StackTerms::default()), [""; 0]);
        let other_order = StackTerms {
            notification_arns: Some(arns(&["b", "a"])),
            ..before()
        };
        assert_eq!(told(before(), other_order), [""; 0]);
        let none = StackTerms {
            notification_arns: Some(arns(&[])),
            rollback_alarms: Some(arns(&[])),
            ..StackTerms::default()
        };
        assert_eq!(
            told(before(), none),
            [
                "notification topics: a, b -> none",
                "rollback alarms: x -> none"
            ]
        );
    }
}
