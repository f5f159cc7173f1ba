//! The log files of the local target's tasks.

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use super::Log;
use crate::aws;
use crate::cli::local::status::LocalStatus;
use crate::cli::session::Session;
use crate::envoy::log::{ACCESS_LOG, DENIED_LOG, DNS_LOG};
use crate::runtime::NAMES;

/// A task and the folder of its logs.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    /// What people call it: `ColorTellerWhite 1f2e3d4c`.
    pub(crate) name: Arc<str>,
    pub(crate) logs: PathBuf,
}

/// A file of a task.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) task: Arc<str>,
    pub(crate) log: Log,
    pub(crate) path: PathBuf,
}

/// The local target's tasks.
pub(crate) async fn of(session: &Session, local: &LocalStatus) -> Vec<Task> {
    let environment = session.config.environment.to_string();
    // Without their names the logs can still be read.
    let known = session.cloud.tasks(&environment).await.unwrap_or_default();
    tasks(local, &known, &environment)
}

/// The tasks that run, with the names of their services.
fn tasks(local: &LocalStatus, known: &[aws::Task], environment: &str) -> Vec<Task> {
    let id = |task: &aws::Task| task.arn.rsplit('/').next().unwrap_or_default().to_owned();
    let services: BTreeMap<String, String> = known
        .iter()
        .map(|task| (id(task), service(task.group.as_deref(), environment)))
        .collect();
    let tasks = local.tasks.iter().map(|task| {
        let short: String = task.name.chars().take(8).collect();
        let name = services
            .get(&task.name)
            .map_or_else(|| short.clone(), |service| format!("{service} {short}"));
        Task {
            name: name.into(),
            logs: PathBuf::from(&task.logs),
        }
    });
    tasks.collect()
}

/// The service without what CloudFormation puts around its logical id and
/// without the word that all have: `ColorTellerWhite` of
/// `Environment-ecs-service-ColorTellerWhiteService-1A2B3C4D5E6F`.
fn service(group: Option<&str>, environment: &str) -> String {
    let name = group.unwrap_or_default().trim_start_matches("service:");
    short_service(name, environment).to_owned()
}

/// See [`service`].
fn short_service<'a>(name: &'a str, environment: &str) -> &'a str {
    let stack = format!("{environment}-ecs-service-");
    let inner = name.strip_prefix(stack.as_str());
    let inner = inner.and_then(|inner| inner.rsplit_once('-'));
    let inner = inner.map_or(name, |(inner, _)| inner);
    inner.strip_suffix("Service").unwrap_or(inner)
}

/// A stack's, a service's or a task's name without what all here have in
/// common.
pub(crate) fn short_name(name: &str, environment: &str) -> String {
    let (service, task) = name.split_once(' ').unwrap_or((name, ""));
    let mut short = short_service(service, environment);
    short = short
        .strip_prefix(&format!("{environment}-"))
        .unwrap_or(short);
    format!("{short} {task}").trim_end().to_owned()
}

/// The files of the wanted logs.
pub(crate) fn sources(tasks: &[Task], wanted: impl Fn(Log) -> bool) -> Vec<Source> {
    const FILES: [(Log, &str); 5] = [
        (Log::App, "app.log"),
        (Log::Envoy, "envoy.log"),
        (Log::Allowed, ACCESS_LOG),
        (Log::Denied, DENIED_LOG),
        (Log::Denied, DNS_LOG),
    ];
    let files = tasks.iter().flat_map(|task| {
        let of = |(log, file): (Log, &str)| Source {
            task: Arc::clone(&task.name),
            log,
            path: task.logs.join(file),
        };
        FILES.into_iter().map(of)
    });
    files.filter(|source| wanted(source.log)).collect()
}

// === impl Task ===

impl Task {
    /// The names of the addresses that the app was given, by address.
    pub(crate) fn names(&self) -> HashMap<Ipv4Addr, String> {
        let text = std::fs::read(self.logs.join(NAMES)).unwrap_or_default();
        let names: BTreeMap<String, Ipv4Addr> = serde_json::from_slice(&text).unwrap_or_default();
        names
            .into_iter()
            .map(|(name, address)| (address, name))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_called_what_the_template_calls_them() {
        let name = "Env-ecs-service-ColorTellerWhiteService-LTVNSMEM4HYL";
        assert_eq!(short_service(name, "Env"), "ColorTellerWhite");
        assert_eq!(short_service("another", "Env"), "another");
    }
}
