//! What was changed behind CloudFormation's back, for people and machines.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;

use super::exit::{CHANGES, DONE, FAILED};
use super::layout::{without_middle, wrapped};
use super::printer::{BAD, FAINT, GOOD, NAME, WARN, paint};
use super::session::Session;
use crate::aws::{DriftKind, DriftStatus, PropertyDrift, ResourceDrift};
use crate::deploy::{self, StackDrift};
use crate::verify::StackFact;

/// How much of a value people get to see; the JSON has all of it.
const SHOWN: usize = 200;

/// How each stack differs, by its name.
pub(crate) type Drifts = BTreeMap<String, StackDrift>;

/// Has the stacks that are there compared.
pub(crate) async fn look(session: &Session, stacks: &[StackFact]) -> Result<Drifts> {
    let there = stacks.iter().filter(|stack| stack.status != "absent");
    let names: Vec<String> = there.map(|stack| stack.name.clone()).collect();
    let compared = async { Ok(deploy::drift(&session.cloud, names).await) };
    session.or_lost(compared).await
}

/// What the command ends with. A stack that cannot be compared is no good news.
pub(crate) fn code(drifts: &Drifts, wants_code: bool) -> u8 {
    let has_drifted = |drift: &StackDrift| drift.status == DriftStatus::Drifted;
    if wants_code && drifts.values().any(has_drifted) {
        CHANGES
    } else if drifts.values().any(|drift| drift.failure.is_some()) {
        FAILED
    } else {
        DONE
    }
}

/// A row a stack.
pub(crate) fn rows(drifts: &Drifts) -> Vec<Vec<String>> {
    let row = |(name, drift): (&String, &StackDrift)| {
        let style = match drift.status {
            DriftStatus::InSync => GOOD,
            DriftStatus::Drifted => BAD,
            DriftStatus::NotChecked | DriftStatus::Unknown => WARN,
        };
        let status = paint(style, &drift.status.to_string());
        vec!["drift".to_owned(), name.clone(), status]
    };
    drifts.iter().map(row).collect()
}

/// A paragraph for each resource that differs, and for what was not compared.
pub(crate) fn text(drifts: &Drifts, width: Option<usize>) -> String {
    let mut text = String::new();
    for (stack, drift) in drifts {
        if let Some(failure) = &drift.failure {
            let failure = wrapped(failure, width, 14, WARN);
            let _ = write!(text, "\n{}\nnot compared  {failure}\n", paint(NAME, stack));
        }
        for resource in &drift.resources {
            text.push_str(&paragraph(stack, resource, width));
        }
    }
    text
}

fn paragraph(stack: &str, resource: &ResourceDrift, width: Option<usize>) -> String {
    let ResourceDrift {
        logical_id,
        physical_id,
        resource_type,
        kind,
        properties,
    } = resource;
    let word = match kind {
        DriftKind::Modified => "was changed",
        DriftKind::Deleted => "was deleted",
    };
    let heading = format!("{} {word}", paint(NAME, &format!("{stack}.{logical_id}")));
    let physical_id = physical_id.as_deref().unwrap_or_default();
    let what = wrapped(&format!("{resource_type} {physical_id}"), width, 2, FAINT);
    let mut text = format!("\n{heading}\n  {what}\n");
    for property in properties {
        let line = wrapped(&line(property), width, 4, WARN);
        let _ = writeln!(text, "  {line}");
    }
    text
}

fn line(property: &PropertyDrift) -> String {
    let PropertyDrift {
        path,
        expected,
        actual,
    } = property;
    let value = |value: &Option<String>| {
        value.as_ref().map_or_else(
            || "nothing".to_owned(),
            |value| format!("`{}`", without_middle(value, SHOWN)),
        )
    };
    format!("{path}: expected {}, is {}", value(expected), value(actual))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::printer::stripped;

    fn stack(status: DriftStatus, failure: Option<&str>) -> StackDrift {
        StackDrift {
            status,
            failure: failure.map(str::to_owned),
            resources: Vec::new(),
        }
    }

    fn drifts(all: Vec<(&str, StackDrift)>) -> Drifts {
        let owned = |(name, drift): (&str, StackDrift)| (name.to_owned(), drift);
        all.into_iter().map(owned).collect()
    }

    #[test]
    fn the_code_says_drift_only_where_that_is_asked_for() {
        let good = drifts(vec![
            ("a", stack(DriftStatus::InSync, None)),
            ("b", stack(DriftStatus::NotChecked, None)),
        ]);
        assert_eq!((code(&good, false), code(&good, true)), (DONE, DONE));
        let drifted = drifts(vec![
            ("a", stack(DriftStatus::Drifted, None)),
            ("b", stack(DriftStatus::InSync, None)),
        ]);
        assert_eq!(
            (code(&drifted, false), code(&drifted, true)),
            (DONE, CHANGES)
        );
        let unknown = drifts(vec![("a", stack(DriftStatus::NotChecked, Some("no")))]);
        assert_eq!(
            (code(&unknown, false), code(&unknown, true)),
            (FAILED, FAILED)
        );
    }

    #[test]
    fn what_differs_is_named_with_both_values() {
        let property = |path: &str, expected: Option<&str>, actual: Option<&str>| PropertyDrift {
            path: path.to_owned(),
            expected: expected.map(str::to_owned),
            actual: actual.map(str::to_owned),
        };
        let resource = |id: &str, kind, properties| ResourceDrift {
            logical_id: id.to_owned(),
            physical_id: Some("id-1".to_owned()),
            resource_type: "T::T".to_owned(),
            kind,
            properties,
        };
        let mut drifted = stack(DriftStatus::Drifted, Some("half of it"));
        drifted.resources = vec![
            resource(
                "A",
                DriftKind::Modified,
                vec![
                    property("/Count", Some("1"), Some("3")),
                    property("/Rules/1", None, Some("{}")),
                    property("/Name", Some("n"), None),
                ],
            ),
            resource("B", DriftKind::Deleted, Vec::new()),
        ];
        let said = stripped(&text(&drifts(vec![("e-vpc", drifted)]), None));
        assert_eq!(
            said,
            "\ne-vpc\nnot compared  half of it\n\
             \ne-vpc.A was changed\n  T::T id-1\n  /Count: expected `1`, is `3`\n  \
             /Rules/1: expected nothing, is `{}`\n  /Name: expected `n`, is nothing\n\
             \ne-vpc.B was deleted\n  T::T id-1\n"
        );
    }
}
