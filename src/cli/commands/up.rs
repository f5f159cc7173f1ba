//! `colormesh up`: from settings to an app that answers.

use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::plan;
use crate::cli::args::{Global, Up};
use crate::cli::exit::{DONE, Exit, FAILED, Outcome};
use crate::cli::gather;
use crate::cli::printer::{NAME, Printer, paint, talk};
use crate::cli::run;
use crate::cli::session::Session;
use crate::cli::settings;
use crate::cli::wanted::{Wanted, without_what_is_not_built};
use crate::config::Target;
use crate::deploy::{self, Report};
use crate::plan::{Action, Direction, Plan};
use crate::verify;

/// The document of `--output json`.
#[derive(Serialize)]
struct Document<'a> {
    endpoint: &'a str,
    /// Seconds from the first call to the app's answer.
    seconds: f64,
    #[serde(flatten)]
    report: &'a Report,
}

pub(crate) async fn run(global: &Global, arguments: &Up, printer: Printer) -> Outcome {
    let started = Instant::now();
    let config = without_what_is_not_built(settings::load_and_warn(global)?, printer);
    let wanted = Wanted::new(&config, Direction::Up)?;
    let session = Session::with(config, global.endpoint_url.clone(), printer).await?;
    session.check_account().await?;
    tell_world(&session, printer).await;
    let plan = wanted.plan(&session, Direction::Up).await?;
    agree(&session, arguments, &plan, printer)?;
    let replace = session.config.target == Target::Local || arguments.yes || printer.asks();
    let work = wanted.work(replace);
    let ended = run::run(printer, |events, interrupt| {
        deploy::up(&plan, &session.cloud, work, events, interrupt)
    });
    let report = match ended.await? {
        Ok(report) => report,
        Err(code) => return Ok(code),
    };
    let Some(endpoint) = gather::endpoint(&session).await else {
        talk("the stacks are there, but the service stack has no output `ColorAppEndpoint`");
        return Ok(FAILED);
    };
    if let Err(why) = answers(&endpoint, arguments.timeout).await {
        talk(&format!(
            "the stacks are there, but {endpoint}/ does not answer: {why}"
        ));
        talk("`colormesh status` and `colormesh logs` show what runs");
        return Ok(FAILED);
    }
    let seconds = (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    printer.json(&Document {
        endpoint: &endpoint,
        seconds,
        report: &report,
    })?;
    printer.say(&next(&session, &report, seconds));
    printer.data(&format!("{endpoint}\n"))?;
    Ok(DONE)
}

/// Says what stands for the outside world, when it is not the internet.
async fn tell_world(session: &Session, printer: Printer) {
    let Some(local) = session.local_status().await else {
        return;
    };
    if let Some(world) = local.world.filter(|world| world.kind == "stand-in") {
        printer.say(&format!(
            "the outside world is stand-ins on this machine: {}",
            world.why
        ));
    }
}

/// On AWS the plan is shown and agreed to: it costs money.
fn agree(session: &Session, arguments: &Up, plan: &Plan, printer: Printer) -> anyhow::Result<()> {
    let replaces = plan
        .steps
        .iter()
        .any(|step| matches!(step.action, Action::Replace { .. }));
    let free = session.config.target == Target::Local;
    if arguments.yes || !plan.has_changes() || free && !replaces {
        return Ok(());
    }
    talk(&plan::text(plan));
    if free {
        return Ok(());
    }
    if !printer.asks() {
        return Err(Exit::usage("nobody can be asked here: `--yes` agrees to the plan").into());
    }
    if printer.confirm("Deploy this to AWS?")? {
        return Ok(());
    }
    Err(Exit::usage("not agreed to; nothing was changed").into())
}

/// Waits until the gateway answers.
async fn answers(endpoint: &str, timeout: Duration) -> Result<(), String> {
    let deadline = Instant::now() + timeout;
    let url = format!("{endpoint}/");
    loop {
        let why = match verify::get(&url, Duration::from_secs(5)).await {
            Ok(answer) if answer.status == 200 => return Ok(()),
            Ok(answer) => format!("{} `{}`", answer.status, answer.first_line()),
            Err(why) => why,
        };
        if Instant::now() >= deadline {
            return Err(why);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

fn next(session: &Session, report: &Report, seconds: f64) -> String {
    let done = if report.has_changes() {
        "up"
    } else {
        "up already, nothing changed"
    };
    let paths: Vec<String> = session
        .config
        .external_services
        .iter()
        .take(2)
        .map(|service| format!("/external_{}", service.name))
        .chain(["/egress_denied".to_owned()])
        .collect();
    let hint = if session.config.app.image.is_some() {
        String::new()
    } else {
        format!("; try {} on it", paths.join(", "))
    };
    format!(
        "\n{done} in {seconds:.1} s{hint}; `{}` proves it",
        paint(NAME, "colormesh verify")
    )
}
