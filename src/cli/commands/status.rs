//! `colormesh status`: what is deployed, what runs, what the mesh did.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::args::Global;
use crate::cli::exit::{DONE, Outcome};
use crate::cli::gather;
use crate::cli::local::status::LocalStatus;
use crate::cli::printer::{BAD, FAINT, GOOD, NAME, Printer, paint, table};
use crate::cli::session::Session;
use crate::cli::traffic::{self, Traffic};

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
    /// Connections by destination, on the local target.
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
        traffic: local.as_ref().map(traffic::read),
        local,
    };
    printer.json(&status)?;
    printer.data(&text(&status))?;
    Ok(DONE)
}

fn text(status: &Status) -> String {
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
    let mut text = table(&rows);
    if let Some(local) = &status.local {
        text.push_str(&outside(local));
    }
    if let Some(traffic) = &status.traffic {
        text.push_str(&traffic::text(traffic));
    }
    match &status.endpoint {
        Some(endpoint) => text.push_str(&format!("\nendpoint  {}\n", paint(NAME, endpoint))),
        None => text.push_str("\nno endpoint: the app is not deployed\n"),
    }
    text
}

/// What the outside world is, and what does not go as it should.
fn outside(local: &LocalStatus) -> String {
    let mut text = String::new();
    if let Some(world) = &local.world {
        text.push_str(&format!("\noutside   {} ({})\n", world.kind, world.why));
    }
    for problem in &local.problems {
        text.push_str(&format!("{} {problem}\n", paint(BAD, "problem:")));
    }
    text
}
