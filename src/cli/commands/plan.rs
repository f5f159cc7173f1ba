//! `colormesh plan`: what `up` would do.

use std::fmt::Write as _;

use anstyle::Style;
use serde::Serialize;

use crate::cli::args::{Global, Plan as Arguments};
use crate::cli::costs::Costs;
use crate::cli::exit::{CHANGES, DONE, Outcome};
use crate::cli::job::Job;
use crate::cli::layout::{without_middle, wrapped};
use crate::cli::moving;
use crate::cli::note::{self, Note};
use crate::cli::printer::{BAD, FAINT, GOOD, Printer, WARN};
use crate::cli::review;
use crate::cli::session::Session;
use crate::cli::settings;
use crate::cli::signals::Signals;
use crate::cli::wanted::{Wanted, without_what_is_not_built};
use crate::deploy::{Choices, LastLines};
use crate::plan::{Action, Change, ChangeKind, Direction, Plan};

/// How wide names of steps are.
const NAME: usize = 42;
/// The most changes of one stack that are shown to a person.
const SHOWN: usize = 20;

/// The document of `--output json`.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    /// With `--target aws`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Costs>,
}

pub(crate) async fn run(
    global: &Global,
    arguments: &Arguments,
    printer: Printer,
    signals: &Signals,
) -> Outcome {
    let mut job = Job::open(&arguments.job)?;
    let prepared = signals.or("nothing was changed", prepare(global, printer));
    let (session, wanted, plan) = prepared.await?;
    job.summary.title("plan", &session.config);
    job.summary.plan(&plan);
    job.outputs
        .set("changes", &plan.has_changes().to_string())?;
    let cost = Costs::of(&session.config, wanted.stacks())?;
    job.summary.cost(cost.as_ref());
    let mut shown = text(&plan, printer.width());
    if let Some(cost) = &cost {
        shown.push_str(&cost.text(printer.width()));
    }
    let document = Document { plan: &plan, cost };
    if arguments.detail {
        let work = wanted.work(false, Choices::default(), LastLines::default());
        let note = Note::begin(&session, &plan, &work).await?;
        let said = session.or_lost(review::look(&session, &plan, &work, signals));
        let said = said.await;
        note.end();
        let said = said?;
        shown.push_str(&review::text(&plan, &said));
        printer.json(&review::document(&document, &said))?;
    } else {
        printer.json(&document)?;
    }
    printer.data(&shown)?;
    Ok(if arguments.exit_code && plan.has_changes() {
        CHANGES
    } else {
        DONE
    })
}

/// The account, what is wanted of it, and the way there.
async fn prepare(global: &Global, printer: Printer) -> anyhow::Result<(Session, Wanted, Plan)> {
    let config = without_what_is_not_built(settings::load_and_warn(global)?, printer);
    let mut wanted = Wanted::new(&config, Direction::Up)?;
    let session = Session::with(config, global.endpoint_url.clone(), printer).await?;
    session.check_account(printer).await?;
    note::take_up(&session, printer).await?;
    wanted.settle(&session, printer).await?;
    let plan = wanted.plan(&session, Direction::Up);
    let plan = session.or_lost(plan).await?;
    Ok((session, wanted, plan))
}

/// The plan for people: a line a step, the changes of a stack under it; `width`
/// is the terminal's.
pub(crate) fn text(plan: &Plan, width: Option<usize>) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let (style, word) = worded(&step.action);
        let changes = changes_of(&step.action);
        let mut name = step.id.to_string();
        if width.is_some() {
            name = without_middle(&name, NAME);
        }
        let word = wrapped(&word, width, 2 + NAME + 1, style);
        let _ = writeln!(text, "  {name:<NAME$} {word}");
        let (tasks, others): (Vec<&Change>, Vec<&Change>) = changes
            .iter()
            .partition(|change| matches!(change, Change::Tasks { .. }));
        let shown = others.iter().take(SHOWN).chain(&tasks);
        shown.for_each(|change| text.push_str(&line(change, width)));
        if changes_only_the_mesh(changes) {
            text.push_str("      -> the Envoys take it over; no task is replaced\n");
        }
        if changes_only_terms(changes) {
            text.push_str("      -> of the stack itself; no resource changes\n");
        }
        if others.len() > SHOWN {
            let _ = writeln!(text, "      and {} more changes", others.len() - SHOWN);
        }
    }
    text.push_str(&moving::text(plan, width));
    if !plan.has_changes() {
        text.push_str("\nnothing would change\n");
    }
    text
}

