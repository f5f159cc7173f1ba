//! Templates that are too long for a request: into a bucket, and from there.

use std::process::Output;

use colormesh::aws::{
    Bucket, ChangeSetKind, ChangeSetRequest, Cloud, CredentialSource, Options, Template,
};
use serde_json::Value;

use crate::cloudformation::account::Formation;
use crate::local::Local;
use crate::pipeline::alone::run;
use crate::project::{Project, Said, said};

/// The longest template that goes with a request.
const LONGEST: usize = 51_200;

async fn cloud(local: &Local) -> Cloud {
    Cloud::connect(Options {
        region: "us-west-2".to_owned(),
        profile: None,
        endpoint_url: Some(format!("http://{}", local.address)),
        credentials: CredentialSource::Local,
    })
    .await
}

/// A template with a resource, and as long as is wanted.
fn long(bytes: usize) -> String {
    let short = "Resources: {Log: {Type: AWS::Logs::LogGroup}}\n";
    format!("{short}# {}\n", "x".repeat(bytes))
}

#[tokio::test]
async fn a_template_is_put_into_the_bucket_once_and_read_from_there() {
    let formation = Formation::over(Local::start().await).await;
    let (account, cloud) = (&formation.local.account, cloud(&formation.local).await);
    let bucket = Bucket::new("templates", "Demo");
    let text = long(LONGEST);

    let refused = cloud.keep_template(&bucket, &text).await.unwrap_err();
    assert_eq!(refused.code(), Some("NoSuchBucket"));
    assert!(refused.hint().unwrap().contains("aws s3 mb"), "{refused}");
    assert_eq!(cloud.forget_templates(&bucket).await.unwrap(), 0);

    account.create_bucket("templates").unwrap();
    let kept = cloud.keep_template(&bucket, &text).await.unwrap();
    assert!(kept.uploaded);
    let again = cloud.keep_template(&bucket, &text).await.unwrap();
    assert!(!again.uploaded && again.url == kept.url);
    let other = cloud
        .keep_template(&bucket, &long(LONGEST + 1))
        .await
        .unwrap();
    assert!(other.uploaded && other.url != kept.url);

    let nothing = std::collections::BTreeMap::new();
    let request = ChangeSetRequest {
        stack: "s",
        name: "token",
        kind: ChangeSetKind::Create,
        template: Template::Url(kept.url),
        parameters: &nothing,
        capabilities: Vec::new(),
        tags: &nothing,
        role_arn: None,
        notification_arns: None,
        rollback_alarms: None,
        timeout: None,
        express: false,
    };
    cloud.create_stack(request).await.unwrap();
    assert_eq!(formation.rest("s").await.0, "CREATE_COMPLETE");
    assert_eq!(cloud.template("s").await.unwrap(), Some(text));

    account
        .put_object("templates", "theirs", b"x", None)
        .unwrap();
    assert_eq!(cloud.forget_templates(&bucket).await.unwrap(), 2);
    let left = account.bucket("templates", |bucket| {
        bucket.objects.keys().cloned().collect::<Vec<_>>()
    });
    assert_eq!(left.unwrap(), ["theirs"]);
}

