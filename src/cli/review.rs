//! What the service says to the changes, before any of them is carried out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::future::{pending, ready};

use anyhow::Result;
use serde::Serialize;

use super::decisions;
use super::exit::{Exit, FAILED};
use super::job::{self, Fold};
use super::printer::{BAD, NAME, Printer, WARN, paint, talk};
use super::session::Session;
use super::signals::Signals;
use crate::aws::{AttributeChange, ChangeAction, Known, Replacement, ResourceChange};
use crate::config::Target;
use crate::deploy::{self, Intent, Ready, Review, StepFailure, Work};
use crate::plan::{Action, Change, Plan, StepId};

/// The longest value that is shown whole, in characters.
const LONG: usize = 200;

/// Asks about all that is new or changes, and stops where one thing is refused,
/// or where data would be lost that may not be.
pub(crate) async fn before(
    session: &Session,
    plan: &Plan,
    work: &mut Work,
    printer: Printer,
    signals: &Signals,
) -> Result<()> {
    let unchanged = "no stack was changed; `colormesh up` begins again";
    let reviewing =
        |interrupt| deploy::review(plan, &session.cloud, work, Intent::CarryOut, interrupt);
    let (Some(review), None) = signals.interrupting(reviewing).await else {
        return signals.or(unchanged, pending()).await;
    };
    let allowed = match refusal(&review) {
        Some(refused) => Err(refused.into()),
        None if work.choices.allow_replacement => Ok(()),
        None => {
            let may_lose = decisions::may_lose(&review, printer);
            signals.or(unchanged, may_lose).await
        }
    };
    if let Err(error) = allowed {
        put_away(session, work, signals).await;
        return Err(error);
    }
    for warning in review.warnings() {
        talk(&format!("{} {warning}", paint(WARN, "warning:")));
    }
    let said = of_service(&review);
    if session.config.target == Target::Aws && !said.is_empty() {
        let _fold = Fold::begin("changes", "Changes");
        printer.say(said.trim());
    }
    work.choices.agreed = review.agreement();
    work.review = review;
    Ok(())
}

/// Every refusal, with its advice.
fn refusal(review: &Review) -> Option<Exit> {
    if review.refused.is_empty() {
        return None;
    }
    let mut message = String::new();
    for failure in &review.refused {
        job::annotate(&failure.step.to_string(), &failure.error.to_string());
        let _ = writeln!(message, "{} {failure}", paint(BAD, "error:"));
        if let Some(hint) = failure.error.hint() {
            let _ = writeln!(message, "{} {hint}", paint(NAME, "hint:"));
        }
    }
    message.push_str("\nnothing was changed");
    Some(Exit {
        code: FAILED,
        message,
    })
}

/// What `plan --detail` adds to the document.
#[derive(Serialize)]
pub(crate) struct Said<'a, D> {
    #[serde(flatten)]
    plan: &'a D,
    /// What the service would do, by stack.
    service: BTreeMap<String, &'a [ResourceChange]>,
    /// What would be lost.
    losses: Vec<String>,
    /// What its checks say that stops nothing.
    warnings: Vec<String>,
    /// What it refuses.
    refused: &'a [StepFailure],
}

/// Asks the service, and removes the change sets again.
pub(crate) async fn look(
    session: &Session,
    plan: &Plan,
    work: &Work,
    signals: &Signals,
) -> Result<Review> {
    let unchanged = "nothing was changed";
    let looking = |interrupt| deploy::review(plan, &session.cloud, work, Intent::Look, interrupt);
    let (Some(review), None) = signals.interrupting(looking).await else {
        return signals.or(unchanged, pending()).await;
    };
    put_away(session, work, signals).await;
    signals.or(unchanged, ready(Ok(review))).await
}

/// Removes the change sets that wait; within a moment once this process is
/// asked to end.
async fn put_away(session: &Session, work: &Work, signals: &Signals) {
    tokio::select! {
        biased;
        _ = signals.asked() => {}
        () = deploy::forget(&session.cloud, work) => return,
    }
    deploy::clear(&session.cloud, work).await;
}

/// The document of `plan --detail`.
pub(crate) fn document<'a, D>(plan: &'a D, review: &'a Review) -> Said<'a, D> {
    let ready = review.ready.iter();
    Said {
        plan,
        service: ready
            .map(|(name, ready)| (name.to_string(), ready.change_set.changes.as_slice()))
            .collect(),
        losses: review.losses(),
        warnings: review.warnings(),
        refused: &review.refused,
    }
}

