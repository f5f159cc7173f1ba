//! Two environments at one time on one local endpoint, each in its own network.

use crate::project::Project;
use crate::walkthrough::get;

/// Everything that an account has only once is another's; the names of the
/// services are the same in both.
fn settings(environment: &str, runtime: &str, color: &str) -> String {
    let lower = environment.to_lowercase();
    format!(
        "internet: stand-in\nenvironment: {environment}\nkey_pair: none\n\
         mesh: {{ name: {lower}, runtime: {runtime} }}\n\
         app: {{ image_name: {lower}, color: {color} }}\n"
    )
}

fn run(project: &Project, settings: &str, arguments: &[&str]) -> serde_json::Value {
    project.write("colormesh.yaml", settings);
    let arguments = [arguments, &["--output", "json"]].concat();
    project.run(&arguments).code(0).json()
}

/// What an environment answers to many requests.
fn colors(up: &serde_json::Value) -> Vec<String> {
    let endpoint = up["endpoint"].as_str().unwrap();
    let asked = (0..40).map(|_| get(endpoint, "/"));
    let mut colors: Vec<String> = asked
        .map(|(status, color)| {
            assert_eq!(status, 200, "{color}");
            color
        })
        .collect();
    colors.dedup();
    colors
}

fn each_answers_for_itself(runtime: &str) {
    let project = Project::new();
    let (first, second) = (
        settings("First", runtime, "white"),
        settings("Second", runtime, "blue"),
    );
    let one = run(&project, &first, &["up"]);
    let other = run(&project, &second, &["up"]);
    assert_eq!(colors(&one), ["white"]);
    assert_eq!(colors(&other), ["blue"]);
    // A task that is replaced leaves its own name alone.
    let third = settings("Second", runtime, "green");
    let other = run(&project, &third, &["up"]);
    assert_eq!(colors(&one), ["white"]);
    assert_eq!(colors(&other), ["green"]);
    run(&project, &first, &["verify"]);
    // What one registered does not hold the other.
    run(&project, &first, &["down"]);
    assert_eq!(colors(&other), ["green"]);
    run(&project, &third, &["verify"]);
    run(&project, &third, &["down"]);
    assert!(!project.path().join("state").join("colormesh").exists());
}

/// Once both environments' tasks stood behind each name, and a gateway was
/// answered by the other's app.
#[test]
#[ignore = "needs root and Envoy"]
fn two_environments_with_the_same_names_answer_each_for_itself() {
    each_answers_for_itself("app-mesh");
}

#[test]
#[ignore = "needs root and Envoy"]
fn two_environments_without_app_mesh_answer_each_for_itself() {
    each_answers_for_itself("envoy");
}
