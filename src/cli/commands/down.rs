//! `colormesh down`: everything away, in reverse order.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context;

use crate::cli::args::{Down, Global};
use crate::cli::exit::{DONE, Exit, FAILED, Outcome};
use crate::cli::job::{Job, Timeline};
use crate::cli::local::claim::{Claim, Claiming};
use crate::cli::local::paths::Paths;
use crate::cli::local::{self};
use crate::cli::note;
use crate::cli::printer::{NAME, Printer, paint};
use crate::cli::run::{self, View};
use crate::cli::session::{self, Session};
use crate::cli::settings;
use crate::cli::signals::Signals;
use crate::cli::wanted::{self, Wanted, without_what_is_not_built};
use crate::config::{Config, Target};
use crate::deploy::{self, Choices, LastLines, Obstacle, Person, Report};
use crate::plan::{Action, Direction, Plan, StepId};

/// What a `down` is about to do; `None` when there is nothing.
struct Prepared {
    session: Session,
    plan: Plan,
    wanted: Wanted,
    /// Nobody else changes this environment meanwhile.
    _claim: Option<Claim>,
}

pub(crate) async fn run(
    global: &Global,
    arguments: &Down,
    printer: Printer,
    signals: &Signals,
) -> Outcome {
    let mut job = Job::open(&arguments.job)?;
    let unchanged = "nothing was removed; `colormesh down` begins again";
    let prepared = signals.or(unchanged, prepare(global, arguments, printer));
    let Some(prepared) = job.noted(prepared.await)? else {
        job.outputs.set("changes", "false")?;
        job.summary.end("down: nothing is deployed");
        printer.json(&Report::default())?;
        printer.say("nothing is deployed");
        return Ok(DONE);
    };
    let (session, plan) = (prepared.session, prepared.plan);
    job.summary.title("down", &session.config);
    job.summary.plan(&plan);
    let work = prepared
        .wanted
        .work(false, Choices::default(), LastLines::default());
    let mut timeline = Timeline::default();
    // On the way down nothing is asked.
    let (_, questions) = Person::listening();
    let view = View {
        printer,
        signals,
        session: &session,
        questions,
    };
    let ended = run::run(view, &mut timeline, |events, interrupt| {
        deploy::down(&plan, &session.cloud, work, events, interrupt)
    });
    let ended = ended.await;
    job.summary.timeline(&timeline);
    let report = match job.noted(ended)? {
        Ok(report) => report,
        Err(code) => return Ok(code),
    };
    let templates = signals.or(
        "all stacks are removed; `colormesh down` again removes the templates in the bucket",
        forget_templates(&session, printer),
    );
    job.noted(templates.await)?;
    let nearly = "all stacks are removed; `colormesh down` again removes the local endpoint";
    let left = signals.or(nearly, leave_nothing(session)).await;
    let left = job.noted(left)?;
    job.outputs
        .set("changes", &report.has_changes().to_string())?;
    printer.json(&report)?;
    let word = match (report.has_changes(), left) {
        (true, Left::Nothing) => "down; nothing is left",
        (false, Left::Nothing) => "nothing was deployed",
        (true, Left::Endpoint) => "down; the local endpoint goes on, with what others have on it",
        (false, Left::Endpoint) => {
            "nothing of it was deployed; the local endpoint goes on, with what others have on it"
        }
    };
    job.summary.end(word);
    printer.say(word);
    Ok(DONE)
}

/// Everything up to the first change.
async fn prepare(
    global: &Global,
    arguments: &Down,
    printer: Printer,
) -> anyhow::Result<Option<Prepared>> {
    let config = without_what_is_not_built(settings::load(global)?, printer);
    if has_nothing(&config)? {
        return Ok(None);
    }
    let wanted = Wanted::new(&config, Direction::Down)?;
    let claiming = Claiming::of("down", arguments.no_wait);
    let mut claim = session::claim(&config, claiming, printer).await?;
    // Another `down` may have removed everything while this one waited.
    if has_nothing(&config)? {
        return Ok(None);
    }
    let session = Session::with(config, global.endpoint_url.clone(), printer).await?;
    session.check_account(printer).await?;
    if claim.is_none() {
        claim = session.claim_on_aws(claiming, printer).await?;
    }
    note::take_up(&session, printer).await?;
    let plan = wanted.plan(&session, Direction::Down);
    let plan = session.or_lost(plan).await?;
    let found = async { Ok(deploy::obstacles(&session.cloud, &plan).await) };
    stop_at(&session.or_lost(found).await?)?;
    // Who has agreed already is told as they go.
    let asks = session.config.target == Target::Aws && !arguments.yes;
    let images = if asks {
        let environment = session.config.environment.as_str();
        deploy::images(&session.cloud, &plan, environment).await?
    } else {
        Vec::new()
    };
    agree(&session, arguments, &plan, (&images, printer)).await?;
    Ok(Some(Prepared {
        session,
        plan,
        wanted,
        _claim: claim,
    }))
}

