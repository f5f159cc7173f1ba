//! What the daemon tells of itself at `/_colormesh/status`.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::record::Record;
use crate::runtime::Examination;
use crate::verify;

/// The path of the daemon's own pages; AWS has nothing there.
pub(crate) const STATUS: &str = "/_colormesh/status";

/// The path at which it tries every way out of its tasks, and tells.
pub(crate) const EXAMINE: &str = "/_colormesh/examine";
/// How long a page of the daemon's may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an examination of all tasks may take.
const EXAMINATION: Duration = Duration::from_mins(2);

/// A running local endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LocalStatus {
    /// URL for AWS clients.
    pub(crate) endpoint: String,
    /// Process id of the daemon.
    pub(crate) pid: i32,
    /// Its version.
    pub(crate) version: String,
    /// `internet` or `stand-in`, and why; absent while it is found out.
    pub(crate) world: Option<WorldStatus>,
    /// What runs.
    pub(crate) tasks: Vec<TaskStatus>,
    /// The running ones whose Envoys do not have the mesh as it is now.
    #[serde(default)]
    pub(crate) behind: Vec<String>,
    /// What does not go as it should.
    pub(crate) problems: Vec<String>,
}

/// What the outside world is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WorldStatus {
    /// `internet` or `stand-in`.
    pub(crate) kind: String,
    /// One line of why.
    pub(crate) why: String,
}

/// One task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TaskStatus {
    /// Family and the start of its id: `white-1f2e3d4c`.
    pub(crate) name: String,
    /// Its address inside the mesh's network.
    pub(crate) address: String,
    /// `pending`, `running` or `stopped`.
    pub(crate) status: String,
    /// `starting`, `live`, `dead`; absent for a task without a proxy.
    pub(crate) envoy: Option<String>,
    /// Why it is not running.
    pub(crate) reason: Option<String>,
    /// The folder with its logs.
    pub(crate) logs: String,
}

/// Asks the daemon at `record`.
pub(crate) async fn ask(record: &Record) -> Result<LocalStatus> {
    get(record, STATUS, PATIENCE).await
}

/// Lets the daemon examine its tasks.
pub(crate) async fn examine(record: &Record) -> Result<Examination> {
    get(record, EXAMINE, EXAMINATION).await
}

/// Asks the daemon for one of its own pages.
async fn get<T: DeserializeOwned>(record: &Record, path: &str, within: Duration) -> Result<T> {
    let url = format!("{}{path}", record.url());
    let answer = verify::get(&url, within).await;
    let answer = answer.map_err(|why| anyhow::anyhow!("the local endpoint: {why}"))?;
    if answer.status != 200 {
        bail!("the local endpoint answers {} at {path}", answer.status);
    }
    serde_json::from_slice(&answer.body)
        .context("the local endpoint runs another version: `colormesh local stop`, then again")
}
