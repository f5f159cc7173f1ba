//! `colormesh status`: what is deployed, what runs, what the mesh did.

use std::collections::BTreeMap;

use anstyle::Style;
use serde::Serialize;

use crate::cli::args::Global;
use crate::cli::evidence::{self, Groups, Log, Traffic, short_name};
use crate::cli::exit::{DONE, Outcome};
use crate::cli::gather;
use crate::cli::layout::{fitted, wrapped};
use crate::cli::local::status::LocalStatus;
use crate::cli::printer::{BAD, FAINT, GOOD, NAME, Printer, paint};
use crate::cli::session::Session;
use crate::cli::settings::{self, List};
use crate::config::Config;

/// The document of `--output json`.
#[derive(Default, Serialize)]
struct Status {
    environment: String,
    target: String,
    /// The app's URL; absent until it is deployed.
    endpoint: Option<String>,
    /// Status by stack name; `absent` for one that is not there.
    stacks: BTreeMap<String, String>,
    /// Running and desired tasks by service.
    services: BTreeMap<String, Count>,
    /// Health of each task's Envoy.
    envoys: BTreeMap<String, String>,
    /// The local endpoint, on the local target.
    local: Option<LocalStatus>,
    /// What was let through and refused, by destination, on the local target.
    traffic: Option<Traffic>,
}

#[derive(Serialize)]
struct Count {
    running: u32,
    desired: u32,
}

pub(crate) async fn run(global: &Global, printer: Printer) -> Outcome {
    let Some(session) = Session::existing(global).await? else {
        printer.json(&Status {
            target: "local".to_owned(),
            ..Status::default()
        })?;
        printer.data("the local endpoint does not run: nothing is deployed\n")?;
        return Ok(DONE);
    };
    let facts = gather::facts(&session).await;
    let local = session.local_status().await;
    let mut traffic = None;
    if let Some(local) = &local {
        let tasks = evidence::of(&session, local).await;
        traffic = Some(Traffic::new(&Groups::read(&tasks), &session.config));
    }
    let status = Status {
        environment: session.config.environment.to_string(),
        target: session.config.target.to_string(),
        endpoint: facts.endpoint,
        stacks: facts
            .stacks
            .into_iter()
            .map(|stack| (stack.name, stack.status))
            .collect(),
        services: facts
            .services
            .into_iter()
            .map(|service| {
                (
                    service.name,
                    Count {
                        running: service.running,
                        desired: service.desired,
                    },
                )
            })
            .collect(),
        envoys: facts
            .envoys
            .into_iter()
            .map(|envoy| (envoy.task, envoy.health))
            .collect(),
        traffic,
        local,
    };
    printer.json(&status)?;
    let list = settings::list(global)?;
    printer.data(&text(&status, &session.config, &list, printer.width()))?;
    Ok(DONE)
}

/// All of it for people; `width` is the terminal's.
fn text(status: &Status, config: &Config, list: &List, width: Option<usize>) -> String {
    let environment = config.environment.to_string();
    let short = |name: &str| short_name(name, &environment);
    let mut text = fitted(&rows(status), width, short);
    if let Some(local) = &status.local {
        text.push_str(&outside(local, width));
    }
    if let Some(traffic) = &status.traffic {
        let counts: Vec<_> = [Log::Allowed, Log::Denied]
            .into_iter()
            .flat_map(|log| evidence::rows(traffic, log))
            .collect();
        if !counts.is_empty() {
            text.push_str(&format!("\n{}", fitted(&counts, width, str::to_owned)));
        }
        text.push_str(&evidence::advice(traffic, config, list));
    }
    match &status.endpoint {
        Some(endpoint) => text.push_str(&format!("\nendpoint  {}\n", paint(NAME, endpoint))),
        None => text.push_str("\nno endpoint: the app is not deployed\n"),
    }
    text
}

fn rows(status: &Status) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for (name, state) in &status.stacks {
        let style = if state.ends_with("_COMPLETE") && !state.contains("ROLLBACK") {
            GOOD
        } else if state == "absent" {
            FAINT
        } else {
            BAD
        };
        rows.push(vec!["stack".to_owned(), name.clone(), paint(style, state)]);
    }
    for (name, count) in &status.services {
        let style = if count.running == count.desired {
            GOOD
        } else {
            BAD
        };
        let counts = format!("{} of {} running", count.running, count.desired);
        rows.push(vec![
            "service".to_owned(),
            name.clone(),
            paint(style, &counts),
        ]);
    }
    for (task, health) in &status.envoys {
        let style = if health == "HEALTHY" { GOOD } else { BAD };
        rows.push(vec!["envoy".to_owned(), task.clone(), paint(style, health)]);
    }
    rows
}

/// What the outside world is, and what does not go as it should.
fn outside(local: &LocalStatus, width: Option<usize>) -> String {
    let mut text = String::new();
    if let Some(world) = &local.world {
        let world = format!("{} ({})", world.kind, world.why);
        let world = wrapped(&world, width, 10, Style::new());
        text.push_str(&format!("\noutside   {world}\n"));
    }
    for problem in &local.problems {
        let problem = wrapped(problem, width, 10, Style::new());
        text.push_str(&format!("{}  {problem}\n", paint(BAD, "problem:")));
    }
    text
}