/// Whether there is no account on this machine; what is left of one that was
/// being removed goes.
fn has_nothing(config: &Config) -> anyhow::Result<bool> {
    if config.target == Target::Aws {
        return Ok(false);
    }
    let paths = Paths::find()?;
    remove(&paths.leftover())?;
    let is_absent = !paths.state.exists();
    if is_absent {
        note::discard(&paths.claim(config.environment.as_str()));
    }
    Ok(is_absent)
}

/// What `up` put into the bucket goes with the stacks.
async fn forget_templates(session: &Session, printer: Printer) -> anyhow::Result<()> {
    let Some(bucket) = wanted::bucket(&session.config) else {
        return Ok(());
    };
    let forget = || session.cloud.forget_templates(&bucket);
    let removed = session.cloud.patiently(forget).await;
    let removed = removed.with_context(|| format!("templates stay in `{}`", bucket.uri()))?;
    if removed > 0 {
        let plural = if removed == 1 { "" } else { "s" };
        let bucket = bucket.uri();
        printer.say(&format!(
            "removed {removed} template{plural} from `{bucket}`"
        ));
    }
    Ok(())
}

/// What there is after a `down`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    Endpoint,
}

/// The local account goes with its last stack.
async fn leave_nothing(mut session: Session) -> anyhow::Result<Left> {
    let Some(local) = &mut session.local else {
        return Ok(Left::Nothing);
    };
    let (paths, shared) = (local.paths.clone(), local.running.claim.take());
    let alone = shared.map(Claim::alone).transpose()?.flatten();
    if alone.is_none() {
        return Ok(Left::Endpoint);
    }
    let stacks = async { Ok(session.cloud.stack_page().await?.stacks) };
    if !session.or_lost(stacks).await?.is_empty() {
        return Ok(Left::Endpoint);
    }
    local::stop(&paths).await?;
    // In one step, so that no half of it is ever taken for an account.
    let leftover = paths.leftover();
    remove(&leftover)?;
    fs::rename(&paths.state, &leftover)
        .with_context(|| format!("cannot remove `{}`", paths.state.display()))?;
    remove(&leftover)?;
    Ok(Left::Nothing)
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove `{}`", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Stops before anything is removed, when not all of it can be.
fn stop_at(obstacles: &[Obstacle]) -> anyhow::Result<()> {
    if obstacles.is_empty() {
        return Ok(());
    }
    let mut message = "the environment cannot be removed; nothing was:".to_owned();
    for obstacle in obstacles {
        message.push_str(&format!(
            "\n  {obstacle}\n  {} {}",
            paint(NAME, "hint:"),
            obstacle.hint()
        ));
    }
    Err(Exit {
        code: FAILED,
        message,
    }
    .into())
}

/// On AWS what goes is shown and agreed to.
async fn agree(
    session: &Session,
    arguments: &Down,
    plan: &Plan,
    (images, printer): (&[(String, usize)], Printer),
) -> anyhow::Result<()> {
    let going: Vec<&StepId> = plan
        .steps
        .iter()
        .filter(|step| step.action == Action::Delete)
        .map(|step| &step.id)
        .collect();
    if session.config.target == Target::Local || going.is_empty() {
        return Ok(());
    }
    printer.say("this removes:");
    for step in going {
        if !matches!(step, StepId::EmptyRepository(_)) || images.is_empty() {
            printer.say(&format!("  {step}"));
            continue;
        }
        for (repository, count) in images {
            let plural = if *count == 1 { "" } else { "s" };
            printer.say(&format!("  {count} image{plural} in `{repository}`"));
        }
    }
    if arguments.yes {
        return Ok(());
    }
    if !printer.asks() {
        return Err(Exit::usage("nobody can be asked here: `--yes` agrees").into());
    }
    if printer.confirm("Remove all of it from AWS?").await? {
        return Ok(());
    }
    Err(Exit::usage("not agreed to; nothing was changed").into())
}
