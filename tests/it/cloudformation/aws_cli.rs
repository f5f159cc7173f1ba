//! The same calls through the AWS CLI, which reads answers with its own
//! models.

use super::account::Formation;
use crate::local::Local;
use colormesh::account::cloudformation::Submitted;
use colormesh::account::lab::{LabSettings, Stage};
use serde_json::Value;
use std::process::Output;
use tokio::process::Command;

const LOG: &str = "Resources: {Log: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 1}}}";
const LONGER: &str =
    "Resources: {Log: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 7}}}";

/// `aws cloudformation` at an endpoint of its own.
struct Cli(Formation);

impl Cli {
    async fn start() -> Self {
        let local = Local::with_lab(LabSettings::default()).await;
        Self(Formation::over(local).await)
    }

    async fn output(&self, arguments: &[&str]) -> Output {
        let folder = self.0.local.folder.path();
        Command::new("aws")
            .arg("cloudformation")
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", folder)
            .env(
                "AWS_ENDPOINT_URL",
                format!("http://{}", self.0.local.address),
            )
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_DEFAULT_REGION", "us-west-2")
            .env("AWS_DEFAULT_OUTPUT", "json")
            .output()
            .await
            .expect("the AWS CLI is installed")
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        let output = self.output(arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    async fn refused(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments).await;
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

fn stage(name: &str) -> Stage {
    let submitted = |template: &str| Submitted {
        template: Some(template.to_owned()),
        ..Submitted::default()
    };
    Stage {
        name: name.to_owned(),
        first: submitted(LOG),
        second: submitted(LONGER),
    }
}

#[tokio::test]
#[ignore = "needs the AWS CLI"]
async fn operations_and_their_events() {
    let cli = Cli::start().await;
    let create = ["create-stack", "--stack-name", "s", "--template-body", LOG];
    let created = cli.json(&create).await;
    cli.json(&["wait", "stack-create-complete", "--stack-name", "s"])
        .await;
    let id = created["OperationId"].as_str().unwrap();
    let events = cli.json(&["describe-events", "--operation-id", id]).await;
    let events = events["OperationEvents"].as_array().unwrap();
    assert_eq!(events[0]["OperationStatus"], "SUCCEEDED");
    assert_eq!(events[1]["ResourceStatus"], "CREATE_COMPLETE");
    let filters = ["--filters", "FailedEvents=true"];
    let failed = [&["describe-events", "--stack-name", "s"], &filters[..]].concat();
    assert_eq!(
        cli.json(&failed).await["OperationEvents"],
        serde_json::json!([])
    );

    // A page of the client's own making, and the rest by its token.
    let all = cli
        .json(&["describe-stack-events", "--stack-name", "s"])
        .await;
    let all = all["StackEvents"].as_array().unwrap();
    let page = [
        "describe-stack-events",
        "--stack-name",
        "s",
        "--max-items",
        "2",
    ];
    let first = cli.json(&page).await;
    assert_eq!(first["StackEvents"].as_array().unwrap()[..], all[..2]);
    let token = first["NextToken"].as_str().unwrap();
    let rest = [&page[..3], &["--starting-token", token]].concat();
    let rest = cli.json(&rest).await;
    assert_eq!(rest["StackEvents"].as_array().unwrap()[..], all[2..]);
}

#[tokio::test]
#[ignore = "needs the AWS CLI"]
async fn protection_drift_and_policies() {
    let cli = Cli::start().await;
    stage("s")
        .bring(&cli.0.local.account, "CREATE_COMPLETE")
        .await
        .unwrap();
    let protect = |flag| ["update-termination-protection", "--stack-name", "s", flag];
    cli.json(&protect("--enable-termination-protection")).await;
    let refused = cli.refused(&["delete-stack", "--stack-name", "s"]).await;
    assert!(
        refused.contains("Stack [s] cannot be deleted while TerminationProtection is enabled"),
        "{refused}"
    );
    cli.json(&protect("--no-enable-termination-protection"))
        .await;

    let begun = cli.json(&["detect-stack-drift", "--stack-name", "s"]).await;
    let id = begun["StackDriftDetectionId"].as_str().unwrap();
    let status = [
        "describe-stack-drift-detection-status",
        "--stack-drift-detection-id",
        id,
    ];
    let status = cli.json(&status).await;
    assert_eq!(status["DetectionStatus"], "DETECTION_COMPLETE");
    assert_eq!(status["StackDriftStatus"], "IN_SYNC");
    let drifts = ["describe-stack-resource-drifts", "--stack-name", "s"];
    let drifts = cli.json(&drifts).await;
    assert_eq!(
        drifts["StackResourceDrifts"][0]["StackResourceDriftStatus"],
        "IN_SYNC"
    );

    let policy = [
        "set-stack-policy",
        "--stack-name",
        "s",
        "--stack-policy-body",
        "{}",
    ];
    cli.json(&policy).await;
    let kept = cli.json(&["get-stack-policy", "--stack-name", "s"]).await;
    assert_eq!(kept["StackPolicyBody"], "{}");
}

#[tokio::test]
#[ignore = "needs the AWS CLI"]
async fn roll_backs_are_continued_and_updates_cancelled() {
    let cli = Cli::start().await;
    let account = cli.0.local.account.clone();
    stage("failed")
        .bring(&account, "UPDATE_ROLLBACK_FAILED")
        .await
        .unwrap();
    let skip = [
        "continue-update-rollback",
        "--stack-name",
        "failed",
        "--resources-to-skip",
        "Log",
    ];
    cli.json(&skip).await;
    assert_eq!(cli.0.rest("failed").await.0, "UPDATE_ROLLBACK_COMPLETE");

    stage("running")
        .bring(&account, "UPDATE_IN_PROGRESS")
        .await
        .unwrap();
    cli.json(&["cancel-update-stack", "--stack-name", "running"])
        .await;
    assert_eq!(cli.0.rest("running").await.0, "UPDATE_ROLLBACK_COMPLETE");
    let again = cli
        .refused(&["cancel-update-stack", "--stack-name", "running"])
        .await;
    assert!(
        again.contains("CancelUpdateStack cannot be called"),
        "{again}"
    );

    stage("kept")
        .bring(&account, "UPDATE_FAILED")
        .await
        .unwrap();
    let answer = cli.json(&["rollback-stack", "--stack-name", "kept"]).await;
    assert!(answer["OperationId"].is_string());
    assert_eq!(cli.0.rest("kept").await.0, "UPDATE_ROLLBACK_COMPLETE");

    stage("stuck")
        .bring(&account, "DELETE_FAILED")
        .await
        .unwrap();
    let force = [
        "delete-stack",
        "--stack-name",
        "stuck",
        "--deletion-mode",
        "FORCE_DELETE_STACK",
    ];
    cli.json(&force).await;
    cli.json(&["wait", "stack-delete-complete", "--stack-name", "stuck"])
        .await;
}

#[tokio::test]
#[ignore = "needs the AWS CLI"]
async fn a_change_set_with_its_values() {
    let cli = Cli::start().await;
    stage("s")
        .bring(&cli.0.local.account, "CREATE_COMPLETE")
        .await
        .unwrap();
    let set = ["--stack-name", "s", "--change-set-name", "c"];
    let create = [&["create-change-set", "--template-body", LONGER], &set[..]].concat();
    cli.json(&create).await;
    cli.json(&[&["wait", "change-set-create-complete"], &set[..]].concat())
        .await;
    let describe = ["describe-change-set", "--include-property-values"];
    let described = cli.json(&[&describe, &set[..]].concat()).await;
    let change = &described["Changes"][0]["ResourceChange"];
    assert_eq!(
        change["BeforeContext"],
        r#"{"Properties":{"RetentionInDays":1}}"#
    );
    let target = &change["Details"][0]["Target"];
    assert_eq!(target["AfterValue"], "7");
    let listed = cli.json(&["list-change-sets", "--stack-name", "s"]).await;
    assert_eq!(listed["Summaries"][0]["ChangeSetName"], "c");
    let resources = cli
        .json(&["describe-stack-resources", "--stack-name", "s"])
        .await;
    assert_eq!(resources["StackResources"][0]["LogicalResourceId"], "Log");
}
