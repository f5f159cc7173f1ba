//! `status --drift`: what was changed behind CloudFormation's back, by
//! somebody with the AWS CLI.

use aws_sdk_cloudformation::Client;
use colormesh::account::lab::{CallEffect, CallFault, LabSettings, Limit};
use serde_json::{Value, json};

use crate::cloudformation::account::Formation;
use crate::local::Local;
use crate::pipeline::alone::run;
use crate::project::Project;

const VPC: &str = "Resources: {V: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}}";
const REPOSITORIES: &str = "Resources: {R: {Type: AWS::ECR::Repository, Properties: \
                            {RepositoryName: drifting, ImageTagMutability: IMMUTABLE}}}";
const CLUSTER: &str = "
Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: for a test
      SecurityGroupIngress:
        - {IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 10.0.0.0/16, Description: ours}
  Port:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !GetAtt Group.GroupId, IpProtocol: tcp, FromPort: 81, ToPort: '81', CidrIp: 10.0.0.0/16}
Outputs: {Group: {Value: !Ref Group}}
";
const SERVICE: &str = "
Resources:
  Cluster: {Type: AWS::ECS::Cluster, Properties: {ClusterName: AppMeshExternalExample}}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties: {Family: t, ContainerDefinitions: [{Name: app, Image: i}]}
  Service:
    Type: AWS::ECS::Service
    Properties: {ServiceName: teller, Cluster: !Ref Cluster, TaskDefinition: !Ref Task, DesiredCount: 0}
";

/// Stacks with the names of an environment's.
async fn environment(local: Local) -> Formation {
    let formation = Formation::over(local).await;
    for (part, template) in [
        ("vpc", VPC),
        ("ecr-repositories", REPOSITORIES),
        ("ecs-cluster", CLUSTER),
        ("ecs-service", SERVICE),
    ] {
        let name = format!("AppMeshExternalExample-{part}");
        assert_eq!(formation.create(&name, template).await.0, "CREATE_COMPLETE");
    }
    formation
}

