//! Whether App Mesh answers, asked of endpoints that answer in every way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use colormesh::aws::{AppMeshAnswer, Cloud, CredentialSource, Options};

use crate::local::Local;
use crate::project::{Project, said};

/// What STS says of the caller.
const CALLER: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult>\
    <Arn>arn:aws:iam::123456789012:user/x</Arn><UserId>x</UserId><Account>123456789012</Account>\
    </GetCallerIdentityResult></GetCallerIdentityResponse>";

async fn cloud(url: String) -> Cloud {
    Cloud::connect(Options {
        region: "us-west-2".to_owned(),
        profile: None,
        endpoint_url: Some(url),
        credentials: CredentialSource::Local,
    })
    .await
}

/// An endpoint that says this; and how often it was asked.
async fn endpoint(status: u16, body: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let answer = move |request: Request| {
        // The only other thing that is asked here: who is asking.
        let about_caller = request.uri().path() == "/";
        if !about_caller {
            assert_eq!(request.uri().path(), "/v20190125/meshes");
            let signature = request.headers()["authorization"].to_str().unwrap();
            assert!(
                signature.contains("/us-west-2/appmesh/aws4_request"),
                "{signature}"
            );
            count.fetch_add(1, Ordering::Relaxed);
        }
        let status = StatusCode::from_u16(status).unwrap();
        let said = if about_caller {
            (StatusCode::OK, CALLER)
        } else {
            (status, body)
        };
        async move { said.into_response() }
    };
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, asked)
}

#[tokio::test]
async fn who_answers_is_there_even_if_one_may_not_ask() {
    let denied = r#"{"__type":"AccessDeniedException","message":"no"}"#;
    for (status, body) in [(200, r#"{"meshes":[]}"#), (403, denied), (429, "")] {
        let (url, _) = endpoint(status, body).await;
        let answer = cloud(url).await.app_mesh().await.unwrap();
        assert_eq!(answer, AppMeshAnswer::Answers, "{status}");
    }
}

#[tokio::test]
async fn who_does_not_know_app_mesh_is_silent_and_says_how() {
    let ended = r#"{"message":"this service has ended"}"#;
    for (status, times) in [(403, 1), (404, 1), (410, 1), (501, 1), (503, 3)] {
        let (url, asked) = endpoint(status, ended).await;
        let answer = cloud(url).await.app_mesh().await.unwrap();
        let AppMeshAnswer::Silent { why } = answer else {
            panic!("{status}");
        };
        assert!(why.contains(&format!("it says {status}")), "{why}");
        assert_eq!(asked.load(Ordering::Relaxed), times, "{status}");
    }
}

#[tokio::test]
async fn nobody_there_is_silence() {
    let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", unused.local_addr().unwrap());
    drop(unused);
    let answer = cloud(url.clone()).await.app_mesh().await.unwrap();
    let AppMeshAnswer::Silent { why } = answer else {
        panic!("answered");
    };
    assert!(why.contains(&url), "{why}");
}

#[tokio::test]
async fn the_local_endpoint_answers() {
    let local = Local::start().await;
    let cloud = cloud(format!("http://{}", local.address)).await;
    assert_eq!(cloud.app_mesh().await.unwrap(), AppMeshAnswer::Answers);
}

/// Before anything is made, and with what to do.
#[tokio::test(flavor = "multi_thread")]
async fn app_mesh_where_it_does_not_answer_is_refused_with_advice() {
    let (url, _) = endpoint(404, "").await;
    let project = Project::new().file(
        "colormesh.yaml",
        "target: aws\nmesh: { runtime: app-mesh }\nbastion: { enabled: false }\napp: { image: 127.0.0.1:9/app:1 }\n",
    );
    let run = tokio::task::spawn_blocking(move || {
        let mut command = project.command();
        command.envs(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|name| (name, "x")));
        let arguments = ["plan", "--endpoint-url", &url];
        said(command.args(arguments).output().unwrap())
            .code(2)
            .stderr
    });
    let said = run.await.unwrap();
    assert!(said.contains("App Mesh does not answer"), "{said}");
    assert!(said.contains("`mesh.runtime: envoy`"), "{said}");
}
