//! `colormesh status`: what is deployed, what runs, what the mesh did.

use std::collections::BTreeMap;

use anstyle::Style;
use serde::Serialize;

use crate::cli::args::{Global, Status as Arguments};
use crate::cli::attention::{self, Attention};
use crate::cli::drifts::{self, Drifts};
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
    /// What to do about stacks that are not as they should be, and why.
    attention: BTreeMap<String, Attention>,
    /// Running and desired tasks by service.
    services: BTreeMap<String, Count>,
    /// Health of each task's Envoy.
    envoys: BTreeMap<String, String>,
    /// The local endpoint, on the local target.
    local: Option<LocalStatus>,
    /// What was let through and refused, by destination, on the local target.
    traffic: Option<Traffic>,
    /// How each stack differs from its template; only with `--drift`.
    #[serde(skip_serializing_if = "Option::is_none")]
    drift: Option<Drifts>,
}

#[derive(Serialize)]
struct Count {
    running: u32,
    desired: u32,
}

pub(crate) async fn run(global: &Global, arguments: &Arguments, printer: Printer) -> Outcome {
    let Some(session) = Session::existing(global).await? else {
        printer.json(&Status {
            target: "local".to_owned(),
            ..Status::default()
        })?;
        printer.data("the local endpoint does not run: nothing is deployed\n")?;
        return Ok(DONE);
    };
    let facts = gather::facts(&session).await;
    let drift = match arguments.drift {
        true => Some(drifts::look(&session, &facts.stacks).await?),
        false => None,
    };
    let code = drift
        .as_ref()
        .map_or(DONE, |drift| drifts::code(drift, arguments.exit_code));
    let local = session.local_status().await;
    let attention = attention::attention(&session, &facts.stacks).await;
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
        attention,
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
        drift,
    };
    printer.json(&status)?;
    let list = settings::list(global)?;
    printer.data(&text(&status, &session.config, &list, printer.width()))?;
    Ok(code)
}

/// All of it for people; `width` is the terminal's.
fn text(status: &Status, config: &Config, list: &List, width: Option<usize>) -> String {
    let environment = config.environment.to_string();
    let short = |name: &str| short_name(name, &environment);
    let mut text = fitted(&rows(status), width, short);
    text.push_str(&attention::text(&status.attention, width));
    if let Some(drift) = &status.drift {
        text.push_str(&drifts::text(drift, width));
    }
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
        text.push_str(&evidence::advice(traffic, config, list, width));
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
    rows.extend(status.drift.iter().flat_map(drifts::rows));
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::cli::printer::stripped;

    fn sample() -> Status {
        let service = "Env-ecs-service-ColorTellerWhiteService-LTVNSMEM4HYL";
        let line = |name: &str| {
            format!(
                r#"{{"time":"2026-11-23T09:00:00.000Z","protocol":"tcp","destination":"240.0.2.1:443","server_name":"{name}"}}"#
            )
        };
        let log: String = ["www.github.com", "www.github.com", &"x".repeat(100)]
            .iter()
            .map(|name| line(name) + "\n")
            .collect();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("denied.log"), log).unwrap();
        let task = evidence::Task {
            name: "ColorTellerWhite 1f2e3d4c".into(),
            logs: folder.path().to_owned(),
        };
        let traffic = Traffic::new(&Groups::read(&[task]), &Config::default());
        let count = Count {
            running: 1,
            desired: 2,
        };
        Status {
            environment: "Env".to_owned(),
            target: "local".to_owned(),
            endpoint: Some("http://localhost:8080".to_owned()),
            stacks: [("Env-vpc".to_owned(), "CREATE_COMPLETE".to_owned())].into(),
            attention: BTreeMap::new(),
            services: [(service.to_owned(), count)].into(),
            envoys: [(format!("{service} 1f2e3d4c"), "HEALTHY".to_owned())].into(),
            local: None,
            traffic: Some(traffic),
            drift: None,
        }
    }

    fn shown(width: Option<usize>) -> String {
        let config = Config {
            environment: "Env".parse().unwrap(),
            ..Config::default()
        };
        let list = List::Items {
            file: "colormesh.yaml".to_owned(),
            indentation: 2,
        };
        stripped(&text(&sample(), &config, &list, width))
    }

    #[test]
    fn a_pipe_gets_everything() {
        insta::assert_snapshot!(shown(None), @r"
    stack    Env-vpc                                                        CREATE_COMPLETE
    service  Env-ecs-service-ColorTellerWhiteService-LTVNSMEM4HYL           1 of 2 running
    envoy    Env-ecs-service-ColorTellerWhiteService-LTVNSMEM4HYL 1f2e3d4c  HEALTHY

    denied  www.github.com:443                                            2x  TLS
    denied  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…xxxxxxxxxxxxxxxxxxxxxxxxx:443  1x  TLS

    hint: these look like mistakes; to allow them, add to `external_services` in `colormesh.yaml`:
      # a name under `github.com`, which is modelled
      - { name: www-github, host: www.github.com }

    endpoint  http://localhost:8080
    ");
    }

    #[test]
    fn a_terminal_gets_what_fits() {
        let text = shown(Some(80));
        insta::assert_snapshot!(text, @r"
    stack    vpc                        CREATE_COMPLETE
    service  ColorTellerWhite           1 of 2 running
    envoy    ColorTellerWhite 1f2e3d4c  HEALTHY

    denied  www.github.com:443                                            2x  TLS
    denied  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…xxxxxxxxxxxxxxxxxxxxxxxxx:443  1x  TLS

    hint: these look like mistakes; to allow them, add to `external_services` in
          `colormesh.yaml`:
      # a name under `github.com`, which is modelled
      - { name: www-github, host: www.github.com }

    endpoint  http://localhost:8080
    ");
        assert!(text.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn the_document_has_its_shape() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&sample()).unwrap(), @r#"
    {
      "environment": "Env",
      "target": "local",
      "endpoint": "http://localhost:8080",
      "stacks": {
        "Env-vpc": "CREATE_COMPLETE"
      },
      "attention": {},
      "services": {
        "Env-ecs-service-ColorTellerWhiteService-LTVNSMEM4HYL": {
          "running": 1,
          "desired": 2
        }
      },
      "envoys": {
        "Env-ecs-service-ColorTellerWhiteService-LTVNSMEM4HYL 1f2e3d4c": "HEALTHY"
      },
      "local": null,
      "traffic": {
        "since": "2026-11-23T09:00:00.000Z",
        "allowed": [],
        "allowed_elsewhere": 0,
        "denied": [
          {
            "name": "www.github.com",
            "address": null,
            "port": 443,
            "attempt": "tls",
            "count": 2,
            "first": "2026-11-23T09:00:00.000Z",
            "last": "2026-11-23T09:00:00.000Z",
            "tasks": [
              "ColorTellerWhite 1f2e3d4c"
            ],
            "destinations": [
              "240.0.2.1:443"
            ],
            "suggestion": "- { name: www-github, host: www.github.com }",
            "why": "a name under `github.com`, which is modelled"
          },
          {
            "name": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "address": null,
            "port": 443,
            "attempt": "tls",
            "count": 1,
            "first": "2026-11-23T09:00:00.000Z",
            "last": "2026-11-23T09:00:00.000Z",
            "tasks": [
              "ColorTellerWhite 1f2e3d4c"
            ],
            "destinations": [
              "240.0.2.1:443"
            ],
            "suggestion": null,
            "why": null
          }
        ],
        "denied_elsewhere": 0
      }
    }
    "#);
    }
}
