//! What the service says to the changes, before any of them is carried out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use super::decisions;
use super::exit::{Exit, FAILED};
use super::printer::{BAD, NAME, Printer, paint};
use super::session::Session;
use super::signals::{self, Signals};
use crate::aws::{ChangeAction, Replacement, ResourceChange};
use crate::deploy::{self, Review, StepFailure, Work};
use crate::plan::{Action, Change, Plan};

/// Has all change sets made whose inputs are known, and stops where one is
/// refused, or where data would be lost that may not be.
pub(crate) async fn before(
    session: &Session,
    plan: &Plan,
    work: &mut Work,
    printer: Printer,
    signals: &Signals,
) -> Result<()> {
    let asked = tokio::select! {
        biased;
        code = signals.asked() => Err(code),
        review = deploy::review(plan, &session.cloud, work) => Ok(review),
    };
    let review = match asked {
        Ok(review) => review,
        Err(code) => {
            deploy::clear(&session.cloud, plan, work).await;
            let message = format!(
                "\n{}; no stack was changed; `colormesh up` begins again",
                signals::word(code)
            );
            return Err(Exit { code, message }.into());
        }
    };
    let allowed = match refusal(&review) {
        Some(refused) => Err(refused.into()),
        None if work.choices.allow_replacement => Ok(()),
        None => decisions::may_lose(&review, printer),
    };
    if let Err(error) = allowed {
        deploy::forget(&session.cloud, &review).await;
        return Err(error);
    }
    work.choices.allow_replacement |= !review.losses().is_empty();
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
    /// What it refuses.
    refused: &'a [StepFailure],
}

/// Asks the service, and removes the change sets again.
pub(crate) async fn look(session: &Session, plan: &Plan, work: &Work) -> Review {
    let review = deploy::review(plan, &session.cloud, work).await;
    deploy::forget(&session.cloud, &review).await;
    review
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
        refused: &review.refused,
    }
}

/// Each property before and after, then the service's word.
pub(crate) fn text(plan: &Plan, review: &Review) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let (Action::Update { changes } | Action::MayUpdate { changes }) = &step.action else {
            continue;
        };
        let mut of_resources = changes.iter();
        if of_resources.any(|change| matches!(change, Change::Resource { .. })) {
            let _ = writeln!(text, "\n{}", step.id);
        }
        changes
            .iter()
            .for_each(|change| properties(change, &mut text));
    }
    let ready = review.ready.iter();
    for (name, ready) in ready.filter(|(_, ready)| !ready.change_set.changes.is_empty()) {
        let _ = writeln!(text, "\n{name}, as the service says");
        for change in &ready.change_set.changes {
            let (id, kind) = (&change.logical_id, &change.resource_type);
            let _ = writeln!(text, "  {} {id} ({kind})", word(change));
        }
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
