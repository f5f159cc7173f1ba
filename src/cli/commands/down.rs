//! `colormesh down`: everything away, in reverse order.

use std::fs;

use crate::cli::args::{Down, Global};
use crate::cli::exit::{DONE, Exit, Outcome};
use crate::cli::local::paths::Paths;
use crate::cli::local::{self};
use crate::cli::printer::{Printer, talk};
use crate::cli::run;
use crate::cli::session::Session;
use crate::cli::settings;
use crate::cli::wanted::{Wanted, without_what_is_not_built};
use crate::config::Target;
use crate::deploy::{self, Report};
use crate::plan::{Action, Direction, Plan, StepId};

pub(crate) async fn run(global: &Global, arguments: &Down, printer: Printer) -> Outcome {
    let config = without_what_is_not_built(settings::load(global)?, printer);
    if config.target == Target::Local && !Paths::find()?.state.exists() {
        printer.json(&Report::default())?;
        printer.say("nothing is deployed");
        return Ok(DONE);
    }
    let wanted = Wanted::new(&config, Direction::Down)?;
    let session = Session::with(config, global.endpoint_url.clone(), printer).await?;
    session.check_account().await?;
    let plan = wanted.plan(&session, Direction::Down).await?;
    agree(&session, arguments, &plan, printer)?;
    let work = wanted.work(false);
    let ended = run::run(printer, |events, interrupt| {
        deploy::down(&plan, &session.cloud, work, events, interrupt)
    });
    let report = match ended.await? {
        Ok(report) => report,
        Err(code) => return Ok(code),
    };
    leave_nothing(&session).await?;
    printer.json(&report)?;
    printer.say(if report.has_changes() {
        "down; nothing is left"
    } else {
        "nothing was deployed"
    });
    Ok(DONE)
}

/// The local account goes with its last stack.
async fn leave_nothing(session: &Session) -> anyhow::Result<()> {
    let Some(local) = &session.local else {
        return Ok(());
    };
    if !session.cloud.stack_page().await?.stacks.is_empty() {
        return Ok(());
    }
    local::stop(&local.paths).await?;
    fs::remove_dir_all(&local.paths.state)?;
    // The folder above is ours too, when nothing else is in it.
    if let Some(above) = local.paths.state.parent() {
        let _ = fs::remove_dir(above);
    }
    Ok(())
}

/// On AWS what goes is shown and agreed to.
fn agree(session: &Session, arguments: &Down, plan: &Plan, printer: Printer) -> anyhow::Result<()> {
    let going: Vec<&StepId> = plan
        .steps
        .iter()
        .filter(|step| step.action == Action::Delete)
        .map(|step| &step.id)
        .collect();
    if session.config.target == Target::Local || arguments.yes || going.is_empty() {
        return Ok(());
    }
    talk("this removes:");
    going.iter().for_each(|step| talk(&format!("  {step}")));
    if !printer.asks() {
        return Err(Exit::usage("nobody can be asked here: `--yes` agrees").into());
    }
    if printer.confirm("Remove all of it from AWS?")? {
        return Ok(());
    }
    Err(Exit::usage("not agreed to; nothing was changed").into())
}