/// More of it than one answer lists, before and behind what is ours.
#[tokio::test]
async fn what_others_keep_in_the_folder_stays_and_is_passed_by() {
    let local = Local::start().await;
    let (account, cloud) = (&local.account, cloud(&local).await);
    let bucket = Bucket::new("templates", "Demo");
    account.create_bucket("templates").unwrap();
    for n in 0..1000 {
        let key = format!("colormesh/Demo/ & {n:04}");
        account.put_object("templates", &key, b"x", None).unwrap();
    }
    let theirs = "colormesh/Demo/notes.template";
    account.put_object("templates", theirs, b"x", None).unwrap();
    cloud.keep_template(&bucket, &long(LONGEST)).await.unwrap();
    assert_eq!(cloud.forget_templates(&bucket).await.unwrap(), 1);
    let left = account.bucket("templates", |bucket| bucket.objects.len());
    assert_eq!(left.unwrap(), 1001);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_bucket_the_error_names_it() {
    let (project, local) = (Project::new(), Local::start().await);
    project.write("colormesh.yaml", &settings(100));
    let plan = ["plan", "--mesh-runtime", "app-mesh"];
    let said = run(&project, &local, &plan).await.code(2);
    assert!(said.stderr.contains("AWS takes 51200"), "{}", said.stderr);
    assert!(said.stderr.contains("--s3-bucket NAME"), "{}", said.stderr);
    let with = [&plan[..], &["--s3-bucket", "templates"]].concat();
    run(&project, &local, &with).await.code(0);
}

/// The AWS CLI at an endpoint.
async fn aws(local: &Local, arguments: &[&str]) -> Output {
    tokio::process::Command::new("aws")
        .args(arguments)
        .current_dir(local.folder.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", local.folder.path())
        .env("AWS_ENDPOINT_URL", format!("http://{}", local.address))
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", "us-west-2")
        .output()
        .await
        .expect("the AWS CLI is installed")
}

async fn done(local: &Local, arguments: &[&str]) -> String {
    let output = aws(local, arguments).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the AWS CLI"]
async fn the_aws_cli_makes_fills_lists_and_removes_buckets() {
    let formation = Formation::over(Local::start().await).await;
    let local = &formation.local;
    let text = long(2 * LONGEST);
    std::fs::write(local.folder.path().join("t.yaml"), &text).unwrap();
    done(local, &["s3", "mb", "s3://made"]).await;
    done(local, &["s3", "cp", "t.yaml", "s3://made/a/t.yaml"]).await;
    assert!(done(local, &["s3", "ls"]).await.contains("made"));
    assert!(
        done(local, &["s3", "ls", "s3://made"])
            .await
            .contains("PRE a/")
    );
    let listed = done(local, &["s3", "ls", "s3://made/a/"]).await;
    assert!(
        listed.contains(&format!("{} t.yaml", text.len())),
        "{listed}"
    );
    done(local, &["s3", "cp", "s3://made/a/t.yaml", "back.yaml"]).await;
    let back = std::fs::read_to_string(local.folder.path().join("back.yaml"));
    assert_eq!(back.unwrap(), text);

    let url = format!("http://{}/made/a/t.yaml", local.address);
    let create = ["cloudformation", "create-stack", "--stack-name", "s"];
    done(local, &[&create[..], &["--template-url", &url]].concat()).await;
    assert_eq!(formation.rest("s").await.0, "CREATE_COMPLETE");
    let absent = "https://made.s3.us-west-2.amazonaws.com/absent";
    let create = ["cloudformation", "create-stack", "--stack-name", "t"];
    let refused = aws(local, &[&create[..], &["--template-url", absent]].concat()).await;
    let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        refused.contains("S3 error: The specified key does not exist."),
        "{refused}"
    );

    let full = aws(local, &["s3", "rb", "s3://made"]).await;
    assert!(String::from_utf8_lossy(&full.stderr).contains("BucketNotEmpty"));
    done(local, &["s3", "rm", "--recursive", "s3://made"]).await;
    done(local, &["s3", "rb", "s3://made"]).await;
    assert!(
        !aws(local, &["s3", "ls", "s3://made"])
            .await
            .status
            .success()
    );
}

fn settings(services: usize) -> String {
    let services: String = (0..services)
        .map(|n| {
            format!("  - {{ name: s{n}, host: h{n}.example.com, port: 80, protocol: http }}\n")
        })
        .collect();
    format!("internet: stand-in\nexternal_services:\n{services}")
}

#[test]
#[ignore = "needs root, Envoy and the AWS CLI"]
fn a_mesh_too_long_for_a_request_goes_up_and_down_through_a_bucket() {
    let project = Project::new().file("colormesh.yaml", &settings(100));
    let start = ["local", "start", "--call-log", "calls"];
    let url = project.run(&start).code(0).stdout;
    let url = url.trim();
    let in_account = |program: &str| {
        let mut command = match program {
            "" => project.command(),
            program => project.command_of(program),
        };
        command
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_DEFAULT_REGION", "us-west-2")
            .env("AWS_ENDPOINT_URL", url);
        command
    };
    let aws = |arguments: &[&str]| said(in_account("aws").args(arguments).output().unwrap());
    // By the variable this time, as in a shell after `colormesh local env`.
    let target = [
        "--target",
        "aws",
        "--mesh-runtime",
        "app-mesh",
        "--s3-bucket",
        "templates",
    ];
    let run = |arguments: &[&str]| -> Said {
        said(
            in_account("")
                .args(arguments)
                .args(target)
                .output()
                .unwrap(),
        )
    };
    let puts = || {
        let log = std::fs::read_to_string(project.path().join("calls")).unwrap();
        let calls = log.lines().map(|line| serde_json::from_str(line).unwrap());
        let puts = calls.filter(|call: &Value| call["operation"] == "s3:PutObject");
        puts.map(|call| call["outcome"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };

    let refused = run(&["up", "--yes"]).code(1);
    assert!(refused.stderr.contains("aws s3 mb"), "{}", refused.stderr);
    aws(&["s3", "mb", "s3://templates"]).code(0);
    let up = run(&["up", "--yes"]).code(0);
    let folder = "s3://templates/colormesh/AppMeshExternalExample/";
    assert!(
        up.stderr
            .contains(&format!("long templates are in `{folder}`")),
        "{}",
        up.stderr
    );
    let listed = aws(&["s3", "ls", folder]).code(0).stdout;
    assert_eq!(listed.lines().count(), 1, "{listed}");
    let before = puts().len();
    assert!(
        run(&["up", "--yes"])
            .code(0)
            .stderr
            .contains("nothing changed")
    );
    assert_eq!(puts().len(), before, "nothing is sent again");

    project.write("colormesh.yaml", &settings(101));
    run(&["up", "--yes"]).code(0);
    assert_eq!(puts().len(), before + 1);
    let down = run(&["down", "--yes"]).code(0);
    assert!(
        down.stderr
            .contains(&format!("removed 2 templates from `{folder}`")),
        "{}",
        down.stderr
    );
    assert_eq!(
        aws(&["s3", "ls", "--recursive", "s3://templates"]).stdout,
        ""
    );
}
