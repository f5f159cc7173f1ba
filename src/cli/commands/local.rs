//! `colormesh local`: the endpoint on this machine.

use std::fs;

use anyhow::Context as _;
use serde::Serialize;

use crate::account::lab::LabSettings;
use crate::cli::args::{Global, Local, Start};
use crate::cli::exit::{DONE, Outcome};
use crate::cli::layout::table;
use crate::cli::local::paths::Paths;
use crate::cli::local::{self, Running, status};
use crate::cli::printer::{NAME, Printer, paint};
use crate::cli::settings;

/// What other AWS clients need, in `--output json`.
#[derive(Serialize)]
struct Environment {
    #[serde(rename = "AWS_ENDPOINT_URL")]
    endpoint_url: String,
    #[serde(rename = "AWS_ACCESS_KEY_ID")]
    access_key: &'static str,
    #[serde(rename = "AWS_SECRET_ACCESS_KEY")]
    secret_key: &'static str,
    #[serde(rename = "AWS_REGION")]
    region: String,
    #[serde(rename = "AWS_DEFAULT_REGION")]
    default_region: String,
}

pub(crate) async fn run(global: &Global, command: &Local, printer: Printer) -> Outcome {
    let config = settings::load(global)?;
    let paths = Paths::find()?;
    match command {
        Local::Start(start) => {
            let lab = laboratory(start)?;
            let running = local::start_with(&paths, &config, lab, printer).await?;
            let record = running.record;
            printer.json(&record)?;
            printer.data(&format!("{}\n", record.url()))?;
        }
        Local::Stop => {
            let stopped = local::stop(&paths).await?;
            printer.json(&serde_json::json!({ "stopped": stopped }))?;
            printer.say(if stopped { "stopped" } else { "it did not run" });
        }
        Local::Status => return describe(&paths, printer).await,
        Local::Env => {
            let Some(Running { record, .. }) = local::running(&paths).await? else {
                anyhow::bail!("the local endpoint does not run; `colormesh local start` starts it");
            };
            let region = config.region.to_string();
            let environment = Environment {
                endpoint_url: record.url(),
                access_key: "colormesh",
                secret_key: "colormesh",
                default_region: region.clone(),
                region,
            };
            printer.json(&environment)?;
            printer.data(&exports(&environment)?)?;
        }
    }
    Ok(DONE)
}

/// The laboratory that is asked for, if one is.
fn laboratory(start: &Start) -> anyhow::Result<Option<LabSettings>> {
    if start.lab.is_none() && start.call_log.is_none() {
        return Ok(None);
    }
    let mut lab = match &start.lab {
        None => LabSettings::default(),
        Some(file) => {
            let text = fs::read_to_string(file)
                .with_context(|| format!("cannot read `{}`", file.display()))?;
            LabSettings::parse(&file.display().to_string(), &text)
                .with_context(|| format!("`{}` is no laboratory", file.display()))?
        }
    };
    // The daemon works in another folder than we do.
    if let Some(log) = start.call_log.as_ref().or(lab.call_log.as_ref()) {
        lab.call_log = Some(std::path::absolute(log)?);
    }
    Ok(Some(lab))
}

/// For `eval "$(colormesh local env)"`.
fn exports(environment: &Environment) -> anyhow::Result<String> {
    let serde_json::Value::Object(variables) = serde_json::to_value(environment)? else {
        return Ok(String::new());
    };
    let lines = variables
        .iter()
        .filter_map(|(name, value)| Some(format!("export {name}={}\n", value.as_str()?)));
    Ok(lines.collect())
}

async fn describe(paths: &Paths, printer: Printer) -> Outcome {
    let Some(Running { record, .. }) = local::running(paths).await? else {
        printer.json(&serde_json::json!({ "running": false }))?;
        printer.data("not running\n")?;
        return Ok(DONE);
    };
    let status = status::ask(&record).await?;
    printer.json(&status)?;
    let mut text = format!(
        "{}  process {}\n",
        paint(NAME, &status.endpoint),
        status.pid
    );
    if let Some(world) = &status.world {
        text.push_str(&format!("outside: {} ({})\n", world.kind, world.why));
    }
    let rows: Vec<Vec<String>> = status
        .tasks
        .iter()
        .map(|task| {
            vec![
                task.name.clone(),
                task.address.clone(),
                task.status.clone(),
                task.envoy
                    .as_ref()
                    .map_or_else(String::new, |envoy| format!("envoy {envoy}")),
                task.reason.clone().unwrap_or_default(),
            ]
        })
        .collect();
    text.push_str(&table(&rows));
    for problem in &status.problems {
        text.push_str(&format!("problem: {problem}\n"));
    }
    printer.data(&text)?;
    Ok(DONE)
}
