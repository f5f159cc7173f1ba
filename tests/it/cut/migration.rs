//! An environment that was deployed in five stacks, and `up` of today.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use colormesh::aws::{Cloud, CredentialSource, Options};
use colormesh::config::Config;
use colormesh::deploy::{self, ImageSource, Interrupt, Work};
use colormesh::image;
use colormesh::plan::{Direction, ImagePlan, Plan, Wishes};

use super::before::before;
use crate::project::Project;
use crate::walkthrough::get;

const SETTINGS: &str = "internet: stand-in\nkey_pair: none\n";

/// What `up` did then, through the same engine.
#[tokio::main]
async fn up_as_before(endpoint: &str) {
    let cloud = Cloud::connect(Options {
        region: "us-west-2".to_owned(),
        profile: None,
        endpoint_url: Some(endpoint.to_owned()),
        credentials: CredentialSource::Local,
    })
    .await;
    let built = Arc::new(image::build(&colour_app()).unwrap());
    let wishes = Wishes {
        environment: Config::default().environment.to_string(),
        key_pair: None,
        image: ImagePlan::Build { digest: None },
        unwanted: Vec::new(),
    };
    let work = Work {
        image: Some(ImageSource::Built(built)),
        ..Work::new(wishes.environment.clone())
    };
    let stacks = before();
    let deployed = deploy::observe(&cloud, Direction::Up, &stacks, None).await;
    let plan = Plan::up(stacks, &deployed.unwrap(), &wishes).unwrap();
    let (events, _) = tokio::sync::mpsc::unbounded_channel();
    deploy::up(&plan, &cloud, work, events, Interrupt::never())
        .await
        .unwrap();
}

#[test]
#[ignore = "needs root and Envoy"]
fn an_environment_of_five_stacks_moves_over() {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    let endpoint = project.run(&["local", "start"]).code(0).stdout;
    up_as_before(endpoint.trim());
    let old = app(&project);
    assert_eq!(get(&old, "/"), (200, "white".to_owned()));

    // What it comes to is said before.
    let planned = project.run(&["plan", "--exit-code"]).code(3);
    for text in ["PublicLoadBalancer", "NatGateway1", "-ingress", "-nat"] {
        assert!(planned.stdout.contains(text), "{}", planned.stdout);
    }
    let up = project.run(&["up", "--output", "json"]).code(0).json();
    let steps = up["finished"].as_array().unwrap();
    let outcome = |end: &str| {
        let mut steps = steps.iter();
        let step = steps.find(|step| step["step"].as_str().unwrap().ends_with(end));
        step.unwrap()["outcome"].clone()
    };
    assert_eq!(outcome("-vpc"), "updated");
    assert_eq!(outcome("-ingress"), "created");
    assert_eq!(outcome("-nat"), "created");
    assert_eq!(outcome("-ecs-service"), "updated");
    let new = up["endpoint"].as_str().unwrap();
    assert_ne!(new, old);
    assert_eq!(get(new, "/external_github").0, 200);
    project.run(&["verify"]).code(0);
    project.run(&["plan", "--exit-code"]).code(0);

    // And away with the way out: the tasks move, then its stack goes.
    project.write(
        "colormesh.yaml",
        &format!("{SETTINGS}vpc: {{ nat: none }}\n"),
    );
    let up = project.run(&["up", "--output", "json"]).code(0).json();
    let steps = up["finished"].as_array().unwrap();
    let last = steps.last().unwrap();
    assert!(last["step"].as_str().unwrap().ends_with("-nat"), "{last}");
    assert_eq!(last["outcome"], "deleted");
    project.run(&["verify"]).code(0);
    project.run(&["plan", "--exit-code"]).code(0);
    project.run(&["down"]).code(0);
    assert!(!project.path().join("state").join("colormesh").exists());
}

/// What was deployed with a way out goes whatever the settings say now.
#[test]
#[ignore = "needs root and Envoy"]
fn down_removes_a_stack_that_the_settings_do_not_want() {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    project.run(&["up"]).code(0);
    project.write(
        "colormesh.yaml",
        &format!("{SETTINGS}vpc: {{ nat: none }}\n"),
    );
    project.run(&["down"]).code(0);
    assert!(!project.path().join("state").join("colormesh").exists());
}

fn colour_app() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_colormesh"));
    let target = program.parent().unwrap().parent().unwrap();
    target
        .join(format!("{}-unknown-linux-gnu", std::env::consts::ARCH))
        .join("app/colorteller")
}

fn app(project: &Project) -> String {
    let status = project.run(&["status", "--output", "json"]).code(0).json();
    status["endpoint"].as_str().unwrap().to_owned()
}
