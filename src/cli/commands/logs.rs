//! `colormesh logs`: what the app and its proxies wrote.

use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::cli::args::{Global, Logs};
use crate::cli::exit::{DONE, Exit, FAILED, Outcome};
use crate::cli::gather;
use crate::cli::printer::{NAME, Printer, paint, talk};
use crate::cli::session::Session;

/// A task's log in `--output json`.
#[derive(Serialize)]
struct Log {
    task: String,
    /// `app`, `envoy`, `allowed` or `denied`.
    log: &'static str,
    lines: Vec<String>,
}

const FILES: [(&str, &str); 4] = [
    ("app", "app.log"),
    ("envoy", "envoy.log"),
    ("allowed", "access.log"),
    ("denied", "denied.log"),
];

pub(crate) async fn run(global: &Global, arguments: &Logs, printer: Printer) -> Outcome {
    let Some(session) = Session::existing(global).await? else {
        talk("the local endpoint does not run, so there is nothing to show");
        return Ok(FAILED);
    };
    let Some(local) = session.local_status().await else {
        let group = format!("{}-ecs-cluster's log group", session.config.environment);
        return Err(Exit::usage(format!(
            "`logs` reads tasks on this machine; on AWS they are in CloudWatch Logs, {group}"
        ))
        .into());
    };
    let mut logs = Vec::new();
    for task in gather::matching(&local, arguments.task.as_deref()) {
        for (log, file) in FILES.into_iter().filter(|(log, _)| wanted(arguments, log)) {
            let text = fs::read_to_string(Path::new(&task.logs).join(file)).unwrap_or_default();
            logs.push(Log {
                task: task.name.clone(),
                log,
                lines: tail(&text, arguments.lines),
            });
        }
    }
    printer.json(&logs)?;
    for log in logs.iter().filter(|log| !log.lines.is_empty()) {
        let title = paint(NAME, &format!("{} {}", log.task, log.log));
        printer.data(&format!("{title}\n{}\n\n", log.lines.join("\n")))?;
    }
    Ok(DONE)
}

fn wanted(arguments: &Logs, log: &str) -> bool {
    match (arguments.denied, arguments.allowed) {
        (true, _) => log == "denied",
        (_, true) => log == "allowed",
        (false, false) => true,
    }
}

fn tail(text: &str, count: usize) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.len().saturating_sub(count);
    lines[start..]
        .iter()
        .map(|line| (*line).to_owned())
        .collect()
}
