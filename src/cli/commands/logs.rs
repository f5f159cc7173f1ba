//! `colormesh logs`: what the app and its proxies wrote, let through and
//! refused, in the order in which it happened.

use std::time::Duration;

use tokio::time::sleep;

use crate::cli::args::{Global, Logs};
use crate::cli::evidence::{self, Entry, Filter, Groups, Log, Source, Tail, Task, Traffic};
use crate::cli::exit::{DONE, Exit, FAILED, Outcome};
use crate::cli::layout::fitted;
use crate::cli::printer::{Printer, talk};
use crate::cli::session::Session;
use crate::cli::settings;
use crate::runtime::moment;

/// How often files are looked at for what was added.
const GLANCE: Duration = Duration::from_millis(200);
/// How many of those pass until new tasks are looked for.
const GLANCES: u32 = 10;
/// How many lines are shown when nothing says how many.
const LINES: usize = 100;
/// The widest that tasks' names get.
const NAME_WIDTH: usize = 40;

pub(crate) async fn run(global: &Global, arguments: &Logs, printer: Printer) -> Outcome {
    let Some(session) = Session::existing(global).await? else {
        talk("the local endpoint does not run, so there is nothing to show");
        return Ok(FAILED);
    };
    let Some(tasks) = tasks(&session, arguments).await else {
        let group = format!("{}-ecs-cluster's log group", session.config.environment);
        return Err(Exit::usage(format!(
            "`logs` reads tasks on this machine; on AWS they are in CloudWatch Logs, {group}"
        ))
        .into());
    };
    let filter = filter(arguments);
    let sources = sources(&tasks, &filter);
    let usual = arguments.since.map_or(LINES, |_| usize::MAX);
    let count = arguments.lines.unwrap_or(usual);
    let (mut tail, entries) = Tail::with_last(sources, &filter, count);
    show(&entries, printer)?;
    if !arguments.follow {
        if filter.logs == [Log::Denied] {
            counts(global, &session, &tasks, printer)?;
        }
        return Ok(DONE);
    }
    let mut glances = 0;
    loop {
        show(&tail.added(&filter), printer)?;
        sleep(GLANCE).await;
        glances += 1;
        if glances % GLANCES == 0
            && let Some(tasks) = self::tasks(&session, arguments).await
        {
            let sources = self::sources(&tasks, &filter);
            sources.into_iter().for_each(|source| tail.follow(source));
        }
    }
}

/// The tasks that are wanted; `None` where there is no local target.
async fn tasks(session: &Session, arguments: &Logs) -> Option<Vec<Task>> {
    let local = session.local_status().await?;
    let tasks = evidence::of(session, &local).await;
    let wanted = |task: &Task| {
        let name = task.name.to_lowercase();
        arguments.tasks.is_empty()
            || arguments
                .tasks
                .iter()
                .any(|part| name.contains(&part.to_lowercase()))
    };
    Some(tasks.into_iter().filter(wanted).collect())
}

fn filter(arguments: &Logs) -> Filter {
    let mut logs = arguments.logs.clone();
    logs.extend(arguments.denied.then_some(Log::Denied));
    logs.extend(arguments.allowed.then_some(Log::Allowed));
    Filter {
        logs,
        since: arguments.since,
        destination: arguments.destination.clone(),
    }
}

fn sources(tasks: &[Task], filter: &Filter) -> Vec<Source> {
    evidence::sources(tasks, |log| filter.wants(log))
}

/// Rows for people, one JSON document a line for programs.
fn show(entries: &[Entry], printer: Printer) -> anyhow::Result<()> {
    let mut text = String::new();
    if printer.is_json() {
        for entry in entries {
            text.push_str(&serde_json::to_string(&evidence::document(entry))?);
            text.push('\n');
        }
    } else {
        let widths = entries.iter().map(|entry| entry.task.chars().count());
        let width = widths.max().unwrap_or(0).min(NAME_WIDTH);
        for entry in entries {
            text.push_str(&evidence::row(entry, width, printer.width().is_none()));
        }
    }
    printer.raw(&text)
}

/// Refusals by destination, and what would allow them.
fn counts(
    global: &Global,
    session: &Session,
    tasks: &[Task],
    printer: Printer,
) -> anyhow::Result<()> {
    if printer.is_json() {
        return Ok(());
    }
    let traffic = Traffic::new(&Groups::read(tasks), &session.config);
    let rows = evidence::rows(&traffic, Log::Denied);
    if rows.is_empty() {
        return printer.data("nothing was refused\n");
    }
    let list = settings::list(global)?;
    let table = fitted(&rows, printer.width(), str::to_owned);
    let advice = evidence::advice(&traffic, &session.config, &list, printer.width());
    printer.data(&format!("\n{table}{advice}"))
}

/// `5m` ago, or a time as the logs write it.
pub(crate) fn since(text: &str, ago: Result<Duration, String>) -> Result<u64, String> {
    if let Some(time) = moment::milliseconds(text) {
        return Ok(time);
    }
    let ago = ago.map_err(|_| {
        "write how long ago, like `90s` or `5m`, or a time in UTC, like `2026-11-23T09:00:00Z`"
            .to_owned()
    })?;
    let ago = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
    Ok(moment::now_milliseconds().saturating_sub(ago))
}
