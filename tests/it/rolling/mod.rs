//! Tasks that are replaced under a load: no request is lost, whoever runs the
//! mesh, and none when the new tasks never come to serve.

pub(crate) mod load;

use serde_json::json;

use crate::own_image::bare;
use crate::own_image::image::{Image, Layer};
use crate::own_image::registry::{Registry, Token};
use crate::project::Project;
use load::Load;

/// The settings of one deployment.
fn settings(runtime: &str, color: &str, envoy: &str) -> String {
    format!(
        "internet: stand-in\nmesh: {{ runtime: {runtime} }}\napp: {{ color: {color} }}\n\
         envoy_image: docker.io/envoyproxy/envoy:{envoy}\n"
    )
}

fn up(project: &Project) -> serde_json::Value {
    project.run(&["up", "--output", "json"]).code(0).json()
}

fn ids(project: &Project) -> Vec<String> {
    let tasks = project.tasks();
    let names = tasks.as_array().unwrap().iter();
    let mut names: Vec<String> = names.map(|task| task["name"].to_string()).collect();
    names.sort();
    names
}

/// The app's task twice, and once that of the gateway too: another image of
/// Envoy is another definition of both.
fn no_request_is_lost(runtime: &str) {
    let project = Project::new().file("colormesh.yaml", &settings(runtime, "white", "v1.40.0"));
    let endpoint = up(&project)["endpoint"].as_str().unwrap().to_owned();
    let first = ids(&project);
    let load = Load::start(&endpoint);
    load.until_answered_by("white");
    for (color, envoy) in [("blue", "v1.40.0"), ("green", "v1.40.1")] {
        project.write("colormesh.yaml", &settings(runtime, color, envoy));
        up(&project);
        load.until_answered_by(color);
    }
    let seen = load.end();
    assert_eq!(seen.failures, Vec::<String>::new());
    assert!(seen.slow > 0, "{seen:?}");
    let last = ids(&project);
    assert_eq!(last.len(), 2, "{last:?}");
    assert!(last.iter().all(|task| !first.contains(task)), "{last:?}");
    project.run(&["verify"]).code(0);
    project.run(&["verify", "--egress"]).code(0);
    project.run(&["down"]).code(0);
}

#[test]
#[ignore = "needs root and Envoy"]
fn no_request_is_lost_while_tasks_are_replaced() {
    no_request_is_lost("app-mesh");
}

#[test]
#[ignore = "needs root and Envoy"]
fn no_request_is_lost_while_tasks_with_their_own_configuration_are_replaced() {
    no_request_is_lost("envoy");
}

/// An image whose program ends at once: it is not there.
fn broken() -> Image {
    let layer = Layer::new().file("readme", 0o644, b"nothing to run");
    Image::new(vec![layer], &json!({ "Entrypoint": ["/server"] }))
}

/// The circuit breaker: the old task goes on, and the stack is rolled back.
#[test]
#[ignore = "needs root and Envoy"]
fn a_task_that_never_serves_is_given_up_and_the_one_before_serves_on() {
    let images = vec![("app:good", bare()), ("app:broken", broken())];
    let registry = Registry::start(Token::NotWanted, images);
    let settings = |name: &str| {
        let image = registry.image(name);
        format!("internet: stand-in\nmesh: {{ runtime: envoy }}\napp: {{ image: '{image}' }}\n")
    };
    let project = Project::new().file("colormesh.yaml", &settings("app:good"));
    let endpoint = up(&project)["endpoint"].as_str().unwrap().to_owned();
    let before = ids(&project);
    let load = Load::start(&endpoint);
    load.until_answered_by("white");
    project.write("colormesh.yaml", &settings("app:broken"));
    let said = project.run(&["up"]).code(4);
    assert!(said.stderr.contains("/server"), "{}", said.stderr);
    let seen = load.end();
    assert_eq!(seen.failures, Vec::<String>::new());
    assert_eq!(ids(&project), before);
    project.run(&["down"]).code(0);
}