/// The AWS CLI, as somebody else in the account uses it.
async fn by_hand(local: &Local, arguments: &[&str]) {
    let output = tokio::process::Command::new("aws")
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", local.folder.path())
        .env("AWS_ENDPOINT_URL", format!("http://{}", local.address))
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", "us-west-2")
        .output()
        .await
        .expect("the AWS CLI is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
}

async fn group(client: &Client) -> String {
    let call = client.describe_stacks();
    let answer = call.stack_name("AppMeshExternalExample-ecs-cluster").send();
    let answer = answer.await.unwrap();
    let output = &answer.stacks()[0].outputs()[0];
    output.output_value().unwrap().to_owned()
}

fn drifts(document: &Value) -> &Value {
    &document["drift"]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_as_its_template_says_is_in_sync() {
    let (project, formation) = (Project::new(), environment(Local::start().await).await);
    let arguments = ["status", "--drift", "--exit-code"];
    let said = run(&project, &formation.local, &arguments).await.code(0);
    let rows: Vec<&str> = said
        .stdout
        .lines()
        .filter(|line| line.starts_with("drift"))
        .collect();
    assert_eq!(rows.len(), 4, "{}", said.stdout);
    assert!(rows.iter().all(|row| row.ends_with("IN_SYNC")), "{rows:?}");
    // Nobody has asked for it, so nobody is asked.
    let plain = run(&project, &formation.local, &["status", "--output", "json"]);
    assert_eq!(plain.await.code(0).json().get("drift"), None);
    let wrong = run(&project, &formation.local, &["status", "--exit-code"]).await;
    assert!(wrong.code(2).stderr.contains("--drift"));
}

/// The added rule shows as it is, and the one that is a resource of its own is gone.
fn rules_have_drifted(cluster: &Value) {
    assert_eq!(cluster["status"], "DRIFTED");
    let [group, port] = cluster["resources"].as_array().unwrap().as_slice() else {
        panic!("{cluster}")
    };
    let added = &group["properties"][0];
    assert_eq!(
        (&added["path"], &added["expected"]),
        (&"/SecurityGroupIngress/1".into(), &Value::Null)
    );
    let rule: Value = serde_json::from_str(added["actual"].as_str().unwrap()).unwrap();
    assert_eq!(
        rule,
        json!({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"})
    );
    assert_eq!(
        (&port["logical_id"], &port["kind"]),
        (&"Port".into(), &"deleted".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the AWS CLI"]
async fn what_the_aws_cli_changed_is_told_with_what_it_should_be() {
    let (project, formation) = (Project::new(), environment(Local::start().await).await);
    let local = &formation.local;
    let group = group(&formation.client).await;
    let rules = |call, port, range| {
        let arguments = ["ec2", call, "--group-id", &group, "--protocol", "tcp"];
        let rule = ["--port", port, "--cidr", range];
        arguments
            .into_iter()
            .chain(rule)
            .map(str::to_owned)
            .collect()
    };
    let changes: [Vec<String>; 2] = [
        rules("authorize-security-group-ingress", "22", "0.0.0.0/0"),
        rules("revoke-security-group-ingress", "81", "10.0.0.0/16"),
    ];
    for change in &changes {
        let change: Vec<&str> = change.iter().map(String::as_str).collect();
        by_hand(local, &change).await;
    }
    let mutable = [
        "ecr",
        "put-image-tag-mutability",
        "--repository-name",
        "drifting",
    ];
    by_hand(
        local,
        &[&mutable[..], &["--image-tag-mutability", "MUTABLE"]].concat(),
    )
    .await;
    let scale = [
        "ecs",
        "update-service",
        "--cluster",
        "AppMeshExternalExample",
    ];
    by_hand(
        local,
        &[&scale[..], &["--service", "teller", "--desired-count", "3"]].concat(),
    )
    .await;

    let json = ["status", "--drift", "--output", "json"];
    let document = run(&project, local, &json).await.code(0).json();
    let drifts = drifts(&document);
    let of = |part: &str| &drifts[format!("AppMeshExternalExample-{part}")];
    assert_eq!(
        *of("vpc"),
        json!({"status": "IN_SYNC", "failure": null, "resources": []})
    );
    let repository = &of("ecr-repositories")["resources"][0];
    assert_eq!(repository["logical_id"], "R");
    assert_eq!(repository["physical_id"], "drifting");
    assert_eq!(repository["resource_type"], "AWS::ECR::Repository");
    assert_eq!(
        repository["properties"],
        json!([{"path": "/ImageTagMutability", "expected": "IMMUTABLE", "actual": "MUTABLE"}])
    );
    let service = &of("ecs-service")["resources"];
    assert_eq!(service.as_array().unwrap().len(), 1, "{service}");
    assert_eq!(
        service[0]["properties"],
        json!([{"path": "/DesiredCount", "expected": "0", "actual": "3"}])
    );
    rules_have_drifted(of("ecs-cluster"));

    let said = run(&project, local, &["status", "--drift", "--exit-code"])
        .await
        .code(3);
    for expected in [
        "AppMeshExternalExample-ecs-service.Service was changed",
        "/DesiredCount: expected `0`, is `3`",
        "AppMeshExternalExample-ecs-cluster.Port was deleted",
    ] {
        assert!(
            said.stdout.contains(expected),
            "{expected} in\n{}",
            said.stdout
        );
    }

    // What is put right by hand is in sync again.
    by_hand(
        local,
        &[&scale[..], &["--service", "teller", "--desired-count", "0"]].concat(),
    )
    .await;
    by_hand(
        local,
        &[&mutable[..], &["--image-tag-mutability", "IMMUTABLE"]].concat(),
    )
    .await;
    let document = run(&project, local, &json).await.code(0).json();
    for part in ["ecs-service", "ecr-repositories"] {
        let drift = &self::drifts(&document)[format!("AppMeshExternalExample-{part}")];
        assert_eq!(drift["status"], "IN_SYNC", "{drift}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_cannot_be_compared_says_why_and_is_no_success() {
    let (project, local) = (
        Project::new(),
        Local::with_lab(LabSettings::default()).await,
    );
    let formation = environment(local).await;
    let denied = CallEffect::Error {
        code: "AccessDenied".to_owned(),
        message: "not you".to_owned(),
        status: 403,
    };
    let fault = CallFault::nth("cloudformation:DetectStackDrift", 1, denied);
    formation.local.account.lab().fail_call(fault);
    let json = ["status", "--drift", "--exit-code", "--output", "json"];
    let document = run(&project, &formation.local, &json).await.code(1).json();
    let drifts = drifts(&document).as_object().unwrap();
    let failed: Vec<&Value> = drifts
        .values()
        .filter(|drift| drift["status"] == "NOT_CHECKED")
        .collect();
    let [failed] = failed.as_slice() else {
        panic!("{drifts:?}")
    };
    let failure = failed["failure"].as_str().unwrap();
    assert!(
        failure.contains("`cloudformation:DetectStackDrift` is not allowed"),
        "{failure}"
    );
}

/// Four stacks, and no more than a call of a kind in two seconds.
#[tokio::test(flavor = "multi_thread")]
async fn throttling_makes_it_slower_and_nothing_else() {
    let formation = environment(
        Local::with_lab(LabSettings {
            limits: vec![Limit {
                operations: vec!["cloudformation:*Drift*".to_owned()],
                rate: 2.0,
                burst: 1,
                together: true,
            }],
            ..LabSettings::default()
        })
        .await,
    )
    .await;
    let project = Project::new();
    let said = run(&project, &formation.local, &["status", "--drift"])
        .await
        .code(0);
    assert_eq!(said.stdout.matches("IN_SYNC").count(), 4, "{}", said.stdout);
    let calls = formation.local.account.lab().calls();
    let asked = calls.iter().filter(|call| call.operation.contains("Drift"));
    assert!(asked.count() >= 8);
}
