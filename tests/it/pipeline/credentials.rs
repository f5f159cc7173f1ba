//! Whose credentials: the SDK's own chain, told before anything is changed.

use std::process::Command;

use axum::Router;
use axum::extract::RawForm;
use axum::routing::{get, post};

use super::alone::finish;
use crate::local::Local;
use crate::project::{Project, Said};

/// `plan` against an endpoint, with no credentials but those that it is given.
fn plan(project: &Project, url: &str) -> Command {
    let mut command = project.command();
    command
        .args(["plan", "--target", "aws", "--endpoint-url", url])
        // The chain ends with the instance's own metadata: not from here.
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

fn url(local: &Local) -> String {
    format!("http://{}", local.address)
}

#[track_caller]
fn tells_who(said: &Said) {
    let words = "account 123456789012 as arn:aws:iam::123456789012:user/colormesh in us-west-2";
    assert!(said.stderr.contains(words), "{}", said.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_read_from_the_users_files() {
    let local = Local::start().await;
    let project = Project::new()
        .file("config", "[profile work]\nregion = eu-west-1\n")
        .file(
            "keys",
            "[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = s\n",
        );
    let mut command = plan(&project, &url(&local));
    command
        .args(["--profile", "work"])
        .env("AWS_CONFIG_FILE", project.path().join("config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", project.path().join("keys"));
    tells_who(&finish(&mut command).await.code(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_may_ask_a_program() {
    let local = Local::start().await;
    let answer = r#"{"Version":1,"AccessKeyId":"AKIAP","SecretAccessKey":"s"}"#;
    let project = Project::new().file("answer", answer);
    let file = project.path().join("answer");
    let config = format!(
        "[profile work]\ncredential_process = cat {}\n",
        file.display()
    );
    project.write("config", &config);
    let mut command = plan(&project, &url(&local));
    command
        .env("AWS_PROFILE", "work")
        .env("AWS_CONFIG_FILE", project.path().join("config"));
    tells_who(&finish(&mut command).await.code(0));
}

/// As ECS and EKS hand them to a container, with an end.
#[tokio::test(flavor = "multi_thread")]
async fn a_container_gets_them_from_its_host() {
    let local = Local::start().await;
    let answer = r#"{"AccessKeyId":"AKIAC","SecretAccessKey":"s","Token":"t","Expiration":"2199-01-01T00:00:00Z"}"#;
    let host = serve(Router::new().route("/role", get(move || async move { answer }))).await;
    let project = Project::new();
    let mut command = plan(&project, &url(&local));
    command.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{host}/role"));
    tells_who(&finish(&mut command).await.code(0));
}

/// As a job with OpenID Connect has it: a token for a role.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_job_is_exchanged_for_a_role() {
    let sts = serve(Router::new().route("/", post(sts))).await;
    let project = Project::new().file("token", "a.web.token");
    let mut command = plan(&project, &sts);
    command
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", project.path().join("token"))
        .env("AWS_ROLE_ARN", "arn:aws:iam::210987654321:role/deploy")
        .env("AWS_ENDPOINT_URL", &sts)
        .args(["--account-id", "123456789012"]);
    // It gets as far as the account, which is the wrong one.
    let said = finish(&mut command).await.code(2);
    let words = "account 210987654321 as arn:aws:sts::210987654321:assumed-role/deploy/job";
    assert!(said.stderr.contains(words), "{}", said.stderr);
    let words = "name 123456789012; nothing was changed";
    assert!(said.stderr.contains(words), "{}", said.stderr);
}

async fn sts(RawForm(body): RawForm) -> (axum::http::StatusCode, String) {
    let body = String::from_utf8_lossy(&body).into_owned();
    if body.contains("Action=AssumeRoleWithWebIdentity") && body.contains("a.web.token") {
        return (axum::http::StatusCode::OK, ASSUMED.to_owned());
    }
    if body.contains("Action=GetCallerIdentity") {
        return (axum::http::StatusCode::OK, CALLER.to_owned());
    }
    (axum::http::StatusCode::BAD_REQUEST, String::new())
}

const ASSUMED: &str = r#"<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAJOB</AccessKeyId>
<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
<Expiration>2199-01-01T00:00:00Z</Expiration></Credentials>
<AssumedRoleUser><Arn>arn:aws:sts::210987654321:assumed-role/deploy/job</Arn>
<AssumedRoleId>AROA:job</AssumedRoleId></AssumedRoleUser></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>"#;

const CALLER: &str = r#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>arn:aws:sts::210987654321:assumed-role/deploy/job</Arn>
<UserId>AROA:job</UserId><Account>210987654321</Account></GetCallerIdentityResult>
</GetCallerIdentityResponse>"#;

#[tokio::test(flavor = "multi_thread")]
async fn missing_ones_are_said_with_what_to_do() {
    let local = Local::start().await;
    let project = Project::new();
    let said = finish(&mut plan(&project, &url(&local))).await.code(1);
    for words in ["no AWS credentials were found", "hint: set `AWS_PROFILE`"] {
        assert!(said.stderr.contains(words), "{}", said.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_is_over_says_how_to_sign_in_again() {
    let local = Local::start().await;
    let config = "[profile work]\nsso_session = me\nsso_account_id = 123456789012\n\
                  sso_role_name = deploy\n[sso-session me]\nsso_region = us-west-2\n\
                  sso_start_url = https://example.test/start\n";
    let project = Project::new().file("config", config);
    let mut command = plan(&project, &url(&local));
    command
        .env("AWS_PROFILE", "work")
        .env("AWS_CONFIG_FILE", project.path().join("config"));
    let said = finish(&mut command).await.code(1);
    assert!(said.stderr.contains("aws sso login"), "{}", said.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_and_unknown_ones_are_told_apart() {
    for (code, words, hint) in [
        (
            "ExpiredToken",
            "the AWS credentials have expired",
            "sign in again",
        ),
        (
            "InvalidClientTokenId",
            "AWS does not accept the credentials",
            "check which credentials",
        ),
    ] {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>\
             <Message>no</Message></Error></ErrorResponse>"
        );
        let answer = move || async move { (axum::http::StatusCode::FORBIDDEN, body.clone()) };
        let host = serve(Router::new().route("/", post(answer))).await;
        let project = Project::new();
        let mut command = plan(&project, &host);
        command
            .env("AWS_ACCESS_KEY_ID", "AKIAOLD")
            .env("AWS_SECRET_ACCESS_KEY", "s");
        let said = finish(&mut command).await.code(1);
        assert!(said.stderr.contains(words), "{}", said.stderr);
        assert!(said.stderr.contains(hint), "{}", said.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_than_the_allowed_ones_is_not_touched() {
    let local = Local::start().await;
    let project = Project::new();
    for (list, code) in [("[210987654321]", 2), ("[210987654321, 123456789012]", 0)] {
        project.write("colormesh.yaml", &format!("allowed_accounts: {list}\n"));
        let mut command = plan(&project, &url(&local));
        command
            .env("AWS_ACCESS_KEY_ID", "AKIA")
            .env("AWS_SECRET_ACCESS_KEY", "s");
        let said = finish(&mut command).await.code(code);
        tells_who(&said);
        assert_eq!(said.stderr.contains("`allowed_accounts`"), code == 2);
    }
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}
