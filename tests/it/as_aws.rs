//! An account that the program takes for AWS: App Mesh answers, and every task
//! that should run does, at once. It needs neither root nor Envoy.

use std::process::{Command, Stdio};
use std::time::Duration;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::Stack;
use colormesh::account::lab::{Lab, LabSettings};
use tokio::task::JoinHandle;

use crate::local::Local;
use crate::project::{Project, Said, said};
use crate::tasks;

/// The environment's name where nobody says another.
pub(crate) const ENVIRONMENT: &str = "AppMeshExternalExample";

/// It ends with the value.
pub(crate) struct AsAws {
    pub(crate) local: Local,
    pub(crate) client: Client,
    tasks: JoinHandle<()>,
}

// === impl AsAws ===

impl AsAws {
    pub(crate) async fn start() -> Self {
        Self::with(LabSettings::default()).await
    }

    /// With times, limits and faults.
    pub(crate) async fn with(settings: LabSettings) -> Self {
        let meshes = axum::routing::get(|| async { r#"{"meshes":[]}"# });
        let extra = axum::Router::new().route("/v20190125/meshes", meshes);
        let local = Local::with_more(settings, extra).await;
        Self {
            client: Client::new(&local.sdk().await),
            tasks: tokio::spawn(tasks::run(local.account.clone())),
            local,
        }
    }

    pub(crate) fn lab(&self) -> Lab {
        self.local.account.lab().clone()
    }

    /// Runs the program on it, which may take two minutes.
    pub(crate) async fn run(&self, project: &Project, arguments: &[&str]) -> Said {
        let child = self.command(project, arguments).spawn().unwrap();
        let ended = tokio::task::spawn_blocking(move || child.wait_with_output());
        let ended = tokio::time::timeout(Duration::from_mins(2), ended).await;
        said(ended.expect("it does not end").unwrap().unwrap())
    }

    pub(crate) fn command(&self, project: &Project, arguments: &[&str]) -> Command {
        let mut command = project.command();
        command
            .args(arguments)
            .args(["--target", "aws", "--endpoint-url"])
            .arg(format!("http://{}", self.local.address))
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// A stack by its name or ARN.
    pub(crate) async fn stack(&self, name: &str) -> Stack {
        let call = self.client.describe_stacks().stack_name(name);
        call.send().await.unwrap().stacks.unwrap().remove(0)
    }

    /// The stacks of the environment, by what their names end with.
    pub(crate) async fn stacks(&self) -> Vec<(String, Stack)> {
        let found = self.client.describe_stacks().send().await.unwrap();
        let ours = found.stacks.unwrap().into_iter().filter_map(|stack| {
            let name = stack.stack_name()?.strip_prefix(ENVIRONMENT)?;
            Some((name.trim_start_matches('-').to_owned(), stack))
        });
        ours.collect()
    }

    /// Makes a stack that is not the environment's, and waits for it.
    pub(crate) async fn create(&self, name: &str, template: &str) {
        let call = self.client.create_stack().stack_name(name);
        let call = call.template_body(template);
        let call = call.capabilities("CAPABILITY_NAMED_IAM".into());
        call.send().await.unwrap();
        while self.stack(name).await.stack_status.unwrap().as_str() != "CREATE_COMPLETE" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for AsAws {
    fn drop(&mut self) {
        self.tasks.abort();
    }
}