/// Whether these are changes of App Mesh's resources, which reach running
/// Envoys.
fn changes_only_the_mesh(changes: &[Change]) -> bool {
    let of_the_mesh = |change: &Change| match change {
        Change::Resource { resource_type, .. } => resource_type.starts_with("AWS::AppMesh::"),
        Change::Parameter { .. }
        | Change::Tag { .. }
        | Change::Term { .. }
        | Change::Section { .. }
        | Change::Template
        | Change::Tasks { .. } => false,
    };
    !changes.is_empty() && changes.iter().all(of_the_mesh)
}

/// Whether these are changes of what CloudFormation keeps with a stack.
fn changes_only_terms(changes: &[Change]) -> bool {
    let is_term = |change: &Change| matches!(change, Change::Term { .. });
    !changes.is_empty() && changes.iter().all(is_term)
}

/// What a step will do, in a word or two.
pub(crate) fn word(action: &Action) -> String {
    worded(action).1
}

/// The changes that a step makes, a line each, as many as are shown.
pub(crate) fn changes(action: &Action) -> Vec<String> {
    let changes = changes_of(action);
    let mut lines: Vec<String> = changes.iter().take(SHOWN).map(described).collect();
    if changes.len() > SHOWN {
        lines.push(format!("and {} more changes", changes.len() - SHOWN));
    }
    lines
}

fn changes_of(action: &Action) -> &[Change] {
    match action {
        Action::Update { changes } | Action::MayUpdate { changes } => changes,
        Action::Create
        | Action::Unchanged
        | Action::Replace { .. }
        | Action::Wait { .. }
        | Action::Continue { .. }
        | Action::Blocked { .. }
        | Action::Run
        | Action::Delete
        | Action::Absent => &[],
    }
}

fn worded(action: &Action) -> (Style, String) {
    match action {
        Action::Create => (GOOD, "create".to_owned()),
        Action::Update { .. } => (WARN, "update".to_owned()),
        Action::MayUpdate { .. } => (WARN, "may update".to_owned()),
        Action::Unchanged => (FAINT, "unchanged".to_owned()),
        Action::Replace { status } => (BAD, format!("replace ({status})")),
        Action::Wait { status } => (WARN, format!("wait for {status}")),
        Action::Continue { status } => (WARN, format!("continue ({status})")),
        Action::Blocked { status, hint } => (BAD, format!("blocked ({status}): {hint}")),
        Action::Run => (FAINT, "run".to_owned()),
        Action::Delete => (BAD, "delete".to_owned()),
        Action::Absent => (FAINT, "not there".to_owned()),
    }
}

fn line(change: &Change, width: Option<usize>) -> String {
    format!("      {}\n", wrapped(&described(change), width, 8, FAINT))
}

fn described(change: &Change) -> String {
    match change {
        Change::Resource {
            kind,
            logical_id,
            resource_type,
            properties,
        } => {
            let paths: Vec<&str> = properties
                .iter()
                .map(|property| property.path.as_str())
                .collect();
            let paths = if paths.is_empty() {
                String::new()
            } else {
                format!(": {}", paths.join(", "))
            };
            format!("{} {logical_id} ({resource_type}){paths}", verb(*kind))
        }
        Change::Parameter {
            name,
            before,
            after,
        } => {
            format!(
                "parameter {name}: {} -> {}",
                shown(before.as_ref()),
                after.as_deref().unwrap_or("known later")
            )
        }
        Change::Tag {
            name,
            before,
            after,
        } => {
            format!(
                "tag {name}: {} -> {}",
                shown(before.as_ref()),
                shown(after.as_ref())
            )
        }
        Change::Term {
            term,
            before,
            after,
        } => format!(
            "{term}: {} -> {}",
            shown(before.as_ref()),
            shown(after.as_ref())
        ),
        Change::Section { kind, path } => format!("{} {path}", verb(*kind)),
        Change::Template => "the template".to_owned(),
        Change::Tasks { service, certain } => {
            let are = if *certain { "are" } else { "may be" };
            format!("-> tasks of {service} {are} replaced (rolling)")
        }
    }
}

fn verb(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Add => "add",
        ChangeKind::Modify => "change",
        ChangeKind::Remove => "remove",
    }
}

fn shown(value: Option<&String>) -> &str {
    value.map_or("none", String::as_str)
}