/// Each property before and after in the service's words and, where it does
/// not tell them, as the templates have them.
pub(crate) fn text(plan: &Plan, review: &Review) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let (Action::Update { changes } | Action::MayUpdate { changes }) = &step.action else {
            continue;
        };
        let is_told = match &step.id {
            StepId::Stack(name) => review.ready.get(name).is_some_and(tells_values),
            _ => false,
        };
        let mut of_resources = changes.iter();
        if is_told || !of_resources.any(|change| matches!(change, Change::Resource { .. })) {
            continue;
        }
        let _ = writeln!(text, "\n{}", step.id);
        changes
            .iter()
            .for_each(|change| properties(change, &mut text));
    }
    text.push_str(&of_service(review));
    for warning in review.warnings() {
        let _ = writeln!(text, "\n{} {warning}", paint(WARN, "warning:"));
    }
    let losses = review.losses();
    if !losses.is_empty() {
        text.push_str("\nthese changes lose data; `up` asks, or needs `--allow-replacement`\n");
    }
    for loss in losses {
        let _ = writeln!(text, "  {loss}");
    }
    for failure in &review.refused {
        let _ = writeln!(text, "\n{} {failure}", paint(BAD, "refused:"));
        if let Some(hint) = failure.error.hint() {
            let _ = writeln!(text, "{} {hint}", paint(NAME, "hint:"));
        }
    }
    text
}

/// Whether there are values for each resource that changes.
fn tells_values(ready: &Ready) -> bool {
    let changes = ready.change_set.changes.iter();
    changes
        .filter(|change| change.action == ChangeAction::Modify)
        .all(|change| change.attributes.iter().any(tells_value))
}

fn tells_value(attribute: &AttributeChange) -> bool {
    attribute.before.is_some() || attribute.after.is_some()
}

/// The changes of stacks that stand, as the service says.
fn of_service(review: &Review) -> String {
    let mut text = String::new();
    for (name, ready) in &review.ready {
        let changes = &ready.change_set.changes;
        if changes.is_empty() || ready.makes_stack() {
            continue;
        }
        let _ = writeln!(text, "\n{name}, as the service says");
        for change in changes {
            let (id, kind) = (&change.logical_id, &change.resource_type);
            let _ = writeln!(text, "  {} {id} ({kind})", word(change));
            let attributes = change.attributes.iter();
            attributes.for_each(|attribute| text.push_str(&line(attribute)));
        }
        if ready.change_set.has_more {
            text.push_str("  and more than these\n");
        }
    }
    text
}

fn line(attribute: &AttributeChange) -> String {
    let before = attribute.before.as_deref().unwrap_or("nothing");
    let after = match &attribute.after {
        Some(Known::Value(value)) => value,
        Some(Known::Later) => "known once it is made",
        None => "nothing",
    };
    let same = before.chars().zip(after.chars());
    let same = same.take_while(|(one, other)| one == other).count();
    let values = if tells_value(attribute) {
        format!(": {} -> {}", around(before, same), around(after, same))
    } else {
        String::new()
    };
    let replaces = match attribute.replacement {
        Replacement::Yes => " (needs a new one)",
        Replacement::Conditional => " (may need a new one)",
        Replacement::No => "",
    };
    format!("    {}{values}{replaces}\n", attribute.path)
}

/// A value, or of a very long one what stands around a place.
fn around(value: &str, place: usize) -> String {
    let length = value.chars().count();
    if length <= LONG {
        return value.to_owned();
    }
    let start = place.saturating_sub(LONG / 4);
    let shown: String = value.chars().skip(start).take(LONG).collect();
    let (before, after) = (start > 0, start + LONG < length);
    let dots = |cut: bool| if cut { "..." } else { "" };
    format!("{}{shown}{}", dots(before), dots(after))
}

fn properties(change: &Change, text: &mut String) {
    let Change::Resource {
        logical_id,
        resource_type,
        properties,
        ..
    } = change
    else {
        return;
    };
    let _ = writeln!(text, "  {logical_id} ({resource_type})");
    for property in properties {
        let of = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        let (before, after) = (of(&property.before), of(&property.after));
        let _ = writeln!(text, "    {}: {before} -> {after}", property.path);
    }
}

fn word(change: &ResourceChange) -> &'static str {
    match (change.action, change.replacement) {
        (ChangeAction::Add, _) => "adds",
        (ChangeAction::Remove, _) => "removes",
        (ChangeAction::Modify, Replacement::Yes) => "replaces",
        (ChangeAction::Modify, Replacement::Conditional) => "changes, and may replace,",
        (ChangeAction::Modify, Replacement::No) => "changes",
        (ChangeAction::Other, _) => "touches",
    }
}
