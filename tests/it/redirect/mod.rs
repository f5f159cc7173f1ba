//! Other ways to Envoy than ECS's redirection: what is rendered, and the tasks
//! as they run, in place of those that ECS redirects.

mod capacity;
mod order;
mod rendered;

use colormesh::aws::{Cloud, CredentialSource, Options};
use serde_json::Value;

use crate::project::Project;
use crate::rolling::load::Load;
use crate::walkthrough::{check, get};

const SERVICES: &str = "\
external_services:
  - { name: github, host: github.com }
  - { name: godev, host: go.dev, via_port: 444 }
  - { name: plain, host: mirror.example.org, port: 80, protocol: http }
  - { name: database, host: db.example.org, port: 5432 }
";

fn settings(redirect: &str, color: &str) -> String {
    let capacity = match redirect {
        "init-container" => "capacity_provider: own\n",
        _ => "",
    };
    format!(
        "internet: stand-in\nmesh: {{ runtime: envoy, redirect: {redirect} }}\n\
         app: {{ color: {color} }}\n{SERVICES}{capacity}"
    )
}

fn ids(project: &Project) -> Vec<String> {
    let tasks = project.tasks();
    let tasks = tasks.as_array().unwrap().iter();
    tasks.map(|task| task["name"].to_string()).collect()
}

/// Goes over to other settings under a load, without losing a request.
fn goes_over(project: &Project, endpoint: &str, from: &str, (redirect, color): (&str, &str)) {
    let before = ids(project);
    let load = Load::start(endpoint);
    load.until_answered_by(from);
    project.write("colormesh.yaml", &settings(redirect, color));
    project.run(&["up"]).code(0);
    load.until_answered_by(color);
    let seen = load.end();
    assert_eq!(seen.failures, Vec::<String>::new());
    assert!(ids(project).iter().all(|task| !before.contains(task)));
}

/// From ECS's redirection to another way, under a load; what is proved then;
/// and back.
fn goes_over_to(redirect: &str) -> (Project, Value) {
    let project = Project::new();
    project.write("colormesh.yaml", &settings("proxy-configuration", "white"));
    let up = project.run(&["up", "--output", "json"]).code(0).json();
    let endpoint = up["endpoint"].as_str().unwrap().to_owned();
    goes_over(&project, &endpoint, "white", (redirect, "blue"));

    for (name, said) in [
        ("github", "stand-in for github.com"),
        ("godev", "stand-in for go.dev"),
        ("plain", "stand-in for mirror.example.org"),
        ("database", "stand-in for db.example.org port 5432"),
    ] {
        let (status, page) = get(&endpoint, &format!("/external_{name}"));
        assert_eq!(status, 200, "{name}: {page}");
        assert!(page.contains(said), "{name}: {page}");
    }
    assert_eq!(get(&endpoint, "/egress_denied").0, 502);
    project.run(&["plan", "--exit-code"]).code(0);
    let report = project.run(&["verify", "--output", "json"]).code(0).json();
    (project, report)
}

#[test]
#[ignore = "needs root and Envoy"]
fn an_app_calls_services_at_ports_on_loopback() {
    let (project, report) = goes_over_to("ports");
    // Nothing sees what does not come to Envoy, and nobody says it does.
    assert_eq!(check(&report, "refusal logged")["verdict"], "skipped");
    let said = project.run(&["verify", "--egress", "--output", "json"]);
    let report = said.code(0).json();
    for (probe, verdict) in [
        ("app: TLS to a modelled service", "passed"),
        ("app: TLS, foreign name at a modelled address", "passed"),
        ("app: TLS, foreign name", "passed"),
        ("app: TLS, modelled name at a foreign address", "skipped"),
    ] {
        assert_eq!(check(&report, probe)["verdict"], verdict, "{probe}");
    }
    back(&project);
}

/// Once the gateway before lost its way to the new tasks of the app: their
/// Envoys took only what was led to them.
fn back(project: &Project) {
    let status = project.run(&["status", "--output", "json"]).code(0).json();
    let endpoint = status["endpoint"].as_str().unwrap().to_owned();
    goes_over(project, &endpoint, "blue", ("proxy-configuration", "green"));
    project.run(&["plan", "--exit-code"]).code(0);
    project.run(&["verify", "--egress"]).code(0);
    project.run(&["down"]).code(0);
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_container_that_comes_first_redirects() {
    let (project, report) = goes_over_to("init-container");
    assert_eq!(check(&report, "refusal logged")["verdict"], "passed");
    project.run(&["verify", "--egress"]).code(0);
    check_containers(&project);
    back(&project);
}

/// The first has ended well, as the others wait for.
#[tokio::main]
async fn check_containers(project: &Project) {
    let status = project
        .run(&["local", "status", "--output", "json"])
        .code(0);
    let url = status.json()["endpoint"].as_str().unwrap().to_owned();
    let cloud = Cloud::connect(Options {
        region: "us-west-2".to_owned(),
        profile: None,
        endpoint_url: Some(url),
        credentials: CredentialSource::Local,
    })
    .await;
    let tasks = cloud.tasks("AppMeshExternalExample").await.unwrap();
    let containers = tasks.into_iter().flat_map(|task| task.containers);
    let mut redirects = containers.filter(|container| container.name == "redirect");
    let redirect = redirects.next().unwrap();
    assert_eq!(redirect.exit_code, Some(0), "{redirect:?}");
    assert_eq!(redirect.status.as_deref(), Some("STOPPED"));
}
