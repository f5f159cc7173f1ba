//! What needs somebody: the stacks that are not as they should be, each with
//! the reason and with what to type.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::layout::wrapped;
use super::printer::{NAME, WARN, paint};
use super::session::Session;
use crate::aws::StackStatus;
use crate::deploy::{self, Cause};
use crate::plan::Shown;
use crate::stack::{self, RenderedStack};
use crate::verify::StackFact;

/// A stack that needs somebody.
#[derive(Debug, Serialize)]
pub(crate) struct Attention {
    /// What to do.
    advice: &'static str,
    /// What led there, where its events still tell.
    cause: Option<Cause>,
}

/// The stacks that need somebody, by name.
pub(crate) async fn attention(
    session: &Session,
    facts: &[StackFact],
) -> BTreeMap<String, Attention> {
    let rendered = stack::render(&session.config).unwrap_or_default();
    let mut found = BTreeMap::new();
    for fact in facts {
        let Some(advice) = advice(&fact.status) else {
            continue;
        };
        let cause = match rendered
            .iter()
            .find(|stack| stack.name.as_str() == fact.name)
        {
            Some(stack) => cause(session, stack).await,
            None => None,
        };
        found.insert(fact.name.clone(), Attention { advice, cause });
    }
    found
}

/// What the table of statuses says; nothing of what is no status.
fn advice(status: &str) -> Option<&'static str> {
    let looks_like_one = status
        .bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    match Shown::of(Some(&StackStatus::from(status))) {
        Shown::Advice(advice) if looks_like_one => Some(advice),
        Shown::Advice(_) | Shown::Good | Shown::Absent | Shown::Busy => None,
    }
}

async fn cause(session: &Session, stack: &RenderedStack) -> Option<Cause> {
    deploy::cause_of(&session.cloud, stack, stack.name.as_str()).await
}

/// A paragraph for each.
pub(crate) fn text(attention: &BTreeMap<String, Attention>, width: Option<usize>) -> String {
    let mut text = String::new();
    for (name, what) in attention {
        let said = what.cause.as_ref().map_or_else(
            || what.advice.to_owned(),
            |cause| format!("{}; {cause}", what.advice),
        );
        let said = wrapped(&said, width, 11, WARN);
        let _ = write!(text, "\n{}\nattention  {said}\n", paint(NAME, name));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::printer::stripped;
    use crate::plan::TABLE;

    #[test]
    fn status_says_of_each_status_what_the_table_says() {
        for row in &TABLE {
            let said = advice(row.status.as_str());
            match row.shown {
                Shown::Advice(text) => assert_eq!(said, Some(text), "{}", row.status),
                Shown::Good | Shown::Absent | Shown::Busy => {
                    assert_eq!(said, None, "{}", row.status);
                }
            }
        }
        assert!(advice("NEW_ONE").is_some());
        assert_eq!(advice("absent"), None);
        assert_eq!(
            advice("`cloudformation:DescribeStacks` is not allowed"),
            None
        );
    }

    #[test]
    fn what_needs_somebody_is_a_paragraph() {
        let attention = BTreeMap::from([(
            "e-vpc".to_owned(),
            Attention {
                advice: "do this",
                cause: None,
            },
        )]);
        assert_eq!(
            stripped(&text(&attention, None)),
            "\ne-vpc\nattention  do this\n"
        );
    }
}
