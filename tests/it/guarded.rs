//! What `down` does not do to an account, and who may change it at one time.

use std::fs::OpenOptions;
use std::io::Write;

use aws_sdk_cloudformation::Client;
use rustix::fs::{FlockOperation, flock};

use crate::local::Local;
use crate::project::{Project, Said, said};

const VPC: &str = "Resources: {L: {Type: AWS::Logs::LogGroup}}\n\
                   Outputs: {L: {Value: !Ref L, Export: {Name: 'Guarded:VPC'}}}\n";
const OUTSIDER: &str = "Resources: {L: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub ['x${V}', \
                        {V: !ImportValue 'Guarded:VPC'}]}}}\n";

async fn create(client: &Client, name: &str, template: &str) {
    let call = client
        .create_stack()
        .stack_name(name)
        .template_body(template);
    call.send().await.unwrap();
    while status(client, name).await != "CREATE_COMPLETE" {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn status(client: &Client, name: &str) -> String {
    let answer = client
        .describe_stacks()
        .stack_name(name)
        .send()
        .await
        .unwrap();
    let status = answer.stacks()[0].stack_status().unwrap();
    status.as_str().to_owned()
}

/// Runs the program against an endpoint as if that were AWS.
async fn on_aws(project: &Project, local: &Local, arguments: &[&str]) -> Said {
    let mut command = project.command();
    command
        .args(arguments)
        .args(["--target", "aws", "--environment", "Guarded"])
        .args(["--endpoint-url", &format!("http://{}", local.address)])
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test");
    said(
        tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn down_names_what_stands_in_its_way_and_removes_nothing() {
    let (project, local) = (Project::new(), Local::start().await);
    let client = Client::new(&local.sdk().await);
    create(&client, "Guarded-vpc", VPC).await;
    create(&client, "outsider", OUTSIDER).await;
    let run = on_aws(&project, &local, &["down", "--yes"]).await.code(1);
    for expected in [
        "cannot be removed; nothing was",
        "`Guarded-vpc` exports `Guarded:VPC`, which `outsider` imports",
        "delete or change `outsider` first",
    ] {
        assert!(
            run.stderr.contains(expected),
            "{expected} in\n{}",
            run.stderr
        );
    }
    assert_eq!(status(&client, "Guarded-vpc").await, "CREATE_COMPLETE");

    client
        .delete_stack()
        .stack_name("outsider")
        .send()
        .await
        .unwrap();
    let protection = client.update_termination_protection();
    let protection = protection
        .stack_name("Guarded-vpc")
        .enable_termination_protection(true);
    protection.send().await.unwrap();
    let run = on_aws(&project, &local, &["down", "--yes"]).await.code(1);
    assert!(
        run.stderr
            .contains("`Guarded-vpc` is protected from deletion")
            && run.stderr.contains("termination_protection: false"),
        "{}",
        run.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_at_a_time_changes_an_environment_of_an_account() {
    let (project, local) = (Project::new(), Local::start().await);
    let client = Client::new(&local.sdk().await);
    create(&client, "Guarded-vpc", VPC).await;
    let folder = project.path().join("state/colormesh");
    std::fs::create_dir_all(&folder).unwrap();
    let endpoint = format!("http___{}", local.address).replace(':', "_");
    let claim = folder.join(format!(
        "aws-123456789012-us-west-2-Guarded-{endpoint}.claim"
    ));
    let mut options = OpenOptions::new();
    let mut held = options
        .create(true)
        .truncate(true)
        .write(true)
        .open(&claim)
        .unwrap();
    held.write_all(b"`colormesh up` (process 7, since noon)")
        .unwrap();
    flock(&held, FlockOperation::LockExclusive).unwrap();

    let leaves = on_aws(&project, &local, &["down", "--yes", "--no-wait"])
        .await
        .code(1);
    assert!(
        leaves
            .stderr
            .contains("`colormesh up` (process 7, since noon) changes `Guarded`"),
        "{}",
        leaves.stderr
    );
    assert_eq!(status(&client, "Guarded-vpc").await, "CREATE_COMPLETE");

    let waits = on_aws(&project, &local, &["down", "--yes"]);
    let ends = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        drop(held);
    };
    let (waits, ()) = tokio::join!(waits, ends);
    let waits = waits.code(0);
    assert!(
        waits
            .stderr
            .contains("waiting for `colormesh up` (process 7, since noon)"),
        "{}",
        waits.stderr
    );
    let gone = client
        .describe_stacks()
        .stack_name("Guarded-vpc")
        .send()
        .await;
    assert!(gone.is_err());
    assert!(!claim.exists());
}
